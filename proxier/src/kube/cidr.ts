import { type Address, formatAddress, type IPFamily, parseAddress } from './address.ts';

/** An address range. `base` has no host bits. */
export interface Cidr {
  readonly family: IPFamily;
  readonly base: bigint;
  readonly prefixLength: number;
  /** Number of addresses, the network and broadcast address included. */
  readonly size: bigint;
}

/** Reads `10.96.0.0/12`; host bits are cleared. `undefined` when it is no CIDR. */
export function parseCidr(text: string): Cidr | undefined {
  const match = /^([^/]+)\/([0-9]{1,3})$/.exec(text);
  const address = parseAddress(match?.[1] ?? '');
  if (match === null || address === undefined) return undefined;
  const bits = address.family === 'IPv4' ? 32 : 128;
  const prefixLength = Number(match[2]);
  if (prefixLength > bits) return undefined;
  const size = 1n << BigInt(bits - prefixLength);
  return { family: address.family, base: address.value & ~(size - 1n), prefixLength, size };
}

/** The CIDR in canonical text. */
export function formatCidr({ family, base, prefixLength }: Cidr): string {
  return `${formatAddress({ family, value: base })}/${prefixLength}`;
}

/** True when the address lies in the range. */
export function cidrContains(cidr: Cidr, address: Address): boolean {
  return (
    cidr.family === address.family && address.value >= cidr.base && address.value < cidr.base + cidr.size
  );
}

/** The canonical text of the address `offset` places into the range. */
export function addressAt(cidr: Cidr, offset: bigint): string {
  return formatAddress({ family: cidr.family, value: cidr.base + offset });
}

/**
 * Reads the value of `--service-cidr`: one CIDR, or one of each family separated by a comma; the first is the
 * family of Services that ask for none. Throws an error that says what was expected.
 */
export function parseServiceCidrs(text: string): readonly Cidr[] {
  const cidrs = text.split(',').map((part) => {
    const cidr = parseCidr(part.trim());
    if (cidr === undefined) throw new Error(`service CIDR ${JSON.stringify(part)} is not like 10.96.0.0/12`);
    if (cidr.size < 4n) throw new Error(`service CIDR ${formatCidr(cidr)} has no room for a Service`);
    return cidr;
  });
  if (cidrs.length > 2 || (cidrs.length === 2 && cidrs[0]?.family === cidrs[1]?.family)) {
    throw new Error(`service CIDRs ${text}: expected one, or one of each IP family`);
  }
  return cidrs;
}
