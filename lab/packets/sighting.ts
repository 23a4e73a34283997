import { addressText } from './address.ts';
import { ICMP, type PacketEnd, PROTOCOL_NUMBER } from './packet.ts';

/** A packet that the kernel let out, as far as it has to do with one that was sent. */
export type Sighting =
  | {
      readonly kind: 'packet';
      readonly id: number;
      readonly source: PacketEnd;
      readonly destination: PacketEnd;
    }
  /** TCP's answer to it. */
  | { readonly kind: 'reset'; readonly id: number }
  /** An ICMP error that quotes it. */
  | {
      readonly kind: 'error';
      readonly id: number;
      readonly type: number;
      readonly code: number;
      readonly version: 4 | 6;
    };

/** TCP's flag. */
const RST = 4;

interface Datagram {
  readonly version: 4 | 6;
  readonly protocol: number;
  readonly source: string;
  readonly destination: string;
  readonly payload: Buffer;
}

/** Reads a packet from its IP header on; `undefined` when it is none of ours (neighbour discovery, for one). */
export function readSighting(bytes: Buffer): Sighting | undefined {
  const datagram = readDatagram(bytes);
  if (datagram === undefined) return undefined;
  const { version, protocol, payload } = datagram;
  if (protocol === PROTOCOL_NUMBER.TCP && payload.length >= 20 && ((payload[13] ?? 0) & RST) !== 0) {
    return { kind: 'reset', id: (payload.readUInt32BE(8) - 1) >>> 0 };
  }
  if (isIcmp(datagram) && payload.length >= 8 && isError(version, payload[0] ?? 0)) {
    const quoted = readDatagram(payload.subarray(8));
    const id = quoted && idOf(quoted);
    const [type = 0, code = 0] = payload;
    return id === undefined ? undefined : { kind: 'error', id, type, code, version };
  }
  const id = idOf(datagram);
  if (id === undefined) return undefined;
  const [sourcePort, port] = isIcmp(datagram) ? [0, 0] : [payload.readUInt16BE(0), payload.readUInt16BE(2)];
  return {
    kind: 'packet',
    id,
    source: { address: datagram.source, port: sourcePort },
    destination: { address: datagram.destination, port },
  };
}

/** A quoted packet may be cut short: lengths in its header are not looked at. */
function readDatagram(bytes: Buffer): Datagram | undefined {
  const version = (bytes[0] ?? 0) >> 4;
  if (version === 4 && bytes.length >= 20) {
    return {
      version,
      protocol: bytes[9] ?? 0,
      source: addressText(bytes.subarray(12, 16)),
      destination: addressText(bytes.subarray(16, 20)),
      payload: bytes.subarray(((bytes[0] ?? 0) & 15) * 4),
    };
  }
  if (version !== 6 || bytes.length < 40) return undefined;
  return {
    version,
    protocol: bytes[6] ?? 0,
    source: addressText(bytes.subarray(8, 24)),
    destination: addressText(bytes.subarray(24, 40)),
    payload: bytes.subarray(40),
  };
}

/** Where each protocol has the id, see craft.ts. */
const ID_OFFSET: Readonly<Record<number, number>> = {
  [PROTOCOL_NUMBER.TCP]: 4,
  [PROTOCOL_NUMBER.UDP]: 8,
  [PROTOCOL_NUMBER.SCTP]: 16,
  [PROTOCOL_NUMBER.ICMP]: 8,
  [PROTOCOL_NUMBER.ICMPv6]: 8,
};

function idOf({ version, protocol, payload }: Datagram): number | undefined {
  const offset = ID_OFFSET[protocol];
  if (offset === undefined || payload.length < offset + 4) return undefined;
  const isOther = isIcmp({ version, protocol }) && payload[0] !== ICMP[version].echoRequest;
  return isOther ? undefined : payload.readUInt32BE(offset);
}

function isIcmp({ version, protocol }: Pick<Datagram, 'version' | 'protocol'>): boolean {
  return protocol === (version === 4 ? PROTOCOL_NUMBER.ICMP : PROTOCOL_NUMBER.ICMPv6);
}

/** Destination unreachable, time exceeded, parameter problem, packet too big. */
function isError(version: 4 | 6, type: number): boolean {
  return version === 4 ? type === ICMP[4].unreachable || type === 11 || type === 12 : type < 128;
}
