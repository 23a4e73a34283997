import { type Address, formatAddress, isIPv4Mapped, parseAddress } from '../kube/address.ts';
import { type Family, familyOf } from '../model/family.ts';

/** Protocols that Services have. */
const PROTOCOLS = ['tcp', 'udp', 'sctp'] as const;
export type Protocol = (typeof PROTOCOLS)[number];

/** What a connection is to reach. */
export interface Destination {
  /** Canonical text. */
  readonly address: string;
  readonly port: number;
  readonly protocol: Protocol;
}

/** A new connection that somebody asks about. */
export interface Question {
  readonly family: Family;
  /** The client's address, canonical text. */
  readonly source: string;
  readonly destination: Destination;
  /** The interface that its packets come in by; undefined: not told. */
  readonly iifname: string | undefined;
}

/** Reads `10.96.0.10:80/tcp` and `[2001:db8::10]:53/udp`; without a protocol it is TCP. Throws what was expected. */
export function parseDestination(text: string): Destination {
  const match = /^(?:\[([^\]]+)\]|([^:[\]]+)):(\d{1,5})(?:\/([a-z]+))?$/i.exec(text);
  const port = Number(match?.[3]);
  const name = (match?.[4] ?? 'tcp').toLowerCase();
  const protocol = PROTOCOLS.find((known) => known === name);
  if (match === null || protocol === undefined || port < 1 || port > 65_535) {
    throw new Error(`${JSON.stringify(text)} is not like 10.96.0.10:80/tcp or [2001:db8::10]:53/udp`);
  }
  return { address: parseClient(match[1] ?? match[2] ?? ''), port, protocol };
}

/** Reads one address. Throws what was expected. */
export function parseClient(text: string): string {
  const address: Address | undefined = parseAddress(text);
  if (address === undefined) throw new Error(`${JSON.stringify(text)} is not an IP address`);
  if (isIPv4Mapped(address))
    throw new Error(`${text} is an IPv4 address inside an IPv6 one: no packet has it`);
  return formatAddress(address);
}

/** Puts a question together. Throws when its addresses are not of one family. */
export function question(source: string, destination: Destination, iifname: string | undefined): Question {
  const family = familyOf(source);
  if (family !== familyOf(destination.address)) {
    throw new Error(`${source} and ${destination.address} are not of one family: no packet has both`);
  }
  return { family, source, destination, iifname };
}

/** `10.96.0.10:80`, `[2001:db8::10]:80`. */
export function addressPort(address: string, port: number): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}
