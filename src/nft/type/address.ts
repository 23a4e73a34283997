import { InvalidArgumentError } from '../../invalid-argument.ts';
import type { DataType } from './data-type.ts';

const ZERO = 48;
const DOT = 46;

/** Writes a dotted IPv4 address; false when the text is not one. Leading zeros are refused: they are octal to some. */
function parseIPv4(text: string, into: Uint8Array, offset: number): boolean {
  let at = 0;
  for (let index = 0; index < 4; index++) {
    if (index > 0 && (at >= text.length || text.charCodeAt(at++) !== DOT)) return false;
    const start = at;
    let octet = 0;
    for (; at < text.length; at++) {
      const digit = text.charCodeAt(at) - ZERO;
      if (digit < 0 || digit > 9) break;
      if (at > start && octet === 0) return false;
      octet = octet * 10 + digit;
      if (octet > 255) return false;
    }
    if (at === start) return false;
    into[offset + index] = octet;
  }
  return at === text.length;
}

/** The dotted text of four bytes in network order. */
export function formatIPv4(bytes: Uint8Array, offset: number): string {
  return `${bytes[offset]}.${bytes[offset + 1]}.${bytes[offset + 2]}.${bytes[offset + 3]}`;
}

const COLON = 58;
const NONE = -1;

/** Writes an IPv6 address (RFC 4291 text, `::` and an IPv4 tail included); false when the text is not one. */
function parseIPv6(text: string, into: Uint8Array, offset: number): boolean {
  const end = offset + 16;
  let to = offset;
  /** Where the zeros of `::` begin. */
  let gap = NONE;
  let at = 0;
  if (text.startsWith('::')) {
    gap = to;
    at = 2;
  }
  while (at < text.length && to < end) {
    const groupEnd = endOfGroup(text, at);
    if (text.charCodeAt(groupEnd) === DOT) {
      if (to + 4 > end || !parseIPv4(text.slice(at), into, to)) return false;
      to += 4;
      at = text.length;
      break;
    }
    if (groupEnd === at || groupEnd - at > 4) return false;
    writeGroup(text, at, groupEnd, into, to);
    to += 2;
    at = groupEnd;
    if (at === text.length) break;
    if (text.charCodeAt(at++) !== COLON || at === text.length) return false;
    if (text.charCodeAt(at) !== COLON) continue;
    if (gap !== NONE) return false;
    gap = to;
    at++;
  }
  if (at < text.length) return false;
  return gap === NONE ? to === end : openGap(into, gap, to, end);
}

/** The place behind the hexadecimal digits from `at` on. */
function endOfGroup(text: string, at: number): number {
  let end = at;
  while (end < text.length && hexDigit(text.charCodeAt(end)) !== NONE) end++;
  return end;
}

function writeGroup(text: string, from: number, to: number, into: Uint8Array, offset: number): void {
  let group = 0;
  for (let at = from; at < to; at++) group = (group << 4) | hexDigit(text.charCodeAt(at));
  into[offset] = group >> 8;
  into[offset + 1] = group & 0xff;
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
