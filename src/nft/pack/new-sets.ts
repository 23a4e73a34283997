import { type AnySet, sizeOf } from '../set.ts';
import type { ElementRows } from './element-rows.ts';
import { IntervalRows } from './interval-rows.ts';
import type { PackedWriter } from './packed-writer.ts';

/** Sets with fewer elements grow fast enough. */
const SMALL = 1000;

interface NewSet {
  /** Where in the packed transaction its size is, when it may be changed. */
  readonly sizeAt: number | undefined;
  elements: number;
}

/**
 * The sets that a transaction adds, and how much comes into each: a table that the kernel allots at once takes a million
 * elements two to four times faster than one that grows.
 */
export class NewSets {
  readonly #writer: PackedWriter;
  readonly #sets = new Map<string, NewSet>();

  constructor(writer: PackedWriter) {
    this.#writer = writer;
  }

  /** `sizeAt`: where its size was packed, 0 or a default. */
  add(set: AnySet, sizeAt: number | undefined): void {
    this.#sets.set(nameOf(set), { sizeAt, elements: 0 });
  }

  /** Counts elements that are added. */
  fill(set: AnySet, rows: ElementRows): void {
    if (this.#sets.size === 0) return;
    const entry = this.#sets.get(nameOf(set));
    if (entry === undefined) return;
    if (entry.elements === 0 && rows instanceof IntervalRows) rows.beginSet();
    entry.elements += rows.count;
    if (entry.sizeAt === undefined || entry.elements <= SMALL) return;
    this.#writer.setU32(entry.sizeAt, Math.max(sizeOf(set) ?? 0, roomFor(entry.elements)));
  }
}

/** The kernel allots a power of two of at least 4/3 of the size: the largest size of a table twice as large as the count. */
export function roomFor(elements: number): number {
  const buckets = 2 ** Math.ceil(Math.log2(2 * elements));
  return Math.min(buckets * 0.75, 0xffffffff);
}

function nameOf({ table, name }: AnySet): string {
  return `${table.family} ${table.name} ${name}`;
}
