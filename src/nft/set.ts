import { InvalidArgumentError } from '../invalid-argument.ts';
import { checkComment, checkSetName } from './name.ts';
import type { Statement } from './statement/source.ts';
import type { Table } from './table.ts';
import type { DataType } from './type/data-type.ts';
import type { Interval } from './type/range.ts';
import type { Verdict } from './verdict.ts';

/** What sets and maps have besides the types of their keys and data. */
export interface SetOptions<I extends boolean = boolean, C extends boolean = boolean> {
  /**
   * How many elements it may hold; more are refused (SetFullError). Adding the set again with another size changes it (kernel 6.5).
   * A big set with a size loads two to four times
   * faster, since the kernel allots its hash table once.
   *
   * Without one, a set that is added in the same transaction as more than 1,000 elements gets one by itself: room for at
   * least half as many again. `dynamic` sets get 65,535, as nft gives them.
   */
  readonly size?: number;
  /** `false`: the set gets no size by itself. */
  readonly autoSize?: false;
  /** Elements without a timeout of their own leave after this time, in ms. */
  readonly timeoutMs?: number;
  /** Elements may have timeouts. Implied by `timeoutMs`. */
  readonly timeouts?: boolean;
  /** Rules may add elements. */
  readonly dynamic?: boolean;
  /** Elements never change once the set is used by a rule. */
  readonly constant?: boolean;
  /**
   * Keys may be ranges and networks: nft's `flags interval`. The kernel refuses those that overlap (EEXIST); within one call
   * they are refused before anything is sent.
   */
  readonly intervals?: I;
  /**
   * Ranges that overlap or follow each other become one before they are sent: nft's `auto-merge`. `Transaction.merged` and the
   * reports of a SetHandle say which. For sets with intervals and simple keys; a transaction merges what one call gives, a
   * SetHandle also what the kernel has.
   */
  readonly autoMerge?: boolean;
  /** The set may have the element `'*'`, which every key without an element of its own finds. Kernel 5.13 or newer. */
  readonly catchAll?: C;
  /** What the kernel chooses the set's structure by. Default: performance. */
  readonly policy?: 'performance' | 'memory';
  /** How often the kernel looks for elements whose time is over, in ms. */
  readonly gcIntervalMs?: number;
  /**
   * What every element has for itself: `counter`, `limit(…)`, `quota(…)`, `lastUsed`, `connectionLimit(…)`; at most two. An
   * element that is added without statements gets these.
   */
  readonly statements?: readonly Statement[];
  /** At most 128 bytes. */
  readonly comment?: string;
}

interface Common<K, KO, I extends boolean, C extends boolean> extends SetOptions<I, C> {
  /** The table that it is in. */
  readonly table: Table;
  /** 1 to 255 bytes. */
  readonly name: string;
  /** The type of its keys. */
  readonly key: DataType<K, KO>;
  /** It belongs to the rule that uses it: only listings have these; `anonymousSet` and its like describe them. */
  readonly anonymous?: true;
}

/** A named set of keys. */
export interface NftSet<K, KO = K, I extends boolean = boolean, C extends boolean = boolean>
  extends Common<K, KO, I, C> {
  readonly kind: 'set';
}

/** A named map from keys to data. */
export interface NftMap<
  K,
  KO = K,
  D = unknown,
  DO = D,
  I extends boolean = boolean,
  C extends boolean = boolean,
> extends Common<K, KO, I, C> {
  readonly kind: 'map';
  /** The type of what keys lead to. */
  readonly data: DataType<D, DO>;
}

/** A named map from keys to verdicts (nft's `vmap`). */
export interface VerdictMap<K, KO = K, I extends boolean = boolean, C extends boolean = boolean>
  extends Common<K, KO, I, C> {
  readonly kind: 'verdict map';
}

/** Any of the three, whatever its types. */
export type AnySet =
  | NftSet<never, unknown>
  | NftMap<never, unknown, never, unknown>
  | VerdictMap<never, unknown>;

/** What `addElements` takes for one element of a set. */
export type SetElement<K> = K | ({ readonly key: K } & ElementOptions);
/** What `addElements` takes for one element of a map or verdict map. */
export type MapElement<K, D> = readonly [K, D] | ({ readonly key: K; readonly value: D } & ElementOptions);

/** What an element may have besides its key and data. */
export interface ElementOptions {
  /** The element leaves after this time, in whole ms; the set must allow timeouts. */
  readonly timeoutMs?: number;
  /** The time that is left, where it is less than the whole: for elements that are put back. In whole ms. */
  readonly expiresMs?: number;
  /** What the element has for itself: `counter`, `counterFrom(5, 420)`, `limit(…)` … The same kinds as the set's, if it has some. */
  readonly statements?: readonly Statement[];
  /** At most 128 bytes. */
  readonly comment?: string;
}

/** A key as it may be given: a range where the set has intervals, `'*'` where it has that element. */
export type SetKey<K, I extends boolean, C extends boolean> =
  | ([I] extends [true] ? Interval<K> : K)
  | ([C] extends [true] ? '*' : never);

