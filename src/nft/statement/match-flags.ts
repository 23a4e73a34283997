import { InvalidArgumentError, within as inArgument } from '../../invalid-argument.ts';
import { bitwise, cmp } from '../expression/compute.ts';
import { registerNumber } from '../expression/register.ts';
import { bytesOf } from '../type/data-type.ts';
import type { FlagsType } from '../type/flags.ts';
import { type Source, type Statement, statement } from './source.ts';

/** Matches of values that consist of flags. */

/** At least one of the bits is set: nft's `ct state new,established`. */
export function hasAny<Name extends string>(
  source: Source<readonly Name[] | number, readonly Name[]>,
  ...names: readonly NoInfer<Name>[]
): Statement {
  const bits = inArgument('names', () => bytesOf(source.type as FlagsType<Name>, names));
  return matchBits(source, bits, 'neq', new Uint8Array(bits.length));
}

/** Of some bits exactly these are set: nft's `tcp flags syn / syn,ack`. */
export function hasOnly<Name extends string>(
  source: Source<readonly Name[] | number, readonly Name[]>,
  set: readonly NoInfer<Name>[],
  of: readonly NoInfer<Name>[],
): Statement {
  const type = source.type as FlagsType<Name>;
  const value = inArgument('set', () => bytesOf(type, set));
  const mask = inArgument('of', () => bytesOf(type, of));
  if (value.some((byte, i) => (byte & ~(mask[i] ?? 0)) !== 0)) {
    throw new InvalidArgumentError('set', set.join(','), `some of ${of.join(',')}`);
  }
  return matchBits(source, mask, 'eq', value);
}

/** At least one of the connection's labels is set: nft's `ct label 5`. */
export function hasLabel(source: Source<readonly number[]>, ...labels: readonly number[]): Statement {
  const bits = inArgument('labels', () => bytesOf(source.type, labels));
  return matchBits(source, bits, 'neq', new Uint8Array(bits.length));
}

function matchBits(
  source: Source<never, unknown>,
  mask: Uint8Array,
  operator: 'eq' | 'neq',
  value: Uint8Array,
): Statement {
  const register = registerNumber(0);
  const masked = bitwise(register, mask, new Uint8Array(mask.length));
  return statement(source.needs, [...source.load(0), masked, cmp(register, operator, value)]);
}
