/** A family as Kubernetes spells it in `ipFamilies` and `addressType`. */
export type IPFamily = 'IPv4' | 'IPv6';

/** An IP address as a number: 32 bits for IPv4, 128 for IPv6. */
export interface Address {
  readonly family: IPFamily;
  readonly value: bigint;
}

/** Reads an address leniently as kube-proxy does (leading zeros in IPv4 are decimal); `undefined` when it is none. */
export function parseAddress(text: string): Address | undefined {
  if (text.includes(':')) {
    const value = parseIPv6(text);
    return value === undefined ? undefined : { family: 'IPv6', value };
  }
  const value = parseIPv4(text);
  return value === undefined ? undefined : { family: 'IPv4', value: BigInt(value) };
}

/** The one text of an address: RFC 5952 for IPv6, with the last 32 bits of an IPv4-mapped one in dots (as Go's netip). */
export function formatAddress({ family, value }: Address): string {
  if (family === 'IPv4') return formatIPv4(Number(value));
  if (value >> 32n === 0xffffn) return `::ffff:${formatIPv4(Number(value & 0xffff_ffffn))}`;
  const groups: number[] = [];
  for (let shift = 112n; shift >= 0n; shift -= 16n) groups.push(Number((value >> shift) & 0xffffn));
  const gap = longestZeros(groups);
  const hex = (part: readonly number[]) => part.map((group) => group.toString(16)).join(':');
  if (gap.length < 2) return hex(groups);
  return `${hex(groups.slice(0, gap.start))}::${hex(groups.slice(gap.start + gap.length))}`;
}

/** The one text of the address in `text`, or `undefined` when it is none. */
export function canonicalAddress(text: string): string | undefined {
  const address = parseAddress(text);
  return address && formatAddress(address);
}

/** The family of a text that is known to be an address. */
export function familyOf(address: string): IPFamily {
  return address.includes(':') ? 'IPv6' : 'IPv4';
}

/** True for `::ffff:a.b.c.d`, which Kubernetes treats as the IPv4 address and nft doesn't. */
export function isIPv4Mapped({ family, value }: Address): boolean {
  return family === 'IPv6' && value >> 32n === 0xffffn;
}

/** Why an address can be neither an endpoint nor an external IP in Kubernetes; `undefined` when it can. */
export function specialRange({ family, value }: Address): string | undefined {
  if (value === 0n) return 'the unspecified address';
  if (family === 'IPv4') {
    if (value >> 24n === 127n) return 'a loopback address';
    if (value >> 16n === 0xa9fen) return 'a link-local address';
    return value >> 8n === 0xe00000n ? 'a link-local multicast address' : undefined;
  }
  if (value === 1n) return 'a loopback address';
  if (value >> 118n === 0x3fan) return 'a link-local address';
  return value >> 112n === 0xff02n ? 'a link-local multicast address' : undefined;
}

function parseIPv4(text: string): number | undefined {
  const parts = text.split('.');
  if (parts.length !== 4) return undefined;
  let value = 0;
  for (const part of parts) {
    if (!/^[0-9]+$/.test(part)) return undefined;
    const byte = Number(part);
    if (byte > 255) return undefined;
    value = value * 256 + byte;
  }
  return value;
}

function parseIPv6(text: string): bigint | undefined {
  const halves = text.split('::');
  if (halves.length > 2) return undefined;
  const left = parseGroups(halves[0] ?? '', halves.length === 1);
  if (halves.length === 1) return left?.length === 8 ? join(left) : undefined;
  const right = parseGroups(halves[1] ?? '', true);
  if (left === undefined || right === undefined || left.length + right.length > 7) return undefined;
  const zeros = new Array<number>(8 - left.length - right.length).fill(0);
  return join([...left, ...zeros, ...right]);
}

/** Groups of 16 bits between colons; dotted IPv4 may be the last one where `mayEndInIPv4`. */
function parseGroups(text: string, mayEndInIPv4: boolean): number[] | undefined {
  if (text === '') return [];
  const groups: number[] = [];
  const parts = text.split(':');
  for (const [index, part] of parts.entries()) {
    if (/^[0-9a-f]{1,4}$/i.test(part)) {
      groups.push(Number.parseInt(part, 16));
      continue;
    }
    const ipv4 = mayEndInIPv4 && index === parts.length - 1 ? parseIPv4(part) : undefined;
    if (ipv4 === undefined) return undefined;
    groups.push(Math.floor(ipv4 / 65536), ipv4 % 65536);
  }
  return groups;
}

function join(groups: readonly number[]): bigint {
  return groups.reduce((value, group) => (value << 16n) | BigInt(group), 0n);
}

function formatIPv4(value: number): string {
  return [value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255].join('.');
}

/** The first of the longest runs of zero groups. */
function longestZeros(groups: readonly number[]): { start: number; length: number } {
  let best = { start: 0, length: 0 };
  let start = 0;
  for (let end = 0; end <= groups.length; end += 1) {
    if (groups[end] === 0) continue;
    if (end - start > best.length) best = { start, length: end - start };
    start = end + 1;
  }
  return best;
}
