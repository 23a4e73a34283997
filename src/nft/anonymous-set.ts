import { InvalidArgumentError } from '../invalid-argument.ts';
import { runNow } from './interval/range-list.ts';
import { OBJECT_KINDS, type ObjectKind } from './object/kinds.ts';
import type { ObjectReference } from './object/map.ts';
import { objectReference } from './object/map.ts';
import { PlainRows } from './pack/element-rows.ts';
import { IntervalRows } from './pack/interval-rows.ts';
import { keyOf } from './pack/packed-elements.ts';
import { packFields } from './pack/packed-writer.ts';
import type { AnySet, MapElement, NftMap, NftSet, SetElement, SetKey, VerdictMap } from './set.ts';
import { table } from './table.ts';
import { bytesOf, type DataType } from './type/data-type.ts';
import { writeBounds } from './type/range.ts';
import type { Verdict } from './verdict.ts';

/**
 * A constant set without a name, which belongs to the one rule that uses it: nft's `{ 22, 80 }`. The kernel gives it a name
 * of its own, and deletes it together with the rule.
 */
export interface AnonymousSet<K = unknown> extends Anonymous {
  readonly kind: 'anonymous set';
  /** Carries the type of the keys; never present. */
  readonly __key?: K;
}

/** A constant map without a name: nft's `ip saddr map { 10.0.0.1 : 5 }`. */
export interface AnonymousMap<K = unknown, D = unknown, DO = D> extends Anonymous {
  readonly kind: 'anonymous map';
  /** The type of its data. */
  readonly data: DataType<D, DO>;
  /** Carries the type of the keys; never present. */
  readonly __key?: K;
}

/** A constant map from keys to verdicts, without a name: nft's `tcp dport vmap { 22 : accept, 80 : drop }`. */
export interface AnonymousVerdictMap<K = unknown> extends Anonymous {
  readonly kind: 'anonymous verdict map';
  /** Carries the type of the keys; never present. */
  readonly __key?: K;
}

/** What sets and maps without a name have in common. @inline */
interface Anonymous {
  /** The type of its keys. */
  readonly key: DataType<never, unknown>;
  /** Some key is a range or a network: then all keys lie in the kernel as in a set with `intervals`. */
  readonly intervals: boolean;
  /** How many elements the kernel is told to make room for: a range of simple keys counts as two. */
  readonly size: number;
  /** The set as a description, in a table that does not matter. */
  readonly description: AnySet;
  /** Its elements, in the packed format's fields. */
  readonly elements: Uint8Array;
}

/** Any of the three, whatever its types. */
export type AnyAnonymousSet = AnonymousSet | AnonymousMap<unknown, never, unknown> | AnonymousVerdictMap;

/** A key as it may be given: a value, a range, a network, or `'*'`, which every other key finds. @inline */
type Key<K> = SetKey<K, true, true>;

/**
 * Describes a set for one rule: `oneOf(tcp.dport, anonymousSet(inetService, [22, 80]))`, `anonymousSet(ipv4Addr, ['10.0.0.0/8',
 * '192.168.0.0/16'])`. Ranges that touch become one, as nft makes them. Throws InvalidArgumentError.
 */
export function anonymousSet<K>(
  key: DataType<K, unknown>,
  elements: readonly SetElement<Key<NoInfer<K>>>[],
): AnonymousSet<K> {
  const set: NftSet<K, unknown> = { kind: 'set', ...COMMON, name: '__set%d', key };
  return Object.freeze({ kind: 'anonymous set', key, ...contents(set, elements) });
}

/**
 * Describes a map for one rule: `mapped(ip.saddr, anonymousMap(ipv4Addr, mark, [['10.0.0.1', 5]]))`. Ranges must not overlap. Throws
 * InvalidArgumentError.
 */
export function anonymousMap<K, D, DO>(
  key: DataType<K, unknown>,
  data: DataType<D, DO>,
  elements: readonly MapElement<Key<NoInfer<K>>, NoInfer<D>>[],
): AnonymousMap<K, D, DO> {
  const name = data.objectType === undefined ? '__map%d' : '__objmap%d';
  const map: NftMap<K, unknown, D, DO> = { kind: 'map', ...COMMON, name, key, data };
  return Object.freeze({ kind: 'anonymous map', key, data, ...contents(map, elements) });
}

