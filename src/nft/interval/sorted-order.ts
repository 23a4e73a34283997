import { compareAt } from './key-bytes.ts';

/** Rows that are sorted at a time; between two of these the event loop may turn. */
const RUN = 4096;

/**
 * The order of keys of `width` bytes, ascending by bytes and stable: indices into `keys`. Yields where the caller may pause.
 */
export function* sortedOrder(keys: Buffer, width: number, count: number): Generator<void, Uint32Array> {
  let order = new Uint32Array(count);
  for (let start = 0; start < count; start += RUN) {
    sortRun(keys, width, order.subarray(start, Math.min(count, start + RUN)), start);
    yield;
  }
  let other = new Uint32Array(count > RUN ? count : 0);
  for (let run = RUN; run < count; run *= 2) {
    for (let start = 0; start < count; start += 2 * run) {
      yield* mergeRuns(keys, width, order, other, start, start + run, Math.min(count, start + 2 * run));
    }
    [order, other] = [other, order];
  }
  return order;
}

function sortRun(keys: Buffer, width: number, run: Uint32Array, start: number): void {
  if (width > 4) {
    for (let i = 0; i < run.length; i++) run[i] = start + i;
    run.sort((a, b) => compareKeys(keys, width, a, b) || a - b);
    return;
  }
  // Key and index in one number, 45 bits: typed arrays of numbers are sorted without a call for each comparison.
  const numbers = new Float64Array(run.length);
  for (let i = 0; i < run.length; i++) numbers[i] = keys.readUIntBE((start + i) * width, width) * RUN + i;
  numbers.sort();
  for (let i = 0; i < run.length; i++) run[i] = start + ((numbers[i] ?? 0) % RUN);
}

function* mergeRuns(
  keys: Buffer,
  width: number,
  from: Uint32Array,
  into: Uint32Array,
  start: number,
  middle: number,
  end: number,
): Generator<void, void> {
  let left = start;
  let right = Math.min(middle, end);
  const leftEnd = right;
  for (let at = start; at < end; at++) {
    const a = from[left] ?? 0;
    const b = from[right] ?? 0;
    const takeLeft = right >= end || (left < leftEnd && compareKeys(keys, width, a, b) <= 0);
    into[at] = takeLeft ? a : b;
    if (takeLeft) left++;
    else right++;
    if (at % RUN === RUN - 1) yield;
  }
}

/** By the keys' bytes: below 0, 0 or above, like `compare` everywhere. */
function compareKeys(keys: Buffer, width: number, a: number, b: number): number {
  if (width === 4) return keys.readUInt32BE(4 * a) - keys.readUInt32BE(4 * b);
  return compareAt(keys, a, keys, b, width);
}
