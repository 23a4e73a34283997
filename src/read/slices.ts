import { setImmediate as nextTurn } from 'node:timers/promises';

/** How long reading may keep the event loop waiting, in ms: less than a frame, more than what a turn costs. */
const SLICE_MS = 8;
/** What is read between two looks at the clock takes some 0.1 ms. */
const ITEMS_BETWEEN_LOOKS = 32;

/** Options of everything that reads from the kernel. */
export interface ReadOptions {
  /** When it is aborted, reading rejects with its reason (an AbortError, when none was given). */
  readonly signal?: AbortSignal;
}

/** Cuts a long work on this thread into slices, between which the event loop does what waits. */
export class Slices {
  /** Aborts the work between two slices. */
  readonly signal: AbortSignal | undefined;
  #end = performance.now() + SLICE_MS;
  #items = 0;

  constructor(signal: AbortSignal | undefined) {
    this.signal = signal;
  }

  /** Counts one item; true when it is time for `pause`. */
  get isOver(): boolean {
    if (++this.#items % ITEMS_BETWEEN_LOOKS !== 0) return false;
    return performance.now() >= this.#end;
  }

  /** The same for larger pieces of work, each of which is worth a look at the clock. */
  get isDue(): boolean {
    return performance.now() >= this.#end;
  }

  /** Lets the event loop turn once. Rejects when the signal was aborted. */
  async pause(): Promise<void> {
    await nextTurn();
    this.signal?.throwIfAborted();
    this.#end = performance.now() + SLICE_MS;
  }
}

/** What `read` makes of the items, but for what it makes nothing of. */
export async function readEach<In, Out>(
  items: Iterable<In>,
  read: (item: In) => Out | undefined,
  slices: Slices,
): Promise<readonly Out[]> {
  const result: Out[] = [];
  for (const item of items) {
    const out = read(item);
    if (out !== undefined) result.push(out);
    if (slices.isOver) await slices.pause();
  }
  return result;
}
