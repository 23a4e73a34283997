import { InvalidArgumentError } from '../../invalid-argument.ts';
import { attribute, attributeMap, attributes, nest, textAttribute, textOf } from '../../netlink/attribute.ts';
import { bytesOf, type DataType } from '../type/data-type.ts';
import type { RawExpression } from './expression.ts';

/**
 * How one attribute of an expression looks to a program, to libnftnl (host order) and on the wire (big-endian). `Out` is what
 * is read back.
 */
export interface Field<In, Out = In> {
  /** Its number in libnftnl (`NFTNL_EXPR_*`); undefined: libnftnl 1.2.4 does not know it. */
  readonly library: number | undefined;
  /** Its number on the wire (`NFTA_*`). */
  readonly wire: number;
  /** Its value is attributes. */
  readonly isNest?: true;
  /** As libnftnl takes it. Throws InvalidArgumentError. */
  toLibrary(value: In): Uint8Array;
  /** The bytes of the attribute. Throws InvalidArgumentError. */
  toWire(value: In): Uint8Array;
  /** From the bytes of the attribute; undefined when they cannot be one. */
  fromWire(bytes: Uint8Array): Out | undefined;
}

function integer(library: number | undefined, wire: number, length: 1 | 2 | 4): Field<number> {
  const limit = 2 ** (8 * length);
  const toLibrary = (value: number) => {
    if (!Number.isInteger(value) || value < 0 || value >= limit) {
      throw new InvalidArgumentError('', value, `an integer from 0 to ${limit - 1}`);
    }
    const bytes = Buffer.alloc(length);
    bytes.writeUIntLE(value, 0, length);
    return bytes;
  };
  return {
    library,
    wire,
    toLibrary,
    toWire: (value) => toLibrary(value).reverse(),
    fromWire(bytes) {
      if (bytes.length !== length) return undefined;
      let value = 0;
      for (const byte of bytes) value = value * 256 + byte;
      return value;
    },
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

/** Of 32 bits in host order on the wire too: what the kernel reads without `ntohl`. */
export function hostU32(library: number | undefined, wire: number): Field<number> {
  const field = u32(library, wire);
  return {
    ...field,
    toWire: field.toLibrary,
    fromWire: (bytes) => field.fromWire(Uint8Array.from(bytes).reverse()),
  };
}

export function u64(library: number | undefined, wire: number): Field<bigint> {
  const toLibrary = (value: bigint) => {
    if (typeof value !== 'bigint' || value < 0n || value > 0xffff_ffff_ffff_ffffn) {
      throw new InvalidArgumentError('', value, 'a bigint of 64 bits');
    }
    const bytes = Buffer.alloc(8);
    bytes.writeBigUInt64LE(value);
    return bytes;
  };
  return {
    library,
    wire,
    toLibrary,
    toWire: (value) => toLibrary(value).reverse(),
    fromWire: (bytes) =>
      bytes.length === 8 ? new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0) : undefined,
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
  const byNumber = new Map(Object.keys(names).map((name) => [names[name], name]));
  const numberOf = (value: string | number) => {
    if (typeof value === 'number') return value;
    const known = Object.hasOwn(names, value) ? names[value] : undefined;
    if (known !== undefined) return known;
    throw new InvalidArgumentError('', value, `one of ${Object.keys(names).join(', ')}`);
  };
  return {
    library,
    wire,
    toLibrary: (value) => number.toLibrary(numberOf(value)),
    toWire: (value) => number.toWire(numberOf(value)),
    fromWire(bytes) {
      const value = number.fromWire(bytes);
      return byNumber.get(value) ?? value;
    },
  };
}

export function text(library: number | undefined, wire: number): Field<string> {
  const toLibrary = (value: string) => {
    if (typeof value !== 'string' || value === '' || value.includes('\0')) {
      throw new InvalidArgumentError('', value, 'a text without a zero byte');
    }
    return Buffer.from(value);
  };
  return {
    library,
    wire,
    toLibrary,
    toWire: (value) => Buffer.concat([toLibrary(value), Buffer.alloc(1)]),
    fromWire: (bytes) => textOf(bytes),
  };
}

/** A text without the final zero: as libnftnl, and so nft, writes the names in `objref`. The kernel takes both. */
export function bareText(library: number, wire: number): Field<string> {
  const field = text(library, wire);
  return { ...field, toWire: field.toLibrary };
}

const NFTA_DATA_VALUE = 1;

/** A value in registers' form, nested in a NFTA_DATA_VALUE. */
export function data(library: number | undefined, wire: number): Field<Uint8Array> {
  const toLibrary = (value: Uint8Array) => {
    if (!(value instanceof Uint8Array) || value.length < 1 || value.length > 64) {
      throw new InvalidArgumentError('', value, '1 to 64 bytes');
    }
    return value;
  };
  return {
    library,
    wire,
    isNest: true,
    toLibrary,
    toWire: (value) => attribute(NFTA_DATA_VALUE, toLibrary(value)),
    fromWire(bytes) {
      const value = attributeMap(bytes).get(NFTA_DATA_VALUE);
      return value === undefined ? undefined : Uint8Array.from(value);
    },
  };
}

/** Bytes that nothing here looks into: options of x_tables, for one. */
export function opaque(library: number | undefined, wire: number): Field<Uint8Array> {
  const toLibrary = (value: Uint8Array) => {
    if (!(value instanceof Uint8Array)) throw new InvalidArgumentError('', value, 'bytes');
    return value;
  };
  return { library, wire, toLibrary, toWire: toLibrary, fromWire: (bytes) => Uint8Array.from(bytes) };
}

/** NFTA_EXPR_*. */
const NESTED = { name: 1, data: 2 } as const;

/** An expression inside an expression; libnftnl 1.2.4 has none. */
export function nestedExpression(wire: number): Field<RawExpression> {
  return nested(wire, { write: writeExpression, read: readExpression });
}

const LIST_ELEM = 1;

/** Several of them. */
export function nestedExpressions(wire: number): Field<readonly RawExpression[]> {
  return nested(wire, {
    write: (list: readonly RawExpression[]) =>
      Buffer.concat(list.map((expression) => nest(LIST_ELEM, [writeExpression(expression)]))),
    read(bytes) {
      const list = Array.from(attributes(bytes), (element) => readExpression(element.bytes));
      const known = list.filter((expression) => expression !== undefined);
      return known.length === list.length ? known : undefined;
    },
  });
}

function writeExpression({ name, data: attributeBytes }: RawExpression): Uint8Array {
  return Buffer.concat([textAttribute(NESTED.name, name), nest(NESTED.data, [attributeBytes])]);
}

function readExpression(bytes: Uint8Array): RawExpression | undefined {
  const parts = attributeMap(bytes);
  const name = textOf(parts.get(NESTED.name));
  return name === undefined ? undefined : { name, data: Uint8Array.from(parts.get(NESTED.data) ?? []) };
}

/** Attributes inside an attribute, with a codec of their own. */
export function nested<In, Out>(
  wire: number,
  codec: { write(value: In): Uint8Array; read(bytes: Uint8Array): Out | undefined },
): Field<In, Out> {
  return {
    library: undefined,
    wire,
    isNest: true,
    toLibrary: (value) => codec.write(value),
    toWire: (value) => codec.write(value),
    fromWire: (bytes) => codec.read(bytes),
  };
}

/** A value of one of nft's data types, without a nest around it: an address of a tunnel. */
export function typed<In, Out>(wire: number, type: DataType<In, Out>): Field<In, Out> {
  const toWire = (value: In) => bytesOf(type, value);
  return {
    library: undefined,
    wire,
    toLibrary: toWire,
    toWire,
    fromWire: (bytes) => (bytes.length === type.byteLength ? type.read(bytes, 0) : undefined),
  };
}
