import { compareAt, copyAt, decrement, increment, isHighest } from './key-bytes.ts';
import { sortedOrder } from './sorted-order.ts';

/** Ranges of keys by their first and last key, both included, `width` bytes each. */
export interface RangeList {
  readonly width: number;
  readonly count: number;
  readonly first: Buffer;
  readonly last: Buffer;
}

/** Ranges that became one. */
interface MergedRows {
  /** The place of the one. */
  readonly place: number;
  /** The places of the others in the list that was given, the lowest key first. */
  readonly rows: readonly number[];
}

/** What came of ranges: sorted by key, without overlaps. */
export interface ArrangedRanges extends RangeList {
  /** For each range the place, in the list that was given, of the first range that is in it. */
  readonly rows: Uint32Array;
  readonly merged: readonly MergedRows[];
}

/** What to do with two ranges that overlap, or of which one follows the other. */
export interface MergeRules {
  /** Merge what touches. Otherwise ranges that overlap are an error, and equal ones are sent twice. */
  readonly merge: boolean;
  /** Whether two rows may become one: they have the same timeout and comment. */
  isAlike(a: number, b: number): boolean;
  /** Is called for two rows that overlap and can't be merged. */
  refuse(row: number, other: number): void;
}

/** Sorts ranges, and merges those that touch or refuses those that overlap. Yields where the caller may pause. */
export function* arrangeRanges(list: RangeList, rules: MergeRules): Generator<void, ArrangedRanges> {
  const order = yield* sortedOrder(list.first, list.width, list.count);
  const arrangement = new Arrangement(list, rules);
  for (const [i, row] of order.entries()) {
    arrangement.take(row);
    if (i % 4096 === 4095) yield;
  }
  return arrangement.result;
}

/** Ranges that are put in order one by one, each beginning no lower than the one before. */
class Arrangement {
  readonly #list: RangeList;
  readonly #rules: MergeRules;
  readonly #first: Buffer;
  readonly #last: Buffer;
  readonly #rows: Uint32Array;
  readonly #merged: { readonly place: number; readonly rows: number[] }[] = [];
  #size = 0;

  constructor(list: RangeList, rules: MergeRules) {
    this.#list = list;
    this.#rules = rules;
    this.#first = Buffer.allocUnsafe(list.count * list.width);
    this.#last = Buffer.allocUnsafe(list.count * list.width);
    this.#rows = new Uint32Array(list.count);
  }

  take(row: number): void {
    const place = this.#size - 1;
    const contact = place < 0 ? 'apart' : contactOf(this.#list, row, this.#first, this.#last, place);
    if (contact !== 'apart' && joins(contact, this.#rules, this.#rows[place] ?? 0, row))
      this.#merge(row, place);
    else this.#append(row);
  }

  get result(): ArrangedRanges {
    const { width } = this.#list;
    return {
      width,
      count: this.#size,
      first: this.#first.subarray(0, this.#size * width),
      last: this.#last.subarray(0, this.#size * width),
      rows: this.#rows.subarray(0, this.#size),
      merged: this.#merged,
    };
  }

  #append(row: number): void {
    const { width, first, last } = this.#list;
    copyAt(first, row, this.#first, this.#size, width);
    copyAt(last, row, this.#last, this.#size, width);
    this.#rows[this.#size++] = row;
  }

  #merge(row: number, place: number): void {
    const { width, last } = this.#list;
    const group = this.#merged.at(-1);
    if (group?.place === place) group.rows.push(row);
    else this.#merged.push({ place, rows: [this.#rows[place] ?? 0, row] });
    if (compareAt(last, row, this.#last, place, width) > 0) copyAt(last, row, this.#last, place, width);
  }
}

type Contact = 'apart' | 'equal' | 'overlaps' | 'follows';

/** How a range stands to the last one of a sorted list, which begins no later. */
function contactOf(list: RangeList, row: number, first: Buffer, last: Buffer, before: number): Contact {
  const { width } = list;
  if (compareAt(list.first, row, last, before, width) <= 0) {
    const isSame =
      compareAt(list.first, row, first, before, width) === 0 &&
      compareAt(list.last, row, last, before, width) === 0;
    return isSame ? 'equal' : 'overlaps';
  }
  const end = before * width;
  if (isHighest(last, end, width)) return 'apart';
  increment(last, end, width);
  const follows = compareAt(list.first, row, last, before, width) === 0;
  decrement(last, end, width);
  return follows ? 'follows' : 'apart';
}

function joins(contact: Contact, rules: MergeRules, before: number, row: number): boolean {
  if (rules.merge && rules.isAlike(before, row)) return true;
  if (contact === 'overlaps' || (contact === 'equal' && rules.merge)) rules.refuse(row, before);
  return false;
}

/** Runs a stepwise work to its end at once. */
export function runNow<T>(steps: Generator<void, T>): T {
  for (;;) {
    const { done, value } = steps.next();
    if (done) return value;
  }
}
