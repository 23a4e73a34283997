import { InvalidArgumentError } from '../invalid-argument.ts';
import { copyAt } from '../nft/interval/key-bytes.ts';
import { IntervalRows, type MergedRange } from '../nft/pack/interval-rows.ts';
import { hasOptions, isCatchAll, keyOf } from '../nft/pack/packed-elements.ts';
import type { AnySet } from '../nft/set.ts';
import { readInterval } from '../nft/type/range.ts';
import type { Slices } from '../read/slices.ts';
import { KeyIndex } from './key-index.ts';
import { inSlices } from './packing.ts';

/**
 * What a set shall hold. Elements are told apart by bytes: their key, or in a set with intervals the first and the last key of
 * their range.
 */
export interface Desired {
  readonly width: number;
  readonly index: KeyIndex;
  /** How many elements `elementAt` has; some may be given twice, and only the last of them counts. */
  readonly count: number;
  elementAt(i: number): unknown;
  /** No element has data or options: a key that is there is as it shall be. */
  readonly isPlain: boolean;
  /** Whether another element with the same key came after it. */
  isReplaced(i: number): boolean;
  /** The element `'*'`. */
  readonly catchAll: { readonly element: unknown } | undefined;
  readonly merged: readonly MergedRange[];
}

/** Reads what was given. Throws InvalidArgumentError. */
export async function desiredElements(
  set: AnySet,
  list: readonly unknown[],
  slices: Slices,
): Promise<Desired> {
  return set.intervals ? desiredRanges(set, list, slices) : desiredKeys(set, list, slices);
}

async function desiredKeys(set: AnySet, list: readonly unknown[], slices: Slices): Promise<Desired> {
  const width = set.key.byteLength;
  const keys = Buffer.alloc(list.length * width);
  const index = new KeyIndex(keys, width, list.length);
  const replaced = new Uint8Array(list.length);
  let catchAll: Desired['catchAll'];
  let isPlain = set.kind === 'set';
  for (const [i, element] of list.entries()) {
    isPlain &&= !hasOptions(element);
    const key = keyOf(set, element);
    if (isCatchAll(set, key)) {
      catchAll = { element };
      replaced[i] = 1;
    } else {
      writeKey(set, key, keys, i);
      const before = index.add(i);
      if (before !== undefined) replaced[before] = 1;
    }
    if (slices.isOver) await slices.pause();
  }
  return {
    width,
    index,
    count: list.length,
    elementAt: (i) => list[i],
    isPlain,
    isReplaced: (i) => replaced[i] === 1,
    catchAll,
    merged: [],
  };
}

function writeKey(set: AnySet, key: unknown, into: Buffer, i: number): void {
  try {
    set.key.write(key as never, into, i * set.key.byteLength);
  } catch (error) {
    throw error instanceof InvalidArgumentError ? error.within(`elements[${i}].key`) : error;
  }
}

async function desiredRanges(set: AnySet, list: readonly unknown[], slices: Slices): Promise<Desired> {
  const rows = new IntervalRows(set, list, 'elements');
  await inSlices(rows.arrange(), slices);
  const { first, last, count } = rows.ranges;
  const half = set.key.byteLength;
  const ids = Buffer.alloc(count * 2 * half);
  const index = new KeyIndex(ids, 2 * half, count);
  const replaced = new Uint8Array(count);
  let isPlain = set.kind === 'set';
  for (let i = 0; i < count; i++) {
    isPlain &&= !hasOptions(list[rows.sourceAt(i)]);
    copyAt(first, i, ids, 2 * i, half);
    copyAt(last, i, ids, 2 * i + 1, half);
    const before = index.add(i);
    if (before !== undefined) replaced[before] = 1;
    if (slices.isOver) await slices.pause();
  }
  return {
    width: 2 * half,
    index,
    count,
    elementAt(i) {
      const at = i * half;
      const key = readInterval(set.key, first.subarray(at, at + half), last.subarray(at, at + half));
      return withKey(set, list[rows.sourceAt(i)], key);
    },
    isPlain,
    isReplaced: (i) => replaced[i] === 1,
    catchAll: rows.count > count ? { element: list[rows.sourceAt(rows.count - 1)] } : undefined,
    merged: rows.merged,
  };
}

/** The element with another key. */
export function withKey(set: AnySet, element: unknown, key: unknown): unknown {
  if (hasOptions(element)) return { ...element, key };
  return set.kind === 'set' ? key : [key, (element as readonly unknown[])[1]];
}
