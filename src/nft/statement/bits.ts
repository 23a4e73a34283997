import { bitwise, shift, toHostOrder, toNetworkOrder } from '../expression/compute.ts';
import type { Expression } from '../expression/expression.ts';
import { registerNumber } from '../expression/register.ts';
import { bytesOf, type DataType } from '../type/data-type.ts';
import { uint8, uint16, uint24, uint32 } from '../type/integer.ts';
import type { BitField, Source } from './source.ts';

/** Values that fill only some bits of their bytes. */

const INTEGERS = { 1: uint8, 2: uint16, 3: uint24, 4: uint32 } as const;

/** The bytes of an integer in network order. */
export function bytesOfLength(byteLength: number, value: number): Uint8Array {
  return bytesOf(INTEGERS[byteLength as 1 | 2 | 3 | 4], value);
}

/** Moves a value to where it lies in its bytes. */
function intoBits({ shift: by }: BitField, value: Uint8Array): Uint8Array {
  return bytesOfLength(value.length, Buffer.from(value).readUIntBE(0, value.length) * 2 ** by);
}

/** A source for the bits that `mask` has, in the `type.byteLength` bytes that `load` loads. */
export function bitSource<In, Out, More>(
  type: DataType<In, Out>,
  mask: number,
  load: (word: number) => readonly Expression[],
  more: Pick<Source<In, Out>, 'needs'> & More,
): Source<In, Out> {
  let lowest = 0;
  while (((mask >>> lowest) & 1) === 0) lowest++;
  const bits: BitField = { mask: bytesOfLength(type.byteLength, mask), shift: lowest, load };
  return Object.freeze({
    ...more,
    kind: 'source',
    type,
    bits,
    load(word: number) {
      const register = registerNumber(word);
      const masked = bitwise(register, bits.mask, new Uint8Array(type.byteLength));
      return [...load(word), masked, ...shiftDown(register, type.byteLength, lowest)];
    },
  });
}

/** The kernel shifts integers in host order. */
function shiftDown(register: number, byteLength: number, by: number): readonly Expression[] {
  if (by === 0) return [];
  const moved = shift(register, byteLength, 'rshift', by);
  if (byteLength === 1) return [moved];
  return [toHostOrder(register, byteLength), moved, toNetworkOrder(register, byteLength)];
}

/** Loads a value for a comparison: bits stay where they are in their bytes. */
export function comparable({ bits, load }: Source<never, unknown>): readonly Expression[] {
  if (bits === undefined) return load(0);
  const masked = bitwise(registerNumber(0), bits.mask, new Uint8Array(bits.mask.length));
  return [...bits.load(0), masked];
}

/** A constant to compare that with. */
export function inPlace({ bits }: Source<never, unknown>, value: Uint8Array): Uint8Array {
  return bits === undefined ? value : intoBits(bits, value);
}
