import type { Nftables, PackedValue, Transaction } from 'nftlink';
import type { ChainSpec } from '../layout/chain-spec.ts';
import type { ChainPlace } from '../layout/class-chains.ts';
import { DesiredState } from '../layout/desired-state.ts';
import { fixedChains, fixedSpecs, type RuleOptions } from '../layout/fixed-chains.ts';
import { CLUSTER_SETS, type ClusterSet, eachClusterSet, type OwnSet } from '../layout/set-names.ts';
import { anySet, familySets } from '../layout/sets.ts';
import { stickyChainNames, stickyNumberOf } from '../layout/sticky-chains.ts';
import type { Family, ServiceState } from '../model/frontends.ts';
import { type Adoption, adopt, adoptNothing, type Names, type WantedSizes } from './adoption.ts';
import { type Difference, type DiffOptions, diff, isEmpty, writtenChains } from './diff.ts';
import { type Growth, growth, largerInstances, withAllElements } from './growth.ts';
import { readKernelTable } from './kernel-table.ts';
import { hasStale, nothingProgrammed, type Programmed, record } from './programmed.ts';
import { ExpectedRules } from './rule-fingerprint.ts';
import { type Frame, TableWriter } from './table-writer.ts';
import { Unused } from './unused.ts';

/** So many elements take some milliseconds to pack. */
const PAUSE_AFTER = 5_000;

/** What a family's table is made from, fixed for the life of a proxy. */
export interface ProgramOptions extends RuleOptions {
  /** How many clients of sticky Services are remembered; 16 bytes each, allotted at once. */
  readonly affinitySize: number;
}

/** What a transaction will have done to a family once it is committed. */
interface Pending {
  readonly difference: Difference;
  readonly place: ChainPlace;
  readonly names: Names;
  readonly grown: Growth;
  readonly leftoversDeleted: boolean;
  readonly writer: TableWriter;
}

/** One family's table: what should be in it, what is, and the steps between. */
export class FamilyProgram {
  readonly family: Family;
  readonly desired: DesiredState;
  readonly #options: ProgramOptions;
  /** What is left to do of what was found in the kernel; undefined once it is done. */
  #adoption: Adoption | undefined;
  #isLoaded = false;
  #names: Names;
  #place: ChainPlace;
  #programmed: Programmed = nothingProgrammed();
  #unused = new Unused();
  /** The fixed chains that are there and right, and what right was. */
  #intact: ReadonlySet<string> = new Set();
  #intactContent = '';
  /** The place whose frame is all there. */
  #framed: ChainPlace | undefined;
  /** Every transaction looks at these, and they change with the place only. */
  #fixed: { readonly place: ChainPlace; readonly specs: readonly ChainSpec[] } | undefined;
  readonly #expectedRules = new ExpectedRules();
  #pending: Pending | undefined;

  constructor(family: Family, options: ProgramOptions) {
    this.family = family;
    this.#options = options;
    this.desired = new DesiredState(family);
    this.#names = adoptNothing(this.#sizes()).names;
    this.#place = this.#placeOf(this.#names);
  }

  /** What is in the kernel can no longer be told from our own transactions: it must be read. */
  invalidate(): void {
    this.#isLoaded = false;
    this.#pending = undefined;
  }

  /** The last transaction was not committed, and nothing has changed. */
  abandon(): void {
    this.#pending = undefined;
  }

  get isLoaded(): boolean {
    return this.#isLoaded;
  }

