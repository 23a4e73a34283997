import { InvalidArgumentError } from '../../invalid-argument.ts';
import { hashKind } from '../expression/kinds.ts';
import { registerNumber } from '../expression/register.ts';
import { registerLength } from '../type/concat.ts';
import { hostUint32 } from '../type/integer.ts';
import { checkModulus } from './metadata.ts';
import type { Source } from './source.ts';

/** A number from `offset` to `offset + mod - 1` that follows from a value: nft's `jhash ip saddr . tcp dport mod 8 seed 0xabc`. */
export function jhash(
  of: Source<never, unknown>,
  options: {
    readonly mod: number;
    readonly offset?: number;
    /** Default: the kernel takes one of its own, and does not tell it. */
    readonly seed?: number;
  },
): Source<number> {
  const { mod, offset = 0, seed } = options;
  checkModulus(mod, offset);
  if (seed !== undefined && (!Number.isInteger(seed) || seed < 0 || seed > 0xffffffff)) {
    throw new InvalidArgumentError('seed', seed, 'a seed of 32 bits');
  }
  return Object.freeze({
    kind: 'source',
    type: hostUint32,
    needs: of.needs,
    load(word: number) {
      // As nft does: the value begins at the next register of 128 bits.
      const from = 4 * Math.floor(word / 4) + 4;
      const fields = {
        sreg: registerNumber(from),
        dreg: registerNumber(word),
        len: registerLength(of.type.byteLength),
      };
      const seeded = seed === undefined ? fields : { ...fields, seed };
      return [...of.load(from), hashKind.make({ ...seeded, modulus: mod, offset, type: 'jhash' })];
    },
  });
}

/** A number that is the same for both directions of a connection: nft's `symhash mod 2 offset 100`. */
export function symhash(mod: number, offset = 0): Source<number> {
  checkModulus(mod, offset);
  return Object.freeze({
    kind: 'source',
    type: hostUint32,
    needs: [],
    load: (word: number) => [
      hashKind.make({ dreg: registerNumber(word), modulus: mod, offset, type: 'symhash' }),
    ],
  });
}
