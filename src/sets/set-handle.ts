import { release } from 'node:os';
import { InvalidArgumentError } from '../invalid-argument.ts';
import type { Message } from '../netlink/message.ts';
import type { Transport } from '../netlink/transport.ts';
import { familyNumber } from '../nft/family.ts';
import { FEATURES, FeatureMissingError, type FeatureName, isOlder } from '../nft/feature.ts';
import { IntervalRows, type MergedRange } from '../nft/pack/interval-rows.ts';
import { isCatchAll, keyOf } from '../nft/pack/packed-elements.ts';
import { NFT_MSG } from '../nft/pack/uapi.ts';
import type { AnySet, ElementOf, KeyOf } from '../nft/set.ts';
import { Transaction } from '../nft/transaction.ts';
import { TransactionError } from '../nft/transaction-error.ts';
import { readInterval } from '../nft/type/range.ts';
import { dumpElements } from '../read/element-dump.ts';
import { setNameAttributes } from '../read/element-request.ts';
import { eachElement, type ListedElement, type ListedElementOf } from '../read/elements.ts';
import { type ReadOptions, readEach, Slices } from '../read/slices.ts';
import { type Desired, desiredElements, withKey } from './desired.ts';
import { type Difference, differenceOf, placeOf } from './difference.ts';
import { existingElements, keyOfExisting } from './existing.ts';
import { findElement, findRange, isWithinRange } from './lookup.ts';
import { collect, type Elements, inSlices, packElements } from './packing.ts';
import { withRoom } from './room.ts';
import { firstOutside, subtractRanges } from './subtract.ts';

/** What was done to a set. */
export interface SetReport {
  /** Ranges that became one, in a set with `autoMerge`; what was in the set before is among them. */
  readonly merged: readonly MergedRange[];
  /** Time that the kernel took, inside `sendmsg`. */
  readonly kernelTimeMs: number;
}

/** What `sync` did. */
export interface SyncReport extends SetReport {
  /** How many elements came new, went, got other data or another timeout, and stayed as they were. */
  readonly added: number;
  /** How many went. */
  readonly removed: number;
  /** How many got other data or another timeout. */
  readonly updated: number;
  /** How many stayed as they were. */
  readonly kept: number;
}

/** How elements are deleted. */
export interface DeleteOptions extends ReadOptions {
  /** What to do about elements that are not there: nothing (the default), or delete none at all and fail. */
  readonly missing?: 'ignore' | 'error';
}

/** Whether the kernel has something; see `Nftables.features`. */
export type FeatureQuestion = (feature: FeatureName) => boolean | Promise<boolean>;

type AnyListed = ListedElement<unknown, unknown>;

/** What changes between reading and writing is read again; so often, and the error is what the caller gets. */
const MAX_ATTEMPTS = 5;

/**
 * One set and what is done to it, in a transaction for each call: `const blocked = nft.set(description)`. Elements come from a
 * list, a generator or an async iterable; a million of them don't keep the event loop waiting. Each method rejects with
 * TransactionError, RequestError or InvalidArgumentError, and then nothing was changed. A set that is full and has the size that the
 * library gave it (its description has none) grows first, on kernels since 6.5.
 */
export class SetHandle<S extends AnySet> {
  /** The set that it was made for. */
  readonly description: S;
  readonly #transport: Transport;
  readonly #has: FeatureQuestion;

  /**
   * Made by `Nftables.set`. Features that came no later than the running kernel are taken for granted.
   * @internal
   */
  constructor(transport: Transport, description: S, has: FeatureQuestion, running = release()) {
    this.#transport = transport;
    this.description = description;
    this.#has = (feature) => !isOlder(running, FEATURES[feature].since) || has(feature);
  }

