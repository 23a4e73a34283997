import { decrement, increment } from '../nft/interval/key-bytes.ts';
import type { RangeList } from '../nft/interval/range-list.ts';

/** One range as bytes, with its place in the list that it comes from. */
export interface Piece {
  readonly first: Buffer;
  readonly last: Buffer;
  readonly source: number;
}

/**
 * What is left of ranges without others; both lists sorted and without overlaps. A range that nothing is taken from comes back
 * as it is.
 */
export function* subtractRanges(from: RangeList, taken: RangeList): Generator<Piece> {
  const { width } = from;
  let next = 0;
  for (let source = 0; source < from.count; source++) {
    const last = keyAt(from.last, source, width);
    let first: Buffer | undefined = keyAt(from.first, source, width);
    while (next < taken.count && Buffer.compare(keyAt(taken.last, next, width), first) < 0) next++;
    for (let hole = next; first !== undefined && hole < taken.count; hole++) {
      const start = keyAt(taken.first, hole, width);
      if (Buffer.compare(start, last) > 0) break;
      if (Buffer.compare(start, first) > 0) yield { first, last: before(start), source };
      first = behind(keyAt(taken.last, hole, width), last);
    }
    if (first !== undefined) yield { first, last, source };
  }
}

/** Whether every key of one list is in the other; gives the first range that isn't. */
export function firstOutside(ranges: RangeList, within: RangeList): number | undefined {
  for (const { source } of subtractRanges(ranges, within)) return source;
  return undefined;
}

function keyAt(keys: Buffer, place: number, width: number): Buffer {
  return keys.subarray(place * width, (place + 1) * width);
}

function before(key: Buffer): Buffer {
  const copy = Buffer.from(key);
  decrement(copy, 0, copy.length);
  return copy;
}

/** The key behind another; undefined when that is not below the end. */
function behind(key: Buffer, last: Buffer): Buffer | undefined {
  if (Buffer.compare(key, last) >= 0) return undefined;
  const copy = Buffer.from(key);
  increment(copy, 0, copy.length);
  return copy;
}
