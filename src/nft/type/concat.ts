import { InvalidArgumentError } from '../../invalid-argument.ts';
import type { DataType, InputOf, OutputOf } from './data-type.ts';

type AnyType = DataType<never, unknown>;
type Inputs<T extends readonly AnyType[]> = { readonly [I in keyof T]: InputOf<T[I]> };
type Outputs<T extends readonly AnyType[]> = { readonly [I in keyof T]: OutputOf<T[I]> };

/** A value's length in a register: fields of a concatenation begin at multiples of four bytes. */
export function registerLength(byteLength: number): number {
  return (byteLength + 3) & ~3;
}

/** nft's `a . b . c`: a tuple of values, each filled up to four bytes. nft numbers at most five fields. */
export function concatType<const T extends readonly AnyType[]>(
  ...fields: T
): DataType<Inputs<T>, Outputs<T>> {
  if (fields.length < 2 || fields.length > 5) {
    throw new InvalidArgumentError('fields', fields.length, 'a number of fields from 2 to 5');
  }
  const offsets: number[] = [];
  let byteLength = 0;
  let id = 0;
  for (const field of fields) {
    offsets.push(byteLength);
    byteLength += registerLength(field.byteLength);
    id = id * 64 + field.id;
  }
  if (byteLength > 64) throw new InvalidArgumentError('fields', byteLength, 'at most 64 bytes together');
  return Object.freeze({
    name: fields.map((field) => field.name).join(' . '),
    id,
    byteLength,
    byteOrder: 'none' as const,
    fields,
    write(value: Inputs<T>, into: Uint8Array, offset: number) {
      if (!Array.isArray(value) || value.length !== fields.length) {
        throw new InvalidArgumentError('', value, `an array of ${fields.length} values (${this.name})`);
      }
      let index = 0;
      try {
        for (const field of fields) {
          field.write(value[index] as never, into, offset + (offsets[index] ?? 0));
          index++;
        }
      } catch (error) {
        throw error instanceof InvalidArgumentError ? error.within(`[${index}]`) : error;
      }
    },
    read(bytes: Uint8Array, offset: number) {
      return fields.map((field, i) => field.read(bytes, offset + (offsets[i] ?? 0))) as Outputs<T>;
    },
  });
}
