import { InvalidArgumentError } from '../../invalid-argument.ts';
import type { Expression } from '../expression/expression.ts';
import { dynsetKind } from '../expression/kinds.ts';
import { registerNumber } from '../expression/register.ts';
import { statefulExpressions } from '../expression/stateful.ts';
import type { Family } from '../family.ts';
import { MAX_STATEMENTS, type NftMap, type NftSet } from '../set.ts';
import { checkKey } from './combine.ts';
import type { Source, Statement } from './source.ts';

/** Statements with which a packet changes a set. The set was described with `dynamic`, or with timeouts. */

/** What a packet's element gets. */
export interface DynamicElementOptions {
  /** The element leaves after this time, in whole ms. Default: the set's. */
  readonly timeoutMs?: number;
  /** What the element has for itself; a `limit` or `quota` ends the rule where it doesn't match. At most two. */
  readonly statements?: readonly Statement[];
}

/** Adds a value to a set unless it is there: nft's `add @seen { ip saddr timeout 1h }`. The rule ends when the set is full. */
export function addToSet<K>(
  set: NftSet<K, unknown>,
  key: Source<K, unknown>,
  options?: DynamicElementOptions,
): Statement;
export function addToSet<K, D>(
  map: NftMap<K, unknown, D, unknown>,
  key: Source<K, unknown>,
  options: DynamicElementOptions & { readonly data: Source<D, unknown> },
): Statement;
export function addToSet(set: DynamicSet, key: Source<never, unknown>, options: Options = {}): Statement {
  return dynset('add', set, key, options);
}

/** The same, and gives an element that is there its whole time again: nft's `update @seen { ip saddr }`. */
export function updateSet<K>(
  set: NftSet<K, unknown>,
  key: Source<K, unknown>,
  options?: DynamicElementOptions,
): Statement;
export function updateSet<K, D>(
  map: NftMap<K, unknown, D, unknown>,
  key: Source<K, unknown>,
  options: DynamicElementOptions & { readonly data: Source<D, unknown> },
): Statement;
export function updateSet(set: DynamicSet, key: Source<never, unknown>, options: Options = {}): Statement {
  return dynset('update', set, key, options);
}

/**
 * Takes a value out of a set: nft's `delete @seen { ip saddr }`. The rule ends when it was not there. Of a map the kernel wants
 * data too, and does not look at it: `delete @m { ip saddr : meta mark }`. Kernel 5.8 or newer.
 */
export function deleteFromSet<K>(set: NftSet<K, unknown>, key: Source<K, unknown>): Statement;
export function deleteFromSet<K, D>(
  map: NftMap<K, unknown, D, unknown>,
  key: Source<K, unknown>,
  options: { readonly data: Source<D, unknown> },
): Statement;
export function deleteFromSet(
  set: DynamicSet,
  key: Source<never, unknown>,
  options: { readonly data?: Source<never, unknown> } = {},
): Statement {
  return dynset('delete', set, key, options);
}

type DynamicSet = NftSet<never, unknown> | NftMap<never, unknown, never, unknown>;
type Options = DynamicElementOptions & { readonly data?: Source<never, unknown> };

/** NFT_DYNSET_F_EXPR. */
const SEVERAL = { flags: 2 };

function dynset(
  op: 'add' | 'update' | 'delete',
  set: DynamicSet,
  key: Source<never, unknown>,
  { timeoutMs, statements = [], data }: Options,
): Statement {
  checkKey(key.type, set.key, set.name);
  if (set.intervals || set.constant) {
    throw new InvalidArgumentError(
      'set',
      set.name,
      'one that packets can change: it has intervals, or is constant',
    );
  }
  if (timeoutMs !== undefined && (!Number.isSafeInteger(timeoutMs) || timeoutMs < 1)) {
    throw new InvalidArgumentError('timeoutMs', timeoutMs, 'a whole number of milliseconds above 0');
  }
  if (statements.length > MAX_STATEMENTS) {
    throw new InvalidArgumentError('statements', statements, 'a list of at most two statements');
  }
  if (set.kind === 'map' && data !== undefined) checkKey(data.type, set.data, `${set.name}'s data`);
  // As nft does: two values that do not come from one place begin at registers of 128 bits.
  const dataWord = 4 * Math.ceil(key.type.byteLength / 16);
  const load = [...key.load(0), ...(data?.load(dataWord) ?? [])];
  return Object.freeze({
    kind: 'statement',
    needs: [...key.needs, ...(data?.needs ?? [])],
    expressions(family: Family): readonly Expression[] {
      const nested = statefulExpressions(statements, family);
      const [only] = nested;
      const write = dynsetKind.make({
        set: set.name,
        op,
        sreg: registerNumber(0),
        ...(data === undefined ? {} : { sregData: registerNumber(dataWord) }),
        ...(timeoutMs === undefined ? {} : { timeout: BigInt(timeoutMs) }),
        ...(nested.length === 1 && only !== undefined ? { expression: only } : {}),
        ...(nested.length > 1 ? { expressions: nested, ...SEVERAL } : {}),
      });
      return [...load, write];
    },
  });
}
