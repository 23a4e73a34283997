import { InvalidArgumentError } from '../../invalid-argument.ts';
import type { DataType } from './data-type.ts';

const ZERO = 48;
const DOT_FROM_ZERO = 46 - ZERO;

/** Writes a dotted IPv4 address; false when the text is not one. Leading zeros are refused: they are octal to some. */
function parseIPv4(text: string, into: Uint8Array, offset: number): boolean {
  let octet = 0;
  let digits = 0;
  let index = 0;
  for (let at = 0; at < text.length; at++) {
    const digit = text.charCodeAt(at) - ZERO;
    if (digit === DOT_FROM_ZERO) {
      if (digits === 0 || index === 3) return false;
      into[offset + index++] = octet;
      octet = 0;
      digits = 0;
    } else {
      octet = withDigit(octet, digits++, digit);
      if (octet === BAD) return false;
    }
  }
  into[offset + 3] = octet;
  return index === 3 && digits > 0;
}

const BAD = -1;

/** The octet with one digit more. */
function withDigit(octet: number, digits: number, digit: number): number {
  if (digit < 0 || digit > 9 || (digits > 0 && octet === 0)) return BAD;
  const next = octet * 10 + digit;
  return next > 255 ? BAD : next;
}

/** The dotted text of four bytes in network order. */
export function formatIPv4(bytes: Uint8Array, offset: number): string {
  return `${bytes[offset]}.${bytes[offset + 1]}.${bytes[offset + 2]}.${bytes[offset + 3]}`;
}

/** Writes an IPv6 address (RFC 4291 text, `::` and an IPv4 tail included); false when the text is not one. */
function parseIPv6(text: string, into: Uint8Array, offset: number): boolean {
  const halves = text.split('::');
  if (halves.length > 2) return false;
  const head = groupsOf(halves[0] ?? '');
  const tail = halves.length === 2 ? groupsOf(halves[1] ?? '') : [];
  if (head === undefined || tail === undefined) return false;
  const missing = 8 - head.length - tail.length;
  if (halves.length === 2 ? missing < 1 : missing !== 0) return false;
  const groups = [...head, ...new Array<number>(missing).fill(0), ...tail];
  for (const [i, group] of groups.entries()) {
    into[offset + 2 * i] = group >> 8;
    into[offset + 2 * i + 1] = group & 0xff;
  }
  return true;
}

function groupsOf(text: string): number[] | undefined {
  if (text === '') return [];
  const groups: number[] = [];
  const parts = text.split(':');
  for (const [i, part] of parts.entries()) {
    if (/^[0-9a-fA-F]{1,4}$/.test(part)) {
      groups.push(Number.parseInt(part, 16));
    } else if (i === parts.length - 1 && part.includes('.')) {
      const tail = new Uint8Array(4);
      if (!parseIPv4(part, tail, 0)) return undefined;
      const [a = 0, b = 0, c = 0, d = 0] = tail;
      groups.push((a << 8) | b, (c << 8) | d);
    } else {
      return undefined;
    }
  }
  return groups;
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
