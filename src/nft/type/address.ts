import { InvalidArgumentError } from '../../invalid-argument.ts';
import type { DataType } from './data-type.ts';

const ZERO = 48;
const DOT = 46;
const COLON = 58;
const NONE = -1;

/** Writes a dotted IPv4 address; false when the text is not one. Leading zeros are refused: they are octal to some. */
function parseIPv4(text: string, into: Uint8Array, offset: number): boolean {
  let at = 0;
  for (let index = 0; index < 4; index++) {
    if (index > 0 && text.charCodeAt(at++) !== DOT) return false;
    const octet = octetAt(text, at);
    if (octet === NONE) return false;
    into[offset + index] = octet & 0xff;
    at = octet >> 8;
  }
  return at === text.length;
}

/** The octet from `at` on and, above its 8 bits, the place behind it; NONE: there is none. */
function octetAt(text: string, at: number): number {
  let octet = 0;
  let end = at;
  for (; end < text.length; end++) {
    const digit = text.charCodeAt(end) - ZERO;
    if (digit < 0 || digit > 9) break;
    if (octet === 0 && end > at) return NONE;
    octet = octet * 10 + digit;
    if (octet > 255) return NONE;
  }
  return end === at ? NONE : (end << 8) | octet;
}

/** The dotted text of four bytes in network order. */
export function formatIPv4(bytes: Uint8Array, offset: number): string {
  return `${bytes[offset]}.${bytes[offset + 1]}.${bytes[offset + 2]}.${bytes[offset + 3]}`;
}

/** Writes an IPv6 address (RFC 4291 text, `::` and an IPv4 tail included); false when the text is not one. */
function parseIPv6(text: string, into: Uint8Array, offset: number): boolean {
  const end = offset + 16;
  const gap = text.indexOf('::');
  if (gap === -1) return writeGroups(text, 0, text.length, into, offset, end) === end;
  const head = gap === 0 ? offset : writeGroups(text, 0, gap, into, offset, end);
  if (head === NONE) return false;
  const behind = gap + 2;
  const tail = behind === text.length ? head : writeGroups(text, behind, text.length, into, head, end);
  return tail !== NONE && openGap(into, head, tail, end);
}

/** Writes the groups from one place of the text up to another; gives the place behind them, or NONE. */
function writeGroups(
  text: string,
  from: number,
  to: number,
  into: Uint8Array,
  offset: number,
  end: number,
): number {
  let at = from;
  for (let place = offset; place < end; place += 2) {
    const groupEnd = endOfGroup(text, at);
    if (groupEnd < to && text.charCodeAt(groupEnd) === DOT) {
      const isTail = to === text.length && place + 4 <= end;
      return isTail && parseIPv4(text.slice(at), into, place) ? place + 4 : NONE;
    }
    if (!writeGroup(text, at, groupEnd, into, place)) return NONE;
    if (groupEnd === to) return place + 2;
    if (text.charCodeAt(groupEnd) !== COLON) return NONE;
    at = groupEnd + 1;
  }
  return NONE;
}

/** The place behind the hexadecimal digits from `at` on. */
function endOfGroup(text: string, at: number): number {
  let end = at;
  while (end < text.length && hexDigit(text.charCodeAt(end)) !== NONE) end++;
  return end;
}

/** Writes one to four hexadecimal digits; false when there are more or none. */
function writeGroup(text: string, from: number, to: number, into: Uint8Array, offset: number): boolean {
  if (to === from || to - from > 4) return false;
  let group = 0;
  for (let at = from; at < to; at++) group = (group << 4) | hexDigit(text.charCodeAt(at));
  into[offset] = group >> 8;
  into[offset + 1] = group & 0xff;
  return true;
}

/** The digit's value; NONE: it is something else. */
function hexDigit(code: number): number {
  const digit = code - ZERO;
  if (digit >= 0 && digit <= 9) return digit;
  // Lower case, whichever it was.
  const letter = (code | 0x20) - 97;
  return letter >= 0 && letter <= 5 ? letter + 10 : NONE;
}

/** Moves what was written behind `::` to the end; false when `::` stands for nothing. */
function openGap(into: Uint8Array, gap: number, to: number, end: number): boolean {
  if (to === end) return false;
  into.copyWithin(gap + end - to, gap, to);
  into.fill(0, gap, gap + end - to);
  return true;
}

/** RFC 5952: lower case, the first longest run of two or more zero groups shortened, IPv4-mapped with a dotted tail. */
export function formatIPv6(bytes: Uint8Array, offset: number): string {
  const groups: number[] = [];
  for (let i = 0; i < 16; i += 2) groups.push(((bytes[offset + i] ?? 0) << 8) | (bytes[offset + i + 1] ?? 0));
  if (groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff) {
    return `::ffff:${formatIPv4(bytes, offset + 12)}`;
  }
  const run = longestZeroRun(groups);
  const hex = groups.map((group) => group.toString(16));
  if (run.length < 2) return hex.join(':');
  return `${hex.slice(0, run.start).join(':')}::${hex.slice(run.start + run.length).join(':')}`;
}

function longestZeroRun(groups: readonly number[]): { start: number; length: number } {
  let best = { start: 0, length: 0 };
  for (let start = 0; start < groups.length; start++) {
    let length = 0;
    while (groups[start + length] === 0) length++;
    if (length > best.length) best = { start, length };
  }
  return best;
}

/** `ipv4_addr`: `'10.0.0.1'`, four bytes in network order. */
export const ipv4Addr: DataType<string> = Object.freeze({
  name: 'ipv4_addr',
  id: 7,
  byteLength: 4,
  byteOrder: 'network' as const,
  write(value: string, into: Uint8Array, offset: number) {
    if (typeof value !== 'string' || !parseIPv4(value, into, offset)) {
      throw new InvalidArgumentError('', value, 'an IPv4 address like "10.0.0.1"');
    }
  },
  read: formatIPv4,
});

/** `ipv6_addr`: `'fd00::1'`, sixteen bytes in network order. */
export const ipv6Addr: DataType<string> = Object.freeze({
  name: 'ipv6_addr',
  id: 8,
  byteLength: 16,
  byteOrder: 'network' as const,
  write(value: string, into: Uint8Array, offset: number) {
    if (typeof value !== 'string' || !parseIPv6(value, into, offset)) {
      throw new InvalidArgumentError('', value, 'an IPv6 address like "fd00::1"');
    }
  },
  read: formatIPv6,
});

/** `ether_addr`: `'52:54:00:12:34:56'`. */
export const etherAddr: DataType<string> = Object.freeze({
  name: 'ether_addr',
  id: 9,
  byteLength: 6,
  byteOrder: 'network' as const,
  write(value: string, into: Uint8Array, offset: number) {
    if (typeof value !== 'string' || !/^[0-9a-fA-F]{2}(:[0-9a-fA-F]{2}){5}$/.test(value)) {
      throw new InvalidArgumentError('', value, 'a MAC address like "52:54:00:12:34:56"');
    }
    for (let i = 0; i < 6; i++) into[offset + i] = Number.parseInt(value.slice(3 * i, 3 * i + 2), 16);
  },
  read(bytes: Uint8Array, offset: number) {
    return Array.from(bytes.subarray(offset, offset + 6), (byte) => byte.toString(16).padStart(2, '0')).join(
      ':',
    );
  },
});
