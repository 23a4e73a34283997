import { InvalidArgumentError, within } from '../../invalid-argument.ts';
import { concatType, registerLength } from './concat.ts';
import type { DataType } from './data-type.ts';

type AnyType = DataType<never, unknown>;

/** Everything from one value to another, both included: nft's `10.0.0.1-10.0.0.9`. */
export interface Range<K> {
  /** The first value. */
  readonly from: K;
  /** The last value. */
  readonly to: K;
}

/**
 * What a key of a set with intervals may be: a value, a range, a network as text (`'10.0.0.0/8'`), the start of interface names
 * (`'eth*'`); for a concatenation one of these for each field.
 */
export type Interval<K> = [K] extends [readonly unknown[]]
  ? { readonly [I in keyof K]: K[I] | Range<K[I]> }
  : K | Range<K>;

const IPV4 = 7;
const IPV6 = 8;
const IFNAME = 41;

const ordered = new WeakMap<AnyType, AnyType>();

/**
 * The type as sets with intervals hold it: an integer that is in host order elsewhere is in network order there, so that the
 * kernel, which compares bytes, finds what lies between two.
 */
export function orderedType<In, Out>(type: DataType<In, Out>): DataType<In, Out> {
  const known = ordered.get(type);
  if (known !== undefined) return known as DataType<In, Out>;
  const made = makeOrdered(type);
  ordered.set(type, made as AnyType);
  return made;
}

function makeOrdered<In, Out>(type: DataType<In, Out>): DataType<In, Out> {
  if (type.fields !== undefined) {
    return concatType(...type.fields.map(orderedType)) as unknown as DataType<In, Out>;
  }
  if (!isTurned(type)) return type;
  const { byteLength } = type;
  return Object.freeze({
    ...type,
    byteOrder: 'network' as const,
    write(value: In, into: Uint8Array, offset: number) {
      type.write(value, into, offset);
      into.subarray(offset, offset + byteLength).reverse();
    },
    read(bytes: Uint8Array, offset: number) {
      return type.read(Uint8Array.from(bytes.subarray(offset, offset + byteLength)).reverse(), 0);
    },
  });
}

/** Whether values of the type are turned round for sets with intervals: text stays as it is. */
export function isTurned(type: AnyType): boolean {
  return type.byteOrder === 'host' && type.id !== IFNAME && type.byteLength > 1;
}

function isRange(value: unknown): value is Range<never> {
  return typeof value === 'object' && value !== null && 'from' in value && 'to' in value;
}

/**
 * Writes the first and the last key of an {@link Interval}, both in the bytes of {@link orderedType}. Throws
 * InvalidArgumentError.
 */
export function writeBounds(
  type: AnyType,
  value: unknown,
  first: Uint8Array,
  last: Uint8Array,
  offset: number,
): void {
  const { fields } = type;
  if (fields === undefined) {
    writeSimpleBounds(type, value, first, last, offset);
    return;
  }
  if (!Array.isArray(value) || value.length !== fields.length) {
    throw new InvalidArgumentError('', value, `an array of ${fields.length} values or ranges (${type.name})`);
  }
  let at = offset;
  for (const [i, field] of fields.entries()) {
    within(`[${i}]`, () => writeSimpleBounds(field, value[i], first, last, at));
    at += registerLength(field.byteLength);
  }
}

function writeSimpleBounds(
  given: AnyType,
  value: unknown,
  first: Uint8Array,
  last: Uint8Array,
  offset: number,
): void {
  const type = orderedType(given);
  const end = offset + type.byteLength;
  if (typeof value === 'string') {
    const bits = prefixBits(type, value);
    if (bits !== undefined) {
      writeNetwork(type, value, bits, first, last, offset);
      return;
    }
  } else if (isRange(value)) {
    within('from', () => type.write(value.from, first, offset));
    within('to', () => type.write(value.to, last, offset));
    if (compareBytes(first, last, offset, end) > 0) {
      throw new InvalidArgumentError('to', value.to, 'at least the value of from');
    }
    return;
  }
  type.write(value as never, first, offset);
  last.set(first.subarray(offset, end), offset);
}

