import { rowsOf } from '../nft/pack/element-rows.ts';
import type { AnySet } from '../nft/set.ts';
import { PACK_ROWS, type Transaction } from '../nft/transaction.ts';
import type { Slices } from '../read/slices.ts';

/** Rows of a part: as many IPv4 addresses as one netlink message takes. */
const PART = 4095;

/** What is given to a set: a list, a generator, or something whose elements come over time. */
export type Elements<T> = Iterable<T> | AsyncIterable<T>;

/** All of it as a list, without keeping the event loop waiting. */
export async function collect<T>(elements: Elements<T>, slices: Slices): Promise<readonly T[]> {
  if (Array.isArray(elements)) return elements;
  const list: T[] = [];
  if (Symbol.asyncIterator in elements) {
    for await (const element of elements) {
      list.push(element);
      // What resolves at once gives nobody else a turn.
      if (slices.isOver) await slices.pause();
    }
    return list;
  }
  for (const element of elements) {
    list.push(element);
    if (slices.isOver) await slices.pause();
  }
  return list;
}

/** Runs a stepwise work to its end, in slices. */
export async function inSlices<T>(steps: Generator<void, T>, slices: Slices): Promise<T> {
  for (;;) {
    const { done, value } = steps.next();
    if (done) return value;
    if (slices.isDue) await slices.pause();
  }
}

const USES = { add: 'elements', renew: 'renewed', delete: 'keys', destroy: 'keys' } as const;

/** What `Transaction.addElements` and its like do, in slices. */
export async function packElements(
  transaction: Transaction,
  verb: 'add' | 'renew' | 'delete' | 'destroy',
  set: AnySet,
  list: readonly unknown[],
  slices: Slices,
): Promise<void> {
  if (list.length === 0) return;
  const rows = await inSlices(rowsOf(set, list, USES[verb]), slices);
  for (let from = 0; from < rows.count; from += PART) {
    transaction[PACK_ROWS](
      verb === 'renew' ? 'add' : verb,
      set,
      rows,
      from,
      Math.min(rows.count, from + PART),
    );
    if (slices.isDue) await slices.pause();
  }
}
