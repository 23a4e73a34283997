import { goto, type Transaction } from 'nftlink';
import { DesiredElements } from '../layout/desired-elements.ts';
import {
  classChain,
  classRules,
  type FixedOptions,
  type FixedPart,
  fixedPart,
} from '../layout/fixed-rules.ts';
import { classMark } from '../layout/numbers.ts';
import {
  capacityFor,
  eachGrowingSet,
  type FamilySets,
  familySets,
  familyTable,
  GROWING_SETS,
} from '../layout/sets.ts';
import type { Family, ServiceState } from '../model/frontends.ts';
import { type Difference, type DiffOptions, diff, isEmpty } from './diff.ts';
import { nothingProgrammed, type Programmed, record } from './programmed.ts';

/** So many elements take some milliseconds to pack. */
const PAUSE_AFTER = 5_000;

/** What a transaction will have done to a family once it is committed. */
interface Pending {
  readonly difference: Difference;
  readonly rebuilt: boolean;
}

/** One family's table: what should be in it, what is, and the steps between. */
export class FamilyProgram {
  readonly family: Family;
  readonly desired: DesiredElements;
  readonly #options: FixedOptions;
  #sets: FamilySets;
  #fixed: FixedPart;
  #programmed: Programmed = nothingProgrammed();
  #needsRebuild = true;
  #pending: Pending | undefined;

  constructor(family: Family, options: FixedOptions) {
    this.family = family;
    this.#options = options;
    this.desired = new DesiredElements(family);
    this.#sets = familySets(family, this.#capacities());
    this.#fixed = fixedPart(family, this.#sets, options);
  }

  update(states: Iterable<ServiceState>): void {
    this.desired.update(states);
  }

  /** What is in the kernel can no longer be told from our own transactions: the next one writes everything anew. */
  invalidate(): void {
    this.#needsRebuild = true;
    this.#pending = undefined;
  }

  /** Whether something is left to delete that had to wait. */
  get hasLeftovers(): boolean {
    const { stale, chains } = this.#programmed;
    return stale.size > 0 || [...chains].some((endpoints) => !this.desired.classes.isUsed(endpoints));
  }

  /** Writes into the transaction what this family needs. `pause` is awaited between the parts of a big one. */
  async write(transaction: Transaction, options: DiffOptions, pause: () => Promise<void>): Promise<void> {
    let difference = this.#needsRebuild ? undefined : diff(this.desired, this.#programmed, options);
    if (difference !== undefined && this.#wouldOverflow(difference)) difference = undefined;
    this.#pending = {
      difference: difference ?? this.#rebuild(transaction),
      rebuilt: difference === undefined,
    };
    if (!isEmpty(this.#pending.difference))
      await this.#writeDifference(transaction, this.#pending.difference, pause);
  }

  /** The transaction was committed. */
  committed(nowMs: number): void {
    if (this.#pending === undefined) return;
    const { difference, rebuilt } = this.#pending;
    this.#pending = undefined;
    this.#needsRebuild = false;
    if (rebuilt) this.#programmed = nothingProgrammed();
    record(this.#programmed, difference, nowMs);
    for (const set of GROWING_SETS) this.desired.touched[set].clear();
    for (const key of this.#programmed.stale.keys()) {
      // Wanted again, with the data that it still has.
      if (this.desired.elements.endpoints.has(key)) this.#programmed.stale.delete(key);
    }
    for (const endpoints of difference.removedChains) this.desired.classes.retire(endpoints);
    this.desired.touchedClasses.clear();
  }

  #rebuild(transaction: Transaction): Difference {
    this.#sets = familySets(this.family, this.#capacities());
    this.#fixed = fixedPart(this.family, this.#sets, this.#options);
    // Adding before deleting makes the deletion valid on kernels without "destroy" (before 6.3).
    const table = familyTable(this.family);
    transaction.add(table).delete(table).add(table);
    for (const chain of this.#fixed.chains) transaction.add(chain);
    for (const set of [...GROWING_SETS, 'dispatch'] as const) transaction.add(this.#sets[set]);
    for (const rule of this.#fixed.rules) transaction.add(rule);
    const { desired } = this;
    return {
      added: desired.elements,
      deleted: eachGrowingSet(() => []),
      stale: [],
      newClasses: desired.classes.used(),
      undispatched: [],
      removedChains: [],
    };
  }

  async #writeDifference(
    transaction: Transaction,
    difference: Difference,
    pause: () => Promise<void>,
  ): Promise<void> {
    const { dispatch } = this.#sets;
    for (const endpoints of difference.removedChains) {
      transaction.flush(classChain(this.#sets, endpoints)).delete(classChain(this.#sets, endpoints));
    }
    for (const endpoints of difference.newClasses) this.#writeClass(transaction, endpoints);
    const marks = difference.undispatched.map((endpoints) =>
      classMark(this.desired.classes.numberOf(endpoints)),
    );
    transaction.deleteElements(dispatch, marks);
    for (const set of GROWING_SETS) {
      const { [set]: added } = difference.added;
      transaction.deletePackedElements(this.#sets[set], difference.deleted[set]);
      if (added.size === 0) continue;
      const data = this.#sets[set].kind === 'map' ? [...added.values()] : undefined;
      transaction.addPackedElements(this.#sets[set], [...added.keys()], data);
      if (added.size > PAUSE_AFTER) await pause();
    }
  }

  #writeClass(transaction: Transaction, endpoints: number): void {
    const chain = classChain(this.#sets, endpoints);
    if (!this.#programmed.chains.has(endpoints) || this.#pending?.rebuilt) {
      transaction.add(chain);
      for (const rule of classRules(this.#sets, this.#fixed.toEndpoint, endpoints)) transaction.add(rule);
    }
    const mark = classMark(this.desired.classes.numberOf(endpoints));
    transaction.addElements(this.#sets.dispatch, [[mark, goto(chain)]]);
  }

  #capacities() {
    return eachGrowingSet((set) => capacityFor(this.desired.elements[set].size));
  }

  /** A set's size is a hard limit: what doesn't fit is written anew, with larger sets. */
  #wouldOverflow(difference: Difference): boolean {
    return GROWING_SETS.some((set) => {
      const size = this.#sets[set].size ?? 0;
      return this.#programmed.elements[set].size + difference.added[set].size > size;
    });
  }
}
