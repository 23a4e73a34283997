import { InvalidArgumentError } from '../../invalid-argument.ts';
import { attributeMap, textOf } from '../../netlink/attribute.ts';

/**
 * How one attribute of an expression looks to a program, to libnftnl (host order) and on the wire (big-endian). `Out` is what
 * is read back.
 */
export interface Field<In, Out = In> {
  /** Its number in libnftnl (`NFTNL_EXPR_*`); undefined: libnftnl 1.2.4 does not know it. */
  readonly library: number | undefined;
  /** Its number on the wire (`NFTA_*`). */
  readonly wire: number;
  /** As libnftnl takes it. Throws InvalidArgumentError. */
  toLibrary(value: In): Uint8Array;
  /** From the bytes of the attribute; undefined when they cannot be one. */
  fromWire(bytes: Uint8Array): Out | undefined;
}

function integer(library: number | undefined, wire: number, length: 1 | 2 | 4): Field<number> {
  const limit = 2 ** (8 * length);
  return {
    library,
    wire,
    toLibrary(value) {
      if (!Number.isInteger(value) || value < 0 || value >= limit) {
        throw new InvalidArgumentError('', value, `an integer from 0 to ${limit - 1}`);
      }
      const bytes = Buffer.alloc(length);
      bytes.writeUIntLE(value, 0, length);
      return bytes;
    },
    fromWire: (bytes) =>
      bytes.length === length
        ? Buffer.from(bytes.buffer, bytes.byteOffset, length).readUIntBE(0, length)
        : undefined,
  };
}

export function u8(library: number | undefined, wire: number): Field<number> {
  return integer(library, wire, 1);
}

export function u16(library: number | undefined, wire: number): Field<number> {
  return integer(library, wire, 2);
}

export function u32(library: number | undefined, wire: number): Field<number> {
  return integer(library, wire, 4);
}

export function u64(library: number | undefined, wire: number): Field<bigint> {
  return {
    library,
    wire,
    toLibrary(value) {
      if (typeof value !== 'bigint' || value < 0n || value > 0xffff_ffff_ffff_ffffn) {
        throw new InvalidArgumentError('', value, 'a bigint of 64 bits');
      }
      const bytes = Buffer.alloc(8);
      bytes.writeBigUInt64LE(value);
      return bytes;
    },
    fromWire: (bytes) =>
      bytes.length === 8 ? Buffer.from(bytes.buffer, bytes.byteOffset, 8).readBigUInt64BE() : undefined,
  };
}

/** A number whose values have names; a value without one is given and read as the number. */
export function named<const Names extends Readonly<Record<string, number>>>(
  library: number | undefined,
  wire: number,
  names: Names,
  width: typeof u32 | typeof u8 = u32,
): Field<(keyof Names & string) | number> {
  const number = width(library, wire);
  return {
    library,
    wire,
    toLibrary(value) {
      if (typeof value === 'number') return number.toLibrary(value);
      const known = Object.hasOwn(names, value) ? names[value] : undefined;
      if (known === undefined)
        throw new InvalidArgumentError('', value, `one of ${Object.keys(names).join(', ')}`);
      return number.toLibrary(known);
    },
    fromWire(bytes) {
      const value = number.fromWire(bytes);
      return Object.keys(names).find((name) => names[name] === value) ?? value;
    },
  };
}

export function text(library: number | undefined, wire: number): Field<string> {
  return {
    library,
    wire,
    toLibrary(value) {
      if (typeof value !== 'string' || value === '' || value.includes('\0')) {
        throw new InvalidArgumentError('', value, 'a text without a zero byte');
      }
      return Buffer.from(value);
    },
    fromWire: (bytes) => textOf(bytes),
  };
}

const NFTA_DATA_VALUE = 1;

/** A value in registers' form, nested in a NFTA_DATA_VALUE. */
export function data(library: number | undefined, wire: number): Field<Uint8Array> {
  return {
    library,
    wire,
    toLibrary(value) {
      if (!(value instanceof Uint8Array) || value.length < 1 || value.length > 64) {
        throw new InvalidArgumentError('', value, '1 to 64 bytes');
      }
      return value;
    },
    fromWire(bytes) {
      const value = attributeMap(bytes).get(NFTA_DATA_VALUE);
      return value === undefined ? undefined : Uint8Array.from(value);
    },
  };
}