/** The element type that follows from a set's description. */
export type ElementOf<S> =
  S extends NftSet<infer K, infer _, infer I, infer C>
    ? SetElement<SetKey<K, I, C>>
    : S extends VerdictMap<infer K, infer _, infer I, infer C>
      ? MapElement<SetKey<K, I, C>, Verdict>
      : S extends NftMap<infer K, infer _, infer D, infer __, infer I, infer C>
        ? MapElement<SetKey<K, I, C>, D>
        : never;

/** The key type of a set's description. */
export type KeyOf<S> = S extends {
  readonly key: { write(value: infer K, into: Uint8Array, offset: number): void };
  readonly intervals?: infer I;
  readonly catchAll?: infer C;
}
  ? SetKey<K, [I] extends [true] ? true : false, [C] extends [true] ? true : false>
  : never;

/** Describes a set: `set(t, 'blocked', { key: ipv4Addr, timeouts: true })`. */
export function set<K, KO, I extends boolean = false, C extends boolean = false>(
  table: Table,
  name: string,
  options: SetOptions<I, C> & { readonly key: DataType<K, KO> },
): NftSet<K, KO, I, C> {
  return Object.freeze({ kind: 'set', table, name, ...checked('set', name, options) });
}

/** Describes a map from keys to data. */
export function map<K, KO, D, DO, I extends boolean = false, C extends boolean = false>(
  table: Table,
  name: string,
  options: SetOptions<I, C> & { readonly key: DataType<K, KO>; readonly data: DataType<D, DO> },
): NftMap<K, KO, D, DO, I, C> {
  return Object.freeze({ kind: 'map', table, name, ...checked('map', name, options) });
}

/** Describes a map from keys to verdicts. */
export function verdictMap<K, KO, I extends boolean = false, C extends boolean = false>(
  table: Table,
  name: string,
  options: SetOptions<I, C> & { readonly key: DataType<K, KO> },
): VerdictMap<K, KO, I, C> {
  return Object.freeze({ kind: 'verdict map', table, name, ...checked('verdict map', name, options) });
}

type Described = SetOptions & { readonly key: DataType<never, unknown> };

function checked<T extends Described>(kind: AnySet['kind'], name: string, options: T): T {
  checkSetName('name', name);
  checkInteger('size', options.size, 0xffffffff, 'a number of elements');
  checkInteger('timeoutMs', options.timeoutMs, Number.MAX_SAFE_INTEGER, 'a whole number of milliseconds');
  checkInteger('gcIntervalMs', options.gcIntervalMs, 0xffffffff, 'a whole number of milliseconds');
  checkTogether(kind, options);
  const { statements, comment } = options;
  if (statements !== undefined && (statements.length < 1 || statements.length > MAX_STATEMENTS)) {
    throw new InvalidArgumentError('statements', statements, 'a list of one or two statements');
  }
  if (comment !== undefined) checkComment('comment', comment);
  return options;
}

function checkInteger(name: string, value: number | undefined, highest: number, what: string): void {
  if (value === undefined || (Number.isInteger(value) && value >= 1 && value <= highest)) return;
  throw new InvalidArgumentError(name, value, `${what} (1 to ${highest})`);
}

/** What does not go together. */
function checkTogether(kind: AnySet['kind'], options: Described): void {
  const { constant, timeoutMs, timeouts, dynamic, autoMerge, intervals, key } = options;
  if (constant && (timeoutMs !== undefined || timeouts || dynamic)) {
    throw new InvalidArgumentError('constant', constant, 'possible together with timeouts or dynamic');
  }
  if (autoMerge && (kind !== 'set' || !intervals || key.fields !== undefined)) {
    const expected = 'possible but for a set with intervals and a simple key';
    throw new InvalidArgumentError('autoMerge', autoMerge, expected);
  }
  if (intervals && dynamic) {
    throw new InvalidArgumentError('dynamic', dynamic, 'possible together with intervals');
  }
}

/** NFT_SET_EXPR_MAX. */
export const MAX_STATEMENTS = 2;
/** What nft and the kernel's dynset expression give a dynamic set that has no size. */
const DYNAMIC_SIZE = 0xffff;

/** The size that the kernel is told when a set is added. */
export function sizeOf(set: AnySet): number | undefined {
  return set.size ?? (set.dynamic ? DYNAMIC_SIZE : undefined);
}

/** NFT_SET_* of linux/netfilter/nf_tables.h. */
export const SET_FLAGS = {
  anonymous: 0x1,
  constant: 0x2,
  interval: 0x4,
  map: 0x8,
  timeout: 0x10,
  eval: 0x20,
  object: 0x40,
  concat: 0x80,
  expressions: 0x100,
} as const;

function mapFlag(set: AnySet): number {
  if (set.kind === 'set') return 0;
  return set.kind === 'map' && set.data.objectType !== undefined ? SET_FLAGS.object : SET_FLAGS.map;
}

/** The flags that the kernel is told for a description. */
export function setFlags(set: AnySet): number {
  return (
    mapFlag(set) |
    (set.constant ? SET_FLAGS.constant : 0) |
    (set.timeouts || set.timeoutMs !== undefined ? SET_FLAGS.timeout : 0) |
    (set.dynamic ? SET_FLAGS.eval : 0) |
    (set.intervals ? SET_FLAGS.interval : 0) |
    (set.intervals && set.key.fields !== undefined ? SET_FLAGS.concat : 0) |
    ((set.statements?.length ?? 0) > 1 ? SET_FLAGS.expressions : 0)
  );
}
