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
export class PlainRows implements ElementRows {
  readonly #set: AnySet;
  readonly #list: readonly AnyElement[];
  readonly #use: RowUse;

  constructor(set: AnySet, list: readonly AnyElement[], use: RowUse) {
    this.#set = set;
    this.#list = list;
    this.#use = use;
  }

  get count(): number {
    return this.#list.length;
  }

  pack(writer: PackedWriter, from: number, to: number): void {
    const elements = from === 0 && to === this.#list.length ? this.#list : this.#list.slice(from, to);
    if (this.#use === 'keys') packElementKeys(writer, this.#set, { elements, from });
    else packElements(writer, this.#set, { elements, from, renew: this.#use === 'renewed' });
  }

  sourceOf(from: number, packed: number): number {
    return from + packed;
  }

  keyAt(source: number): unknown {
    return this.#use === 'keys' ? this.#list[source] : keyOf(this.#set, this.#list[source]);
  }
}

/** The rows of any set. Yields where the caller may pause. */
export function* rowsOf(set: AnySet, list: readonly AnyElement[], use: RowUse): Generator<void, ElementRows> {
  if (!set.intervals) return new PlainRows(set, list, use);
  const rows = new IntervalRows(set, list, use);
  yield* rows.arrange();
  return rows;
}
