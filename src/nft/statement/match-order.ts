import { InvalidArgumentError, within as inArgument } from '../../invalid-argument.ts';
import { type Comparison, cmp, range, toNetworkOrder } from '../expression/compute.ts';
import type { Expression } from '../expression/expression.ts';
import { registerNumber } from '../expression/register.ts';
import { bytesOf } from '../type/data-type.ts';
import { comparable, inPlace } from './bits.ts';
import { type Source, type Statement, statement } from './source.ts';

/** Matches of values that have an order. The kernel compares bytes: integers in host order are turned round first. */

const REGISTER = registerNumber(0);

/** The value is lower: nft's `ip ttl < 5`. */
export function lessThan<In>(source: Source<In, unknown>, value: NoInfer<In>): Statement {
  return compare(source, 'lt', value);
}

/** The value is lower or the same: nft's `ip ttl <= 5`. */
export function atMost<In>(source: Source<In, unknown>, value: NoInfer<In>): Statement {
  return compare(source, 'lte', value);
}

/** The value is higher: nft's `ip ttl > 5`. */
export function greaterThan<In>(source: Source<In, unknown>, value: NoInfer<In>): Statement {
  return compare(source, 'gt', value);
}

/** The value is higher or the same: nft's `ip ttl >= 5`. */
export function atLeast<In>(source: Source<In, unknown>, value: NoInfer<In>): Statement {
  return compare(source, 'gte', value);
}

function compare<In>(source: Source<In, unknown>, operator: Comparison, value: In): Statement {
  const bytes = ordered('value', source, value);
  return statement(source.needs, [...load(source), cmp(REGISTER, operator, bytes)]);
}

/** The value lies between two, both included: nft's `tcp dport 8000-8999`. */
export function between<In>(source: Source<In, unknown>, from: NoInfer<In>, to: NoInfer<In>): Statement {
  return matchRange(source, 'eq', from, to);
}

/** The value does not lie between two: nft's `tcp dport != 8000-8999`. */
export function notBetween<In>(source: Source<In, unknown>, from: NoInfer<In>, to: NoInfer<In>): Statement {
  return matchRange(source, 'neq', from, to);
}

function matchRange<In>(source: Source<In, unknown>, operator: 'eq' | 'neq', from: In, to: In): Statement {
  const first = ordered('from', source, from);
  const last = ordered('to', source, to);
  if (Buffer.compare(first, last) > 0) throw new InvalidArgumentError('to', to, 'at least the value of from');
  return statement(source.needs, [...load(source), range(REGISTER, operator, first, last)]);
}

function isTurned({ type }: Source<never, unknown>): boolean {
  return type.byteOrder === 'host' && type.byteLength > 1;
}

function load(source: Source<never, unknown>): readonly Expression[] {
  const expressions = comparable(source);
  return isTurned(source) ? [...expressions, toNetworkOrder(REGISTER, source.type.byteLength)] : expressions;
}

/** Longer types in host order are texts and sets of bits. */
const MAX_INTEGER_BYTES = 8;

function ordered<In>(argument: string, source: Source<In, unknown>, value: In): Uint8Array {
  const { type } = source;
  const isText = type.byteOrder === 'host' && type.byteLength > MAX_INTEGER_BYTES;
  if (type.byteOrder === 'none' || isText) {
    throw new InvalidArgumentError('source', type.name, 'a value that has an order');
  }
  const bytes = inPlace(
    source,
    inArgument(argument, () => bytesOf(type, value)),
  );
  return isTurned(source) ? bytes.toReversed() : bytes;
}