  /** Reads what the kernel has. What is as it should be stays when the next transaction is written. */
  async load(nft: Nftables, nowMs: number): Promise<void> {
    const kernel = await readKernelTable(nft, this.family);
    const adoption =
      kernel === undefined
        ? adoptNothing(this.#sizes())
        : await adopt(this.family, kernel, this.#options, this.#sizes(), nowMs, this.#expectedRules);
    if (adoption.adopted !== undefined && this.desired.isFresh) this.desired.adopt(adoption.adopted);
    this.#adoption = adoption;
    this.#names = adoption.names;
    this.#place = this.#placeOf(adoption.names);
    this.#programmed = adoption.programmed;
    this.#intact = adoption.intact;
    this.#intactContent = this.#fixedSpecs(this.#place)[0]?.content ?? '';
    this.#framed = undefined;
    this.#isLoaded = true;
    this.#unused = new Unused();
    const { dispatch, chains } = this.#programmed;
    this.desired.touchAll([...dispatch.dispatch.keys(), ...dispatch.dispatchLocal.keys()], chains.keys());
  }

  update(states: Iterable<ServiceState>): void {
    this.desired.update(states);
  }

  /** Whether something is left to delete that had to wait. */
  get hasLeftovers(): boolean {
    const { leftovers } = this.#programmed;
    return (
      leftovers.chains.length + leftovers.sets.length > 0 ||
      hasStale(this.#programmed) ||
      !this.#unused.isEmpty
    );
  }

  /**
   * Writes into the transaction what this family needs, and says how many elements that are. `pause` is awaited between the
   * parts of a big one.
   */
  async write(transaction: Transaction, options: DiffOptions, pause: () => Promise<void>): Promise<number> {
    const { difference, place, names, grown } = this.#plan(options);
    const writer = new TableWriter(transaction, place);
    const leftoversDeleted = this.#mayDeleteLeftovers(options);
    this.#pending = { difference, place, names, grown, leftoversDeleted, writer };
    const frame = this.#frame(place, [...grown.keys()]);
    writer.writeFrame(frame);
    if (leftoversDeleted) writer.deleteLeftovers(this.#programmed.leftovers);
    writer.writeChains(difference, this.#programmed);
    writer.writeFixedRules(frame);
    writer.writeDispatch(difference, this.#programmed);
    let elements = 0;
    if (isEmpty(difference)) return elements;
    for (const set of CLUSTER_SETS) {
      writer.writeElements(set, difference);
      elements += difference.added[set].size + difference.deleted[set].length;
      if (difference.added[set].size > PAUSE_AFTER) await pause();
    }
    return elements;
  }

  /** What must be done; sets that are too small for it are replaced. */
  #plan(options: DiffOptions): Omit<Pending, 'leftoversDeleted' | 'writer'> {
    const difference = diff(this.desired, this.#programmed, this.#unused, this.#place, options);
    const { instances } = this.#names;
    const { missingSets = [] } = this.#adoption ?? {};
    const grown = growth(this.desired, this.#programmed, difference, instances, missingSets);
    if (grown.size === 0) return { difference, place: this.#place, names: this.#names, grown };
    const names = { ...this.#names, instances: largerInstances(instances, grown, missingSets) };
    const place = this.#placeOf(names);
    // The chains of sticky Services look into sets that have new names.
    this.desired.touchChains(this.#programmed.chains.keys());
    const chains = { writtenChains: writtenChains(this.desired, this.#programmed, place) };
    return {
      difference: { ...difference, ...chains, ...withAllElements(difference, grown) },
      place,
      names,
      grown,
    };
  }

  /** The Services that a refused operation of the last transaction is about; undefined: it is about none. */
  culprits(operation: number, element: number | undefined): readonly string[] | undefined {
    const { elementNotes = [], chainNotes = [] } = this.#pending?.writer ?? {};
    const note = elementNotes.find((candidate) => candidate.operation === operation);
    if (note !== undefined) {
      const keys = element === undefined ? note.keys : note.keys.slice(element, element + 1);
      return keys.flatMap((key) => this.desired.servicesWith(note.set, key));
    }
    const chain = chainNotes.find((candidate) => candidate.operation === operation)?.chain;
    const number = chain === undefined ? undefined : stickyNumberOf(chain);
    return number === undefined ? undefined : this.desired.servicesWithSticky(number);
  }

  /** The transaction was committed. */
  committed(nowMs: number): void {
    if (this.#pending === undefined) return;
    const { difference, place, names, grown, leftoversDeleted } = this.#pending;
    const before = this.#place;
    const programmed = this.#programmed;
    this.#pending = undefined;
    this.#adoption = undefined;
    if (leftoversDeleted) Object.assign(programmed.leftovers, { chains: [], sets: [] });
    this.#place = place;
    this.#names = names;
    this.#noteFrame(place);
    const waiting = grown.size > 0 ? this.#replace(grown, before, place, nowMs) : NO_STALE;
    record(programmed, difference, nowMs);
    for (const [set, keys] of waiting)
      for (const [key, sinceMs] of keys) programmed.stale[set].set(key, sinceMs);
    this.#forgetWanted();
    this.#retire(difference);
    this.#review(difference);
    this.desired.settle();
    this.desired.forgetAdopted();
  }

  /** Sets have been replaced by larger ones: the old ones are left over, and what waited in them waits in the new ones. */
  #replace(grown: Growth, before: ChainPlace, after: ChainPlace, nowMs: number): StaleKeys {
    const { elements, stale, leftovers } = this.#programmed;
    // One that was not there yet is larger under the same name.
    const replaced = [...grown.keys()]
      .filter((set) => before.sets[set].name !== after.sets[set].name)
      .map((set) => anySet(before.sets, set));
    Object.assign(leftovers, { sets: [...leftovers.sets, ...replaced], sinceMs: nowMs });
    for (const set of grown.keys()) elements[set].clear();
    return new Map([...grown.keys()].map((set) => [set, new Map(stale[set])]));
  }

  /** What became stale and is wanted again, with the data that it still has. */
  #forgetWanted(): void {
    for (const set of CLUSTER_SETS) {
      const stale = this.#programmed.stale[set];
      for (const key of stale.keys()) if (this.desired.elements[set].has(key)) stale.delete(key);
    }
  }

  #retire(difference: Difference): void {
    const { chains, dispatch } = this.#programmed;
    const gone = [...difference.undispatched.dispatch, ...difference.undispatched.dispatchLocal];
    for (const number of gone) {
      if (!dispatch.dispatch.has(number) && !dispatch.dispatchLocal.has(number))
        this.desired.classes.retire(number);
    }
    const isLeft = (number: number) => stickyChainNames(number).some((name) => chains.has(name));
    for (const name of difference.removedChains) this.desired.chainGone(name, isLeft);
  }

  #review({ undispatched, removedChains }: Difference): void {
    const { touchedClasses, touchedChains } = this.desired;
    const classes = [...touchedClasses, ...undispatched.dispatch, ...undispatched.dispatchLocal];
    this.#unused.review(this.desired, this.#programmed, classes, [...touchedChains, ...removedChains]);
  }

  /** All fixed chains of the place are there and right. */
  #noteFrame(place: ChainPlace): void {
    if (this.#framed === place) return;
    this.#framed = place;
    const specs = this.#fixedSpecs(place);
    this.#intact = new Set(specs.map(({ chain }) => chain.name));
    this.#intactContent = specs[0]?.content ?? '';
  }

  #frame(place: ChainPlace, grown: readonly OwnSet[]): Frame {
    if (this.#framed === place) return NO_FRAME;
    const adoption = this.#adoption;
    const fixed = this.#fixedSpecs(place).filter(
      ({ chain, content }) => content !== this.#intactContent || !this.#intact.has(chain.name),
    );
    return {
      createTable: adoption !== undefined && !adoption.hasTable,
      missingSets: [...new Set([...(adoption?.missingSets ?? []), ...grown])],
      foreignBases: adoption?.foreignBases ?? [],
      fixed,
      presentFixed: adoption?.present ?? this.#intact,
    };
  }

  #fixedSpecs(place: ChainPlace): readonly ChainSpec[] {
    if (this.#fixed?.place !== place) {
      this.#fixed = { place, specs: fixedSpecs(this.family, place.sets, place.fixed, place.options) };
    }
    return this.#fixed.specs;
  }

  #mayDeleteLeftovers({ nowMs, graceMs }: DiffOptions): boolean {
    const { chains, sets, sinceMs } = this.#programmed.leftovers;
    // Not together with what makes them leftovers.
    return this.#adoption === undefined && chains.length + sets.length > 0 && nowMs - sinceMs >= graceMs;
  }

  #placeOf({ epoch, instances }: Names): ChainPlace {
    const sets = familySets(this.family, instances, epoch);
    return { sets, fixed: fixedChains(sets, epoch), epoch, options: this.#options };
  }

  #sizes(): WantedSizes {
    return {
      ...eachClusterSet((set) => this.desired.elements[set].size),
      affinity: this.#options.affinitySize,
    };
  }
}

type StaleKeys = ReadonlyMap<ClusterSet, ReadonlyMap<PackedValue, number>>;
const NO_STALE: StaleKeys = new Map();

const NO_FRAME: Frame = {
  createTable: false,
  missingSets: [],
  foreignBases: [],
  fixed: [],
  presentFixed: new Set(),
};