/**
 * Describes a map from keys to stateful objects for one rule: `objectFrom(ip.saddr, anonymousObjectMap(ipv4Addr, 'counter',
 * [['10.0.0.1', 'c']]))`. Throws InvalidArgumentError.
 */
export function anonymousObjectMap<K, O extends ObjectKind>(
  key: DataType<K, unknown>,
  object: O,
  elements: readonly MapElement<Key<NoInfer<K>>, ObjectReference<O>>[],
): AnonymousMap<K, ObjectReference<O>, string> {
  return anonymousMap(key, objectReference(object, OBJECT_KINDS[object].type), elements);
}

/**
 * Describes a verdict map for one rule: `vmap(tcp.dport, anonymousVerdictMap(inetService, [[22, accept], [80, drop]]))`. Throws
 * InvalidArgumentError.
 */
export function anonymousVerdictMap<K>(
  key: DataType<K, unknown>,
  elements: readonly MapElement<Key<NoInfer<K>>, Verdict>[],
): AnonymousVerdictMap<K> {
  const map: VerdictMap<K, unknown> = { kind: 'verdict map', ...COMMON, name: '__map%d', key };
  return Object.freeze({ kind: 'anonymous verdict map', key, ...contents(map, elements) });
}

/** The rule's own table takes the place of this one. */
const COMMON = { table: table('inet', 'any'), constant: true } as const;

/** Checks and packs the elements once: a rule is often described once and added many times. */
function contents(described: AnySet, elements: readonly unknown[]): Omit<Anonymous, 'key'> {
  if (elements.length === 0) {
    throw new InvalidArgumentError('elements', elements, 'a list with at least one element');
  }
  const keys = elements.map((element) => keyOf(described, element));
  const intervals = keys.some((key) => isRange(described.key, key));
  const description = {
    ...described,
    ...(keys.includes('*') ? { catchAll: true } : {}),
    ...(intervals ? { intervals } : {}),
    // As nft says it, also where it cannot merge: ranges of concatenations.
    ...(intervals && described.kind === 'set' ? { autoMerge: true } : {}),
  };
  const rows = intervals ? arranged(description, elements) : new PlainRows(description, elements, 'elements');
  const packed = packFields((writer) => rows.pack(writer, 0, rows.count));
  if (!intervals) refuseRepeats(description, keys);
  return {
    description,
    intervals,
    size: rows instanceof IntervalRows ? rows.countedByNft : rows.count,
    elements: packed,
  };
}

function arranged(set: AnySet, elements: readonly unknown[]): IntervalRows {
  const rows = new IntervalRows(set, elements, 'elements');
  runNow(rows.arrange());
  rows.beginSet({ isAnonymous: true });
  return rows;
}

/** What is no key at all is left for the packing to refuse, which names it. */
function isRange(type: DataType<never, unknown>, key: unknown): boolean {
  const [first, last] = [new Uint8Array(type.byteLength), new Uint8Array(type.byteLength)];
  try {
    writeBounds(type, key, first, last, 0);
  } catch (error) {
    if (error instanceof InvalidArgumentError) return false;
    throw error;
  }
  return Buffer.compare(first, last) !== 0;
}

function refuseRepeats({ key: type, catchAll }: AnySet, keys: readonly unknown[]): void {
  const seen = new Map<string, number>();
  for (const [i, key] of keys.entries()) {
    const bytes = key === '*' && catchAll ? '*' : Buffer.from(keyBytes(type, key)).toString('latin1');
    const before = seen.get(bytes);
    if (before !== undefined) {
      throw new InvalidArgumentError(
        `elements[${i}].key`,
        key,
        `another key than that of elements[${before}]`,
      );
    }
    seen.set(bytes, i);
  }
}

function keyBytes(type: DataType<never, unknown>, key: unknown): Uint8Array {
  return bytesOf(type, key as never);
}