/** How many bits all keys of the text have in common; undefined: it is a single key. */
function prefixBits(type: AnyType, text: string): number | undefined {
  if (type.id === IFNAME) return text.endsWith('*') ? 8 * Buffer.byteLength(text.slice(0, -1)) : undefined;
  if (type.id !== IPV4 && type.id !== IPV6) return undefined;
  const slash = text.indexOf('/');
  if (slash === -1) return undefined;
  const digits = text.slice(slash + 1);
  const bits = /^\d{1,3}$/.test(digits) ? Number(digits) : Number.NaN;
  const total = 8 * type.byteLength;
  if (bits <= total) return bits;
  throw new InvalidArgumentError('', text, `a network with a prefix of 0 to ${total} bits`);
}

function writeNetwork(
  type: AnyType,
  text: string,
  bits: number,
  first: Uint8Array,
  last: Uint8Array,
  offset: number,
): void {
  const base = type.id === IFNAME ? text.slice(0, -1) : text.slice(0, text.indexOf('/'));
  if (type.id === IFNAME && base === '') {
    throw new InvalidArgumentError('', text, 'the start of an interface name before the "*"');
  }
  type.write(base as never, first, offset);
  for (let i = 0; i < type.byteLength; i++) {
    const free = 0xff >> Math.min(8, Math.max(0, bits - 8 * i));
    const byte = first[offset + i] ?? 0;
    if ((byte & free) !== 0) {
      throw new InvalidArgumentError('', text, 'a network address: it has bits set beyond its prefix');
    }
    last[offset + i] = byte | free;
  }
}

function compareBytes(a: Uint8Array, b: Uint8Array, from: number, to: number): number {
  for (let i = from; i < to; i++) {
    const difference = (a[i] ?? 0) - (b[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

/**
 * The {@link Interval} of a first and last key: a value where both are the same, a network where it is one and the type has
 * networks, otherwise a range.
 */
export function readInterval<Out>(
  type: DataType<never, Out>,
  first: Uint8Array,
  last: Uint8Array,
): Interval<Out> {
  const { fields } = type;
  if (fields === undefined) return readSimpleInterval(type, first, last) as Interval<Out>;
  let at = 0;
  return fields.map((field) => {
    const end = at + field.byteLength;
    const part = readSimpleInterval(field, first.subarray(at, end), last.subarray(at, end));
    at += registerLength(field.byteLength);
    return part;
  }) as unknown as Interval<Out>;
}

function readSimpleInterval(given: AnyType, first: Uint8Array, last: Uint8Array): unknown {
  const type = orderedType(given);
  const from = type.read(first, 0);
  if (compareBytes(first, last, 0, type.byteLength) === 0) return from;
  const bits = commonPrefix(first, last, type.byteLength);
  if (bits !== undefined) {
    if (type.id === IPV4 || type.id === IPV6) return `${from}/${bits}`;
    if (type.id === IFNAME && bits > 0 && bits % 8 === 0) return `${from}*`;
  }
  return { from, to: type.read(last, 0) };
}

/** The number of leading bits that make up the range; undefined when no prefix does. */
function commonPrefix(first: Uint8Array, last: Uint8Array, length: number): number | undefined {
  let bits = 0;
  while (bits < 8 * length && bitAt(first, bits) === bitAt(last, bits)) bits++;
  for (let rest = bits; rest < 8 * length; rest++) {
    if (bitAt(first, rest) !== 0 || bitAt(last, rest) !== 1) return undefined;
  }
  return bits;
}

function bitAt(bytes: Uint8Array, bit: number): number {
  return ((bytes[bit >> 3] ?? 0) >> (7 - (bit & 7))) & 1;
}
