import { InvalidArgumentError } from '../../invalid-argument.ts';
import { copyAt, increment, isHighest, isZero } from '../interval/key-bytes.ts';
import { type ArrangedRanges, arrangeRanges, type RangeList } from '../interval/range-list.ts';
import type { AnySet, ElementOptions } from '../set.ts';
import { type Interval, readInterval, writeBounds } from '../type/range.ts';
import type { ElementRows, RowUse } from './element-rows.ts';
import {
  type AnyElement,
  type ElementList,
  hasOptions,
  isCatchAll,
  keyOf,
  packValues,
  RANGE_END,
} from './packed-elements.ts';
import type { PackedWriter } from './packed-writer.ts';
import { ELEMENT_COLUMN, ELEMENT_FLAG } from './uapi.ts';

/** Ranges that were sent as one. */
export interface MergedRange {
  /** What was sent: `'10.0.0.0/8'`. */
  readonly into: Interval<unknown>;
  /** What was given, the lowest first. */
  readonly of: readonly unknown[];
}

const ROWS_BETWEEN_YIELDS = 4096;

/**
 * Elements of a set with intervals. A range of simple keys is two elements to the kernel, its first key and the one behind its
 * last, but for a range up to the highest key, which has no end; a range of concatenated keys is one element with two keys.
 */
export class IntervalRows implements ElementRows {
  readonly #set: AnySet;
  readonly #list: readonly AnyElement[];
  readonly #use: RowUse;
  readonly #width: number;
  #first: Buffer;
  #last: Buffer;
  /** By row: the place in the caller's list. Catch-all elements come last. */
  #sources: Uint32Array;
  #ranges = 0;
  /** Whether an element that ends nothing comes first, as nft begins a new set. */
  #hasStart = false;
  /** Whether a range that begins where another ends takes the place of that end, as nft has it in sets without a name. */
  #joinsEnds = false;
  merged: readonly MergedRange[] = [];

  constructor(set: AnySet, list: readonly AnyElement[], use: RowUse) {
    this.#set = set;
    this.#list = list;
    this.#use = use;
    this.#width = set.key.byteLength;
    this.#first = Buffer.alloc(list.length * this.#width);
    this.#last = Buffer.alloc(list.length * this.#width);
    this.#sources = new Uint32Array(list.length);
  }

  get count(): number {
    return this.#sources.length;
  }

