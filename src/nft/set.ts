import { InvalidArgumentError } from '../invalid-argument.ts';
import { checkComment, checkName } from './name.ts';
import type { Table } from './table.ts';
import type { DataType } from './type/data-type.ts';
import type { Verdict } from './verdict.ts';

/** What sets and maps have besides the types of their keys and data. */
export interface SetOptions {
  /**
   * How many elements it may ever hold; more are refused with ENFILE. A big set with a size loads two to four times
   * faster, since the kernel allots its hash table once.
   */
  readonly size?: number;
  /** Elements without a timeout of their own leave after this time, in ms. */
  readonly timeoutMs?: number;
  /** Elements may have timeouts. Implied by `timeoutMs`. */
  readonly timeouts?: boolean;
  /** Rules may add elements. */
  readonly dynamic?: boolean;
  /** Elements never change once the set is used by a rule. */
  readonly constant?: boolean;
  readonly comment?: string;
}

interface Common<K, KO> extends SetOptions {
  readonly table: Table;
  readonly name: string;
  readonly key: DataType<K, KO>;
}

/** A named set of keys. */
export interface NftSet<K, KO = K> extends Common<K, KO> {
  readonly kind: 'set';
}

/** A named map from keys to data. */
export interface NftMap<K, KO = K, D = unknown, DO = D> extends Common<K, KO> {
  readonly kind: 'map';
  readonly data: DataType<D, DO>;
}

/** A named map from keys to verdicts (nft's `vmap`). */
export interface VerdictMap<K, KO = K> extends Common<K, KO> {
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
  /** At most 128 bytes. */
  readonly comment?: string;
}

/** The element type that follows from a set's description. */
export type ElementOf<S> =
  S extends NftSet<infer K, infer _>
    ? SetElement<K>
    : S extends VerdictMap<infer K, infer _>
      ? MapElement<K, Verdict>
      : S extends NftMap<infer K, infer _, infer D, infer __>
        ? MapElement<K, D>
        : never;

/** Describes a set: `set(t, 'blocked', { key: ipv4Addr, timeouts: true })`. */
export function set<K, KO>(
  table: Table,
  name: string,
  options: SetOptions & { readonly key: DataType<K, KO> },
): NftSet<K, KO> {
  return Object.freeze({ kind: 'set', table, name, ...checked(name, options) });
}

/** Describes a map from keys to data. */
export function map<K, KO, D, DO>(
  table: Table,
  name: string,
  options: SetOptions & { readonly key: DataType<K, KO>; readonly data: DataType<D, DO> },
): NftMap<K, KO, D, DO> {
  return Object.freeze({ kind: 'map', table, name, ...checked(name, options) });
}

/** Describes a map from keys to verdicts. */
export function verdictMap<K, KO>(
  table: Table,
  name: string,
  options: SetOptions & { readonly key: DataType<K, KO> },
): VerdictMap<K, KO> {
  return Object.freeze({ kind: 'verdict map', table, name, ...checked(name, options) });
}

function checked<T extends SetOptions>(name: string, options: T): T {
  checkName('name', name);
  const { size, timeoutMs, comment, constant, timeouts, dynamic } = options;
  if (size !== undefined && (!Number.isInteger(size) || size < 1 || size > 0xffffffff)) {
    throw new InvalidArgumentError('size', size, 'a number of elements (1 to 4294967295)');
  }
  if (timeoutMs !== undefined && (!Number.isInteger(timeoutMs) || timeoutMs < 1)) {
    throw new InvalidArgumentError('timeoutMs', timeoutMs, 'a whole number of milliseconds above 0');
  }
  if (constant && (timeoutMs !== undefined || timeouts || dynamic)) {
    throw new InvalidArgumentError('constant', constant, 'possible together with timeouts or dynamic');
  }
  if (comment !== undefined) checkComment('comment', comment);
  return options;
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
} as const;

/** The flags that the kernel is told for a description. */
export function setFlags(set: AnySet): number {
  return (
    (set.kind === 'set' ? 0 : SET_FLAGS.map) |
    (set.constant ? SET_FLAGS.constant : 0) |
    (set.timeouts || set.timeoutMs !== undefined ? SET_FLAGS.timeout : 0) |
    (set.dynamic ? SET_FLAGS.eval : 0)
  );
}
