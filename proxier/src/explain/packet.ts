import { ipv4Addr, ipv6Addr, packValue } from 'nftlink';
import type { Family } from '../model/family.ts';
import { CannotTellError } from './facts.ts';
import type { Protocol, Question } from './question.ts';

/** The first packet of a connection on its way: what rules read of it, and what they have changed. */
export interface Packet {
  readonly family: Family;
  readonly protocol: Protocol;
  readonly source: string;
  destination: string;
  port: number;
  /** The interface that it came in by; `''`: none, it is the node's own. */
  iifname: string;
  /** `meta mark`. */
  mark: number;
  /** `meta priority`. */
  priority: number;
  hasDnat: boolean;
  isMasqueraded: boolean;
}

export function firstPacket({ family, source, destination, iifname }: Question): Packet {
  return {
    family,
    protocol: destination.protocol,
    source,
    destination: destination.address,
    port: destination.port,
    iifname: iifname ?? '',
    mark: 0,
    priority: 0,
    hasDnat: false,
    isMasqueraded: false,
  };
}

/** IPPROTO_*. */
export const PROTOCOL_NUMBERS: Readonly<Record<Protocol, number>> = { tcp: 6, udp: 17, sctp: 132 };

/** Where a family's header has its addresses, in bytes. */
const ADDRESSES = {
  ip: { source: 12, destination: 16, length: 4 },
  ip6: { source: 8, destination: 24, length: 16 },
};
/** Where TCP, UDP and SCTP have the destination port. */
const DESTINATION_PORT = 2;

/** What a register was loaded from. */
export interface Origin {
  readonly field: 'source' | 'destination' | 'interface';
  /** So many bits of the address are left. */
  readonly prefixLength?: number;
}

/** Bytes of a header, and which address they are of. Throws CannotTellError for what the question says nothing about. */
export function headerBytes(
  packet: Packet,
  base: unknown,
  offset: number,
  length: number,
): { readonly bytes: Buffer; readonly origin: Origin | undefined } {
  if (base === 'network') {
    for (const field of ['source', 'destination'] as const) {
      const at = ADDRESSES[packet.family][field];
      if (offset < at || offset + length > at + ADDRESSES[packet.family].length) continue;
      const bytes = addressBytes(packet.family, packet[field]).subarray(offset - at, offset - at + length);
      return { bytes, origin: { field } };
    }
  }
  if (base === 'transport' && offset === DESTINATION_PORT && length === 2) {
    const bytes = Buffer.alloc(2);
    bytes.writeUInt16BE(packet.port);
    return { bytes, origin: undefined };
  }
  throw new CannotTellError(`${length} bytes at ${offset} of the ${String(base)} header`);
}

function addressBytes(family: Family, address: string): Buffer {
  return Buffer.from(packValue(family === 'ip' ? ipv4Addr : ipv6Addr, address), 'latin1');
}

export function addressText(family: Family, bytes: Uint8Array): string {
  return (family === 'ip' ? ipv4Addr : ipv6Addr).read(bytes, 0);
}