  /** The ranges as bytes, those of simple keys sorted. Rows behind them are catch-all elements. */
  get ranges(): RangeList {
    return { width: this.#width, first: this.#first, last: this.#last, count: this.#ranges };
  }

  /**
   * nft begins a new set whose lowest range does not begin at 0 with an element that ends nothing. The kernel doesn't need it;
   * we do the same so that the sets are equal.
   */
  beginSet({ isAnonymous = false } = {}): void {
    this.#hasStart = this.#isSimple && this.#ranges > 0 && !isZero(this.#first, 0, this.#width);
    this.#joinsEnds = isAnonymous;
  }

  /** The size that nft gives a set without a name: it counts ends that are not sent, too. */
  get countedByNft(): number {
    return this.count + (this.#isSimple ? this.#ranges + (this.#hasStart ? 1 : 0) : 0);
  }

  get #isSimple(): boolean {
    return this.#set.key.fields === undefined;
  }

  /** Reads, sorts and merges. Yields where the caller may pause. Throws InvalidArgumentError. */
  *arrange(): Generator<void, void> {
    const catchAll: number[] = [];
    for (const [i, element] of this.#list.entries()) {
      const key = this.#keyOf(element);
      if (isCatchAll(this.#set, key)) catchAll.push(i);
      else this.#read(i, key);
      if (i % ROWS_BETWEEN_YIELDS === ROWS_BETWEEN_YIELDS - 1) yield;
    }
    if (this.#isSimple) yield* this.#take(yield* this.#sort(), catchAll);
    else this.#sources.set([...this.#sources.subarray(0, this.#ranges), ...catchAll]);
  }

  /** The place in the caller's list of a row, for ranges that became one: of the lowest. */
  sourceAt(row: number): number {
    return this.#sources[row] ?? 0;
  }

  keyAt(source: number): unknown {
    return this.#keyOf(this.#list[source]);
  }

  sourceOf(from: number, packed: number): number {
    if (!this.#isSimple) return this.#sources[from + packed] ?? 0;
    const place = packed - (from === 0 && this.#hasStart ? 1 : 0);
    const ends = this.#ranges - from - (this.#isOpen(this.#ranges - 1) ? 1 : 0);
    const row = place < 2 * ends ? place >> 1 : place - ends;
    return this.#sources[from + Math.max(0, row)] ?? 0;
  }

  pack(writer: PackedWriter, from: number, to: number): void {
    if (this.#isSimple) this.#packPairs(writer, from, to);
    else this.#packBoth(writer, from, to);
  }

  #keyOf(element: AnyElement): unknown {
    return this.#use === 'keys' ? element : keyOf(this.#set, element);
  }

  #read(source: number, key: unknown): void {
    try {
      writeBounds(this.#set.key, key, this.#first, this.#last, this.#ranges * this.#width);
    } catch (error) {
      if (!(error instanceof InvalidArgumentError)) throw error;
      throw this.#use === 'keys'
        ? error.within(`keys[${source}]`)
        : error.within('key').within(`elements[${source}]`);
    }
    this.#sources[this.#ranges++] = source;
  }

  *#sort(): Generator<void, ArrangedRanges> {
    const list = { width: this.#width, count: this.#ranges, first: this.#first, last: this.#last };
    const isNew = this.#use !== 'keys';
    return yield* arrangeRanges(list, {
      merge: isNew && this.#set.autoMerge === true,
      isAlike: (a, b) => this.#isAlike(this.#sources[a] ?? 0, this.#sources[b] ?? 0),
      refuse: (row, other) => {
        if (isNew) this.#refuse(this.#sources[row] ?? 0, this.#sources[other] ?? 0);
      },
    });
  }

  *#take(arranged: ArrangedRanges, catchAll: readonly number[]): Generator<void, void> {
    const given = this.#sources;
    const merged: MergedRange[] = [];
    for (const { place, rows } of arranged.merged) {
      const [start, end] = [place * this.#width, (place + 1) * this.#width];
      const [first, last] = [arranged.first.subarray(start, end), arranged.last.subarray(start, end)];
      const of: unknown[] = [];
      for (const row of rows) {
        of.push(this.keyAt(given[row] ?? 0));
        if (of.length % ROWS_BETWEEN_YIELDS === 0) yield;
      }
      merged.push({ into: readInterval<unknown>(this.#set.key, first, last), of });
      if (merged.length % ROWS_BETWEEN_YIELDS === 0) yield;
    }
    this.merged = merged;
    const sources = new Uint32Array(arranged.count + catchAll.length);
    for (let i = 0; i < arranged.count; i++) {
      sources[i] = given[arranged.rows[i] ?? 0] ?? 0;
      if (i % ROWS_BETWEEN_YIELDS === ROWS_BETWEEN_YIELDS - 1) yield;
    }
    sources.set(catchAll, arranged.count);
    this.#sources = sources;
    this.#ranges = arranged.count;
    this.#first = arranged.first;
    this.#last = arranged.last;
  }

  #isAlike(a: number, b: number): boolean {
    const [one, two] = [optionsOf(this.#list[a]), optionsOf(this.#list[b])];
    return (
      one.timeoutMs === two.timeoutMs &&
      one.expiresMs === two.expiresMs &&
      one.comment === two.comment &&
      one.statements === two.statements
    );
  }

  #refuse(source: number, other: number): never {
    const key = textOf(this.keyAt(source));
    const reason = this.#set.autoMerge ? ', and has other options' : ' (autoMerge makes one of them)';
    throw new InvalidArgumentError(
      `elements[${source}].key`,
      key,
      `apart from [${other}] ${textOf(this.keyAt(other))}${reason}`,
    );
  }

  /** Whether the range of a row has no end in the kernel. */
  #isOpen(row: number): boolean {
    return row >= 0 && isHighest(this.#last, row * this.#width, this.#width);
  }

  /** Whether the next range begins just behind the row's. */
  #isFollowed(row: number): boolean {
    if (row + 1 >= this.#ranges) return false;
    const width = this.#width;
    const next = Buffer.from(this.#last.subarray(row * width, (row + 1) * width));
    increment(next, 0, width);
    return next.equals(this.#first.subarray((row + 1) * width, (row + 2) * width));
  }

  #packPairs(writer: PackedWriter, from: number, to: number): void {
    const elements: AnyElement[] = [];
    const sources: number[] = [];
    const starts = from === 0 && this.#hasStart ? 1 : 0;
    if (starts > 0) {
      elements.push(RANGE_END);
      sources.push(this.#sources[0] ?? 0);
    }
    let openRange: number | undefined;
    for (let row = from; row < to; row++) {
      const source = this.#sources[row] ?? 0;
      const isRange = row < this.#ranges;
      const isOpen = isRange && this.#isOpen(row);
      if (isOpen) openRange = elements.length;
      elements.push(this.#list[source]);
      sources.push(source);
      if (!isRange || isOpen || (this.#joinsEnds && this.#isFollowed(row))) continue;
      elements.push(RANGE_END);
      sources.push(source);
    }
    writer.count(elements.length);
    this.#packPairFlags(writer, elements);
    this.#packPairKeys(writer, elements, starts, from);
    this.#packRest(writer, { elements, from, sources, ...(openRange === undefined ? {} : { openRange }) });
  }

  #packPairFlags(writer: PackedWriter, elements: readonly AnyElement[]): void {
    const flags = writer.fixedColumn(ELEMENT_COLUMN.flags, 4, elements.length);
    for (const [i, element] of elements.entries()) {
      const isEnd = element === RANGE_END;
      const isAll = !isEnd && isCatchAll(this.#set, this.#keyOf(element));
      flags.writeUInt32LE(isEnd ? ELEMENT_FLAG.intervalEnd : isAll ? ELEMENT_FLAG.catchAll : 0, 4 * i);
    }
  }

  #packPairKeys(writer: PackedWriter, elements: readonly AnyElement[], starts: number, from: number): void {
    const width = this.#width;
    const column = writer.fixedColumn(ELEMENT_COLUMN.key, width, elements.length);
    column.fill(0);
    let row = from - 1;
    for (let i = starts; i < elements.length; i++) {
      const isEnd = elements[i] === RANGE_END;
      if (!isEnd) row++;
      if (row >= this.#ranges) break;
      const keys = isEnd ? this.#last : this.#first;
      copyAt(keys, row, column, i, width);
      if (isEnd) increment(column, i * width, width);
    }
  }

  #packBoth(writer: PackedWriter, from: number, to: number): void {
    const width = this.#width;
    const elements = Array.from(this.#sources.subarray(from, to), (source) => this.#list[source]);
    writer.count(elements.length);
    if (to > this.#ranges) {
      const flags = writer.fixedColumn(ELEMENT_COLUMN.flags, 4, elements.length);
      for (let i = 0; i < elements.length; i++) {
        flags.writeUInt32LE(from + i >= this.#ranges ? ELEMENT_FLAG.catchAll : 0, 4 * i);
      }
    }
    for (const [id, keys] of [
      [ELEMENT_COLUMN.key, this.#first],
      [ELEMENT_COLUMN.keyEnd, this.#last],
    ] as const) {
      writer.fixedColumn(id, width, elements.length).set(keys.subarray(from * width, to * width));
    }
    this.#packRest(writer, { elements, from, sources: this.#sources.subarray(from, to) });
  }

  #packRest(writer: PackedWriter, list: ElementList): void {
    if (this.#use === 'keys') return;
    packValues(writer, this.#set, { ...list, renew: this.#use === 'renewed' });
  }
}

function optionsOf(element: AnyElement): ElementOptions {
  return hasOptions(element) ? element : {};
}

function textOf(key: unknown): string {
  return typeof key === 'object' ? JSON.stringify(key) : String(key);
}