  /**
   * Makes the set, which must not exist yet (EEXIST), with these elements in it; its table must exist. Since it is known how
   * much comes, a big set gets a size by itself and is filled two to four times faster than one that is there.
   */
  async create(elements: Elements<ElementOf<S>>, { signal }: ReadOptions = {}): Promise<SetReport> {
    const slices = new Slices(signal);
    const list = await collect(elements, slices);
    const transaction = new Transaction(this.#transport).create(this.description);
    await packElements(transaction, 'add', this.description, list, slices);
    return this.#commit(transaction, signal, transaction.merged);
  }

  /**
   * Adds elements. One that is there already stays, but takes on the timeout that is given, on every kernel; other data for its
   * key is an error (EEXIST). In a set with `autoMerge` ranges that touch become one, with those that are there too.
   */
  async add(elements: Elements<ElementOf<S>>, { signal }: ReadOptions = {}): Promise<SetReport> {
    const slices = new Slices(signal);
    const list = await collect(elements, slices);
    if (this.description.autoMerge) return this.#change(slices, (there) => [...there, ...list]);
    return this.#withRoom(list.length, () => this.#addElements(list, slices));
  }

  async #addElements(list: readonly unknown[], slices: Slices): Promise<SetReport> {
    const set: AnySet = this.description;
    const transaction = new Transaction(this.#transport);
    await packElements(transaction, 'renew', set, list, slices);
    const hasTimes = set.timeouts === true || set.timeoutMs !== undefined;
    if (hasTimes && !(await this.#has('elementTimeoutUpdates'))) {
      // Adding again says nothing to these kernels: the element must go and come back.
      const keys = list.map((element) => keyOf(set, element));
      await packElements(transaction, 'delete', set, keys, slices);
      await packElements(transaction, 'add', set, list, slices);
    }
    return this.#commit(transaction, slices.signal, []);
  }

  /** Deletes elements by their keys. In a set with `autoMerge` a part of a range can be deleted: what is left of it stays. */
  async delete(keys: Elements<KeyOf<S>>, options: DeleteOptions = {}): Promise<SetReport> {
    const { signal, missing = 'ignore' } = options;
    const slices = new Slices(signal);
    const list = await collect<unknown>(keys, slices);
    if (this.description.autoMerge) return this.#subtract(list, missing, slices);
    if (missing === 'ignore' && !(await this.#has('destroy'))) return this.#deletePresent(list, slices);
    const transaction = new Transaction(this.#transport);
    await packElements(
      transaction,
      missing === 'ignore' ? 'destroy' : 'delete',
      this.description,
      list,
      slices,
    );
    return this.#commit(transaction, signal, []);
  }

  /** Puts these elements in the place of all that are there; no packet sees the set empty. */
  async replace(elements: Elements<ElementOf<S>>, { signal }: ReadOptions = {}): Promise<SetReport> {
    const slices = new Slices(signal);
    const list = await collect(elements, slices);
    return this.#withRoom(list.length, async () => {
      const transaction = new Transaction(this.#transport).flush(this.description);
      await packElements(transaction, 'add', this.description, list, slices);
      return this.#commit(transaction, signal, transaction.merged);
    });
  }

  /**
   * Makes the set hold these elements and no others: reads what is there and sends only what differs, in one transaction. An
   * element whose data, comment or timeout is given and differs is deleted and added again; one that only grows older stays.
   */
  async sync(elements: Elements<ElementOf<S>>, { signal }: ReadOptions = {}): Promise<SyncReport> {
    const slices = new Slices(signal);
    const list = await collect<unknown>(elements, slices);
    // The kernel takes seconds to list a million elements: what was given is read meanwhile.
    const desired = desiredElements(this.description, list, slices);
    return this.#towards(slices, () => desired, desired);
  }

  /** Whether a key is in the set; in one with intervals, whether it, or all of a range, lies within one of its ranges. */
  async has(key: KeyOf<S>): Promise<boolean> {
    const set: AnySet = this.description;
    if (hasRanges(set) && !isCatchAll(set, key)) return isWithinRange(this.#transport, set, key);
    return (await this.get(key)) !== undefined;
  }

  /**
   * The element with a key: its data, the time that is left, what its counter has counted. In a set with intervals it is the
   * range that the key lies in. For `'*'` the kernel is asked for all elements.
   */
  async get(key: KeyOf<S>): Promise<ListedElementOf<S> | undefined> {
    const set: S = this.description;
    if (!isCatchAll(set, key)) {
      return hasRanges(set) ? findRange(this.#transport, set, key) : findElement(this.#transport, set, key);
    }
    for (const element of eachElement(set, await this.#dump(undefined))) {
      if ((element as AnyListed).key === '*') return element;
    }
    return undefined;
  }

  /**
   * The element with a key as it was, whose counter, quota and the like are set back in the same moment; undefined when there is
   * none. Not for `'*'`: `Nftables.resetElements` sets back all. Rejects with FeatureMissingError (kernel 6.5 or newer).
   */
  async reset(key: KeyOf<S>): Promise<ListedElementOf<S> | undefined> {
    const set: S = this.description;
    if (isCatchAll(set, key)) throw new InvalidArgumentError('key', key, 'an element that can be asked for');
    if (!(await this.#has('resetElements'))) throw new FeatureMissingError('resetElements');
    return (hasRanges(set) ? findRange : findElement)(this.#transport, set, key, NFT_MSG.getSetElemReset);
  }

  #dump(signal: AbortSignal | undefined): Promise<readonly Message[]> {
    const { table, kind, name } = this.description;
    const what = `reading the elements of ${kind} ${table.family} ${table.name} ${name}`;
    const attributes = setNameAttributes(this.description);
    return dumpElements(this.#transport, what, familyNumber(table.family), attributes, signal);
  }

  /** Computes what shall be from what is there, and makes it so. */
  #change(slices: Slices, next: (there: readonly unknown[]) => readonly unknown[]): Promise<SyncReport> {
    return this.#towards(slices, async (replies) =>
      desiredElements(this.description, next(await this.#listed(replies, slices)), slices),
    );
  }

  /** What is there, as it would be given. */
  #listed(replies: readonly Message[], slices: Slices): Promise<readonly unknown[]> {
    const set: AnySet = this.description;
    return readEach(
      eachElement(set, replies),
      (element) => asGiven(set, element as unknown as AnyListed),
      slices,
    );
  }

  /** Reads, compares and writes. */
  #towards(
    slices: Slices,
    desiredOf: (replies: readonly Message[]) => Promise<Desired>,
    meanwhile?: Promise<unknown>,
  ): Promise<SyncReport> {
    return this.#untilCurrent(async () => {
      const [replies] = await Promise.all([this.#dump(slices.signal), meanwhile]);
      const desired = await desiredOf(replies);
      const difference = await differenceOf(this.description, replies, desired, slices);
      return this.#withRoom(difference.add.length, () => this.#apply(difference, desired.merged, slices));
    });
  }

  #withRoom<T>(more: number, work: () => Promise<T>): Promise<T> {
    return withRoom(this.#transport, this.description, more, work);
  }

  /** Does what reads first and then writes, again when the set has changed in between. */
  async #untilCurrent<T>(work: () => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await work();
      } catch (error) {
        if (attempt === MAX_ATTEMPTS || !isOvertaken(error)) throw error;
      }
    }
  }

  async #apply(
    { remove, add, kept, updated }: Difference,
    merged: readonly MergedRange[],
    slices: Slices,
  ): Promise<SyncReport> {
    const transaction = new Transaction(this.#transport);
    const verb = (await this.#has('destroy')) ? 'destroy' : 'delete';
    await packElements(transaction, verb, this.description, remove, slices);
    await packElements(transaction, 'add', this.description, add, slices);
    const report = await this.#commit(transaction, slices.signal, merged);
    return { ...report, added: add.length - updated, removed: remove.length - updated, updated, kept };
  }

  /** Kernels before 6.3 fail when one is missing: so those that are there are asked for first. */
  async #deletePresent(keys: readonly unknown[], slices: Slices): Promise<SetReport> {
    const set: AnySet = this.description;
    const elements = keys.map((key) => ({ key }));
    const wanted = await desiredElements(set, elements, slices);
    return this.#untilCurrent(async () => {
      const present: unknown[] = [];
      for (const existing of existingElements(set, await this.#dump(slices.signal))) {
        const isWanted = existing.hasId ? placeOf(wanted, existing) : wanted.catchAll;
        if (isWanted !== undefined) present.push(keyOfExisting(set, existing));
        if (slices.isOver) await slices.pause();
      }
      const transaction = new Transaction(this.#transport);
      await packElements(transaction, 'delete', set, present, slices);
      return this.#commit(transaction, slices.signal, []);
    });
  }

  #subtract(keys: readonly unknown[], missing: 'ignore' | 'error', slices: Slices): Promise<SyncReport> {
    const set: AnySet = this.description;
    return this.#towards(slices, async (replies) => {
      const there = await this.#listed(replies, slices);
      const rows = new IntervalRows(set, there, 'elements');
      await inSlices(rows.arrange(), slices);
      const taken = new IntervalRows(set, keys, 'elements');
      await inSlices(taken.arrange(), slices);
      if (missing === 'error') mustBeThere(set, taken, rows);
      const left = Array.from(subtractRanges(rows.ranges, taken.ranges), ({ first, last, source }) =>
        withKey(set, there[rows.sourceAt(source)], readInterval(set.key, first, last)),
      );
      const keepsCatchAll = rows.count > rows.ranges.count && taken.count === taken.ranges.count;
      if (keepsCatchAll) left.push(there[rows.sourceAt(rows.count - 1)]);
      return desiredElements(set, left, slices);
    });
  }

  async #commit(
    transaction: Transaction,
    signal: AbortSignal | undefined,
    merged: readonly MergedRange[],
  ): Promise<SetReport> {
    const { kernelTimeMs } = await transaction.commit(signal === undefined ? {} : { signal });
    return { merged, kernelTimeMs };
  }
}

/** A listed element as `addElements` takes it. */
function asGiven(set: AnySet, { key, value, timeoutMs, expiresMs, comment }: AnyListed): unknown {
  const options = {
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
    ...(expiresMs === undefined ? {} : { expiresMs }),
    ...(comment === undefined ? {} : { comment }),
  };
  if (Object.keys(options).length === 0) return set.kind === 'set' ? key : [key, value];
  return { key, value, ...options };
}

/** Whether what was read had changed when it was written: an element was there that was not, or the other way round. */
function isOvertaken(error: unknown): boolean {
  if (!(error instanceof TransactionError) || error.outcome !== 'aborted') return false;
  return error.failures.every(
    ({ element, field, code }) =>
      element !== undefined && field !== 'value' && (code === 'EEXIST' || code === 'ENOENT'),
  );
}

function mustBeThere(set: AnySet, keys: IntervalRows, there: IntervalRows): void {
  const outside = firstOutside(keys.ranges, there.ranges);
  if (outside === undefined) return;
  const source = keys.sourceAt(outside);
  throw new InvalidArgumentError(`keys[${source}]`, keys.keyAt(source), `in ${set.kind} ${set.name}`);
}

/** Whether the kernel has a range as two elements. */
function hasRanges(set: AnySet): boolean {
  return set.intervals === true && set.key.fields === undefined;
}
