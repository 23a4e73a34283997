import type { AnySet } from '../set.ts';
import { IntervalRows, type MergedRange } from './interval-rows.ts';
import { type AnyElement, keyOf, packElementKeys, packElements } from './packed-elements.ts';
import type { PackedWriter } from './packed-writer.ts';

/** The elements of one call, which can be packed in parts. */
export interface ElementRows {
  readonly count: number;
  /** Packs the rows from one up to another, as one list of elements. */
  pack(writer: PackedWriter, from: number, to: number): void;
  /** The place in the caller's list of a packed element, counted from the start of the part that began with `from`. */
  sourceOf(from: number, packed: number): number;
  /** The key at a place of the caller's list, as it was given. */
  keyAt(source: number): unknown;
  /** Ranges that became one row. */
  readonly merged?: readonly MergedRange[];
}

/** What is done with the elements: added with all they have, the same with their whole time again, or found by their keys. */
export type RowUse = 'elements' | 'renewed' | 'keys';

/** The rows of a set without intervals: each element is one. */
export function plainRows(set: AnySet, list: readonly AnyElement[], use: RowUse): ElementRows {
  return {
    count: list.length,
    pack(writer, from, to) {
      const elements = from === 0 && to === list.length ? list : list.slice(from, to);
      const part = { elements, indexOf: (place: number) => from + place, renew: use === 'renewed' };
      if (use === 'keys') packElementKeys(writer, set, part);
      else packElements(writer, set, part);
    },
    sourceOf: (from, packed) => from + packed,
    keyAt: (source) => (use === 'keys' ? list[source] : keyOf(set, list[source])),
  };
}

/** The rows of any set. Yields where the caller may pause. */
export function* rowsOf(set: AnySet, list: readonly AnyElement[], use: RowUse): Generator<void, ElementRows> {
  if (!set.intervals) return plainRows(set, list, use);
  const rows = new IntervalRows(set, list, use);
  yield* rows.arrange();
  return rows;
}
