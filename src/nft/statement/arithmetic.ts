import { InvalidArgumentError } from '../../invalid-argument.ts';
import { bitwise, shift } from '../expression/compute.ts';
import { registerNumber } from '../expression/register.ts';
import { bytesOfLength } from './bits.ts';
import type { Source } from './source.ts';

/** Values that are made of other values, bit by bit. */

/** The value with these bits set: nft's `meta mark or 0x4000`. */
export function or<In, Out>(source: Source<In, Out>, bits: number): Source<In, Out> {
  return withBits(source, (all) => all - bits, bits);
}

/** Only these bits of the value: nft's `meta mark and 0x4000`. */
export function and<In, Out>(source: Source<In, Out>, bits: number): Source<In, Out> {
  return withBits(source, () => bits, 0, bits);
}

/** The value with these bits turned round: nft's `meta mark xor 0x4000`. */
export function xor<In, Out>(source: Source<In, Out>, bits: number): Source<In, Out> {
  return withBits(source, (all) => all, bits);
}

/** The value's bits moved to the left: nft's `meta mark << 8`. Kernel 5.6 or newer. */
export function shiftLeft<In, Out>(source: Source<In, Out>, count: number): Source<In, Out> {
  return shifted(source, 'lshift', count);
}

/** The value's bits moved to the right: nft's `meta mark >> 8`. Kernel 5.6 or newer. */
export function shiftRight<In, Out>(source: Source<In, Out>, count: number): Source<In, Out> {
  return shifted(source, 'rshift', count);
}

function withBits<In, Out>(
  source: Source<In, Out>,
  mask: (all: number) => number,
  flip: number,
  bits = flip,
): Source<In, Out> {
  const { type } = source;
  const { byteLength, byteOrder } = type;
  if (byteOrder === 'none' || ![1, 2, 4].includes(byteLength) || source.bits !== undefined) {
    throw new InvalidArgumentError(
      'source',
      type.name,
      'an integer of 8, 16 or 32 bits (a mark, for example)',
    );
  }
  const all = 2 ** (8 * byteLength) - 1;
  if (!Number.isInteger(bits) || bits < 0 || bits > all) {
    throw new InvalidArgumentError('bits', bits, `an integer of ${8 * byteLength} bits`);
  }
  const bytes = (value: number) => {
    const inNetworkOrder = bytesOfLength(byteLength, value);
    return byteOrder === 'host' ? inNetworkOrder.toReversed() : inNetworkOrder;
  };
  return Object.freeze({
    kind: 'source',
    type,
    needs: source.needs,
    load: (word: number) => [
      ...source.load(word),
      bitwise(registerNumber(word), bytes(mask(all)), bytes(flip)),
    ],
  });
}

function shifted<In, Out>(source: Source<In, Out>, op: 'lshift' | 'rshift', count: number): Source<In, Out> {
  const { type } = source;
  if (type.byteOrder !== 'host' || type.byteLength !== 4) {
    throw new InvalidArgumentError(
      'source',
      type.name,
      'an integer of 32 bits in host order (a mark, for example)',
    );
  }
  if (!Number.isInteger(count) || count < 1 || count > 31) {
    throw new InvalidArgumentError('count', count, 'a number of bits from 1 to 31');
  }
  return Object.freeze({
    kind: 'source',
    type,
    needs: source.needs,
    load: (word: number) => [...source.load(word), shift(registerNumber(word), type.byteLength, op, count)],
  });
}
