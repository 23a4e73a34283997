import { type PackedValue, packValue } from 'nftlink';
import type { Family, ServiceState } from '../model/frontends.ts';
import type { ChainSpec } from './chain-spec.ts';
import { type ChainPlace, classChain, classParts } from './class-chains.ts';
import { CLASS_MAPS, Classes } from './classes.ts';
import { withoutEpoch } from './fixed-chains.ts';
import { classOfMark, markOf } from './numbers.ts';
import { addPortEntries, type Entries, type Numbering, PRESENT } from './port-elements.ts';
import { type ClusterSet, DISPATCH_MAPS, eachClusterSet } from './set-names.ts';
import { type FamilySets, familySets } from './sets.ts';
import { type StickyPort, stickyChainNames, stickyChains, stickyNumberOf } from './sticky-chains.ts';
import { type AdoptedStickies, StickyPorts } from './sticky-ports.ts';

/** Several Services may need the same elements of these. */
const SHARED: readonly ClusterSet[] = ['clusterIps', 'hairpins'];

/** What one Service has in the table: elements by their sets and keys, side by side. There is one for every Service. */
interface Holding {
  readonly sets: readonly ClusterSet[];
  readonly keys: readonly PackedValue[];
  /** Keys of its Service ports with session affinity. */
  readonly stickies: readonly string[];
}

const NO_STICKIES: readonly string[] = [];
const NOTHING: Holding = { sets: [], keys: [], stickies: NO_STICKIES };

/** What a Service is to have from now on. */
interface Wanted {
  readonly entries: Entries;
  readonly stickies: readonly string[];
}

/** What the kernel has from an earlier process: numbers go on being used, so that little changes. */
export interface Adopted {
  readonly present: (set: ClusterSet, key: PackedValue) => PackedValue | undefined;
  readonly classes: ReadonlyMap<number, string>;
  readonly stickies: AdoptedStickies;
}

/**
 * What a family's table should hold: kept up to date Service by Service, at a cost that depends on that Service alone.
 * `touchedIn` and `touchedChains` say what may differ from what is in the kernel.
 */
export class DesiredState {
  readonly #family: Family;
  readonly #types: FamilySets;
  readonly #services = new Map<string, Holding>();
  /** How many Services need an element, where it is more than one. */
  readonly #shares = new Map(SHARED.map((set) => [set, new Map<PackedValue, number>()]));
  readonly #stickies = new StickyPorts();
  readonly #numbering: Numbering;
  #adopted: Adopted | undefined;
  #touched = new Map<ClusterSet, Set<PackedValue>>();
  #touchedClasses = new Set<number>();
  #touchedChains = new Set<string>();
  #isAllTouched = true;
  /** The first Services are being taken. */
  #isFirst = false;
  #hasAdopted = false;
  readonly classes = new Classes();
  readonly elements: Readonly<Record<ClusterSet, Map<PackedValue, PackedValue>>>;

  constructor(family: Family) {
    this.#family = family;
    const instance = { epoch: 1, size: 1 };
    this.#types = familySets(family, { ...eachClusterSet(() => instance), affinity: instance });
    this.elements = eachClusterSet(() => new Map());
    this.#numbering = {
      types: this.#types,
      present: (set, key) => this.#present(set, key),
      classNumber: (name) => this.classes.numberOf(name),
      stickies: this.#stickies,
    };
  }

  /** Whether anything may differ from what the kernel has. */
  get isTouched(): boolean {
    return (
      this.#isAllTouched || this.#touched.size + this.#touchedClasses.size + this.#touchedChains.size > 0
    );
  }

  /** The elements that may differ from what the kernel has; undefined: all that are here and all that are there. */
  touchedIn(set: ClusterSet): ReadonlySet<PackedValue> | undefined {
    return this.#isAllTouched ? undefined : (this.#touched.get(set) ?? NO_KEYS);
  }

  get touchedClasses(): ReadonlySet<number> {
    return this.#touchedClasses;
  }

  /** Names of chains without their epoch. */
  get touchedChains(): ReadonlySet<string> {
    return this.#touchedChains;
  }

  /** Everything may differ from what the kernel has, where there are these classes and chains. */
  touchAll(classes: Iterable<number>, chains: Iterable<string>): void {
    this.#isAllTouched = true;
    this.#touched = new Map();
    for (const number of classes) this.#touchedClasses.add(number);
    for (const map of DISPATCH_MAPS)
      for (const number of this.classes.used(map)) this.#touchedClasses.add(number);
    this.touchChains([...chains, ...this.classes.neededChains()]);
    for (const { number } of this.#stickies.ports()) this.touchChains(stickyChainNames(number));
  }

  /** These chains are to be written anew where their rules are other ones now. */
  touchChains(names: Iterable<string>): void {
    for (const name of names) this.#touchedChains.add(name);
  }

  /** What was touched is in the kernel. */
  settle(): void {
    this.#isAllTouched = false;
    // Not cleared: V8 links a cleared Set's old table to its new one, so old generations keep young ones alive.
    if (this.#touched.size > 0) this.#touched = new Map();
    if (this.#touchedClasses.size > 0) this.#touchedClasses = new Set();
    if (this.#touchedChains.size > 0) this.#touchedChains = new Set();
  }

  /** Numbers have been taken over. */
  get hasAdopted(): boolean {
    return this.#hasAdopted;
  }

  /** No Service has come yet, so numbers can be taken over. */
  get isFresh(): boolean {
    return !this.#hasAdopted && this.#services.size === 0;
  }

  /** Uses what the kernel has: before the first Services come. */
  adopt(adopted: Adopted): void {
    this.#adopted = adopted;
    this.#hasAdopted = true;
    this.classes.adopt(adopted.classes);
    this.#stickies.adopt(adopted.stickies);
  }

  /** What was adopted has been compared with what should be: from now on our own record says what is there. */
  forgetAdopted(): void {
    this.#adopted = undefined;
  }

  /**
   * Takes Services' states in the place of their former ones. What one gives up is taken away before another may take it over.
   */
  update(states: Iterable<ServiceState>): void {
    if (this.#services.size === 0) {
      this.#isFirst = true;
      this.#installFirst(states);
      this.#isFirst = false;
      return;
    }
    const changes = Array.from(states, (state) => {
      const before = this.#services.get(state.service) ?? NOTHING;
      return { service: state.service, before, after: this.#wantedBy(state, before) };
    });
    this.#withdrawEach(changes);
    this.#installEach(changes);
  }

  /** Takes the state of a Service that has not come yet, if an earlier process has left just what it needs. Says whether. */
  recognize(state: ServiceState): boolean {
    if (this.#services.has(state.service)) return false;
    if (state.ports.some(({ family, affinityMs }) => family === this.#family && affinityMs !== undefined))
      return false;
    this.#isFirst = true;
    const wanted = this.#wantedBy(state, NOTHING);
    this.#isFirst = false;
    const { sets, keys, values } = wanted.entries;
    const isThere = (key: PackedValue, at: number) => {
      const set = sets[at];
      return set !== undefined && this.#adopted?.present(set, key) === values[at];
    };
    if (!keys.every(isThere)) return false;
    this.#install(state.service, wanted);
    return true;
  }

  /** Takes the addresses that have node ports. */
  setNodePortAddresses(addresses: readonly string[]): void {
    const wanted = new Set<PackedValue>(
      addresses.map((address) => packValue(this.#types.nodeportIps.key, address)),
    );
    for (const key of this.elements.nodeportIps.keys()) if (!wanted.has(key)) this.#unset('nodeportIps', key);
    for (const key of wanted) this.#set('nodeportIps', key, PRESENT);
  }

  /** Services that an element belongs to: looked for only when the kernel refuses it. */
  servicesWith(set: ClusterSet, key: PackedValue): readonly string[] {
    return [...this.#services]
      .filter(([, { sets, keys }]) => keys.some((own, at) => own === key && sets[at] === set))
      .map(([service]) => service);
  }

  /** The Service of the sticky port with that number. */
  servicesWithSticky(number: number): readonly string[] {
    const key = this.#stickies.byNumber(number)?.key;
    if (key === undefined) return [];
    return [...this.#services]
      .filter(([, { stickies }]) => stickies.includes(key))
      .map(([service]) => service);
  }

  /** The name of the class that a frontend is in. */
  classOf(set: ClusterSet, frontend: PackedValue): string | undefined {
    const value = this.elements[set].get(frontend);
    const number = value === undefined ? undefined : classOfMark(markOf(value));
    return number === undefined ? undefined : this.classes.nameOf(number);
  }

  /** Whether the chain of that name should be there. */
  needsChain(name: string): boolean {
    const number = stickyNumberOf(name);
    if (number === undefined) return this.classes.needsChain(name);
    const port = this.#stickies.byNumber(number);
    if (port === undefined) return false;
    const [hasCluster, hasLocal] = [port.cluster !== undefined, port.local !== undefined];
    if (name.startsWith('remember-')) return hasCluster || hasLocal;
    return name.startsWith('local-') ? hasLocal : hasCluster;
  }

  /** The chains that should be there, besides the fixed ones; those that others lead to come first. */
  chainSpecs(place: ChainPlace, names?: ReadonlySet<string>): readonly NamedSpec[] {
    const picked = names === undefined ? this.classes.neededChains() : [...names];
    const classChains = picked.flatMap((name): NamedSpec[] => {
      const parts = classParts(name);
      if (parts === undefined || !this.classes.needsChain(name)) return [];
      return [{ name, spec: classChain(place, name, parts) }];
    });
    const ports = names === undefined ? this.#stickies.ports() : this.#stickiesOf(names);
    const stickies = ports
      .filter(({ cluster, local }) => (cluster ?? local) !== undefined)
      .flatMap((port) => stickyChains(this.#family, place, port))
      .map((spec) => ({ name: withoutEpoch(spec.chain.name, place.epoch) ?? spec.chain.name, spec }));
    const byDependence = classChains.sort((a, b) => Number(leadsOn(a.name)) - Number(leadsOn(b.name)));
    return [...byDependence, ...stickies];
  }

  #stickiesOf(chains: ReadonlySet<string>): readonly StickyPort[] {
    const numbers = new Set([...chains].flatMap((name) => stickyNumberOf(name) ?? []));
    return [...numbers].flatMap((number) => this.#stickies.byNumber(number) ?? []);
  }

  /** The kernel has no chain of that name any more. */
  chainGone(name: string, isLeft: (number: number) => boolean): void {
    const number = stickyNumberOf(name);
    if (number !== undefined && !isLeft(number) && this.#stickies.byNumber(number) === undefined) {
      this.#stickies.retire(number);
    }
  }

  #present(set: ClusterSet, key: PackedValue): PackedValue | undefined {
    // The first Services take nothing over from one another.
    const own = this.#isFirst ? undefined : this.elements[set].get(key);
    return own ?? this.#adopted?.present(set, key);
  }

  #wantedBy(state: ServiceState, before: Holding): Wanted {
    const ports = state.ports.filter(({ family }) => family === this.#family);
    if (ports.length === 0 && before === NOTHING) return { entries: NO_ENTRIES, stickies: NO_STICKIES };
    const sticky = ports.filter(({ affinityMs }) => affinityMs !== undefined);
    const stickies = sticky.length === 0 ? NO_STICKIES : sticky.map(({ key }) => key);
    for (const key of before.stickies) if (!stickies.includes(key)) this.#endSticky(key);
    const entries: Entries = { sets: [], keys: [], values: [] };
    for (const port of ports) addPortEntries(entries, port, this.#numbering);
    for (const key of stickies) this.#touchSticky(key);
    // Ports of one Service share its cluster IP, and may share an endpoint.
    return { entries: ports.length > 1 ? withoutRepeats(entries) : entries, stickies };
  }

  // Loops of thousands are functions of their own, see model/cluster.ts.
  #installFirst(states: Iterable<ServiceState>): void {
    for (const state of states) this.#install(state.service, this.#wantedBy(state, NOTHING));
  }

  #withdrawEach(changes: readonly { readonly before: Holding; readonly after: Wanted }[]): void {
    for (const { before, after } of changes) this.#withdraw(before, after);
  }

  #installEach(changes: readonly { readonly service: string; readonly after: Wanted }[]): void {
    for (const { service, after } of changes) this.#install(service, after);
  }

  #withdraw({ sets, keys }: Holding, after: Wanted): void {
    if (keys.length === 0) return;
    const kept = eachKept(after.entries);
    for (const [at, key] of keys.entries()) {
      const set = sets[at];
      if (set === undefined) continue;
      if (SHARED.includes(set)) this.#release(set, key);
      else if (!kept.get(set)?.has(key)) this.#unset(set, key);
    }
  }

  #install(service: string, { entries, stickies }: Wanted): void {
    const { sets, keys, values } = entries;
    for (const [at, key] of keys.entries()) {
      const set = sets[at];
      if (set === undefined) continue;
      if (SHARED.includes(set)) this.#retain(set, key);
      else this.#set(set, key, values[at] ?? PRESENT);
    }
    // Without the spare room that `push` leaves.
    if (keys.length > 0) this.#services.set(service, { sets: sets.slice(), keys: keys.slice(), stickies });
    else this.#services.delete(service);
  }

  #endSticky(key: string): void {
    this.#touchSticky(key);
    this.#stickies.end(key);
  }

  #touchSticky(key: string): void {
    const number = this.#stickies.numberOf(key);
    if (number === undefined) return;
    this.touchChains(stickyChainNames(number));
  }

  #set(set: ClusterSet, key: PackedValue, value: PackedValue): void {
    const before = this.elements[set].get(key);
    if (before === value) return;
    this.elements[set].set(key, value);
    this.#touch(set, key);
    this.#count(set, before, value);
  }

  #unset(set: ClusterSet, key: PackedValue): void {
    const before = this.elements[set].get(key);
    if (!this.elements[set].delete(key)) return;
    this.#touch(set, key);
    this.#count(set, before, undefined);
  }

  #touch(set: ClusterSet, key: PackedValue): void {
    if (this.#isAllTouched) return;
    const touched = this.#touched.get(set);
    if (touched === undefined) this.#touched.set(set, new Set([key]));
    else touched.add(key);
  }

  /** Counts a frontend into its class and out of the one before. */
  #count(set: ClusterSet, before: PackedValue | undefined, after: PackedValue | undefined): void {
    const map = CLASS_MAPS.get(set);
    if (map === undefined) return;
    if (after !== undefined) this.#countClass(after, (number) => this.classes.enter(number, map));
    if (before !== undefined) this.#countClass(before, (number) => this.classes.leave(number, map));
  }

  #countClass(value: PackedValue, change: (number: number) => void): void {
    const number = classOfMark(markOf(value));
    if (number === undefined) throw new Error(`${markOf(value)} is not a class`);
    change(number);
    this.#touchedClasses.add(number);
    this.touchChains(this.classes.chainsOf(number));
  }

  #retain(set: ClusterSet, key: PackedValue): void {
    if (!this.elements[set].has(key)) {
      this.#set(set, key, PRESENT);
      return;
    }
    const shares = this.#shares.get(set);
    shares?.set(key, (shares.get(key) ?? 1) + 1);
  }

  #release(set: ClusterSet, key: PackedValue): void {
    const shares = this.#shares.get(set);
    const count = shares?.get(key) ?? 1;
    if (count > 2) shares?.set(key, count - 1);
    else if (count === 2) shares?.delete(key);
    else this.#unset(set, key);
  }
}

/** A chain with its name without epoch. */
export interface NamedSpec {
  readonly name: string;
  readonly spec: ChainSpec;
}

const NO_ENTRIES: Entries = { sets: [], keys: [], values: [] };
const NO_KEYS: ReadonlySet<PackedValue> = new Set();

function withoutRepeats({ sets, keys, values }: Entries): Entries {
  const seen = new Map<ClusterSet, Set<PackedValue>>();
  const isNew = keys.map((key, at) => {
    const set = sets[at];
    if (set === undefined || seen.get(set)?.has(key)) return false;
    keep(seen, set, key);
    return true;
  });
  const kept = (_: unknown, at: number) => isNew[at];
  return { sets: sets.filter(kept), keys: keys.filter(kept), values: values.filter(kept) };
}

function eachKept({ sets, keys }: Entries): ReadonlyMap<ClusterSet, ReadonlySet<PackedValue>> {
  const kept = new Map<ClusterSet, Set<PackedValue>>();
  for (const [at, key] of keys.entries()) {
    const set = sets[at];
    if (set !== undefined) keep(kept, set, key);
  }
  return kept;
}

function keep(kept: Map<ClusterSet, Set<PackedValue>>, set: ClusterSet, key: PackedValue): void {
  const keys = kept.get(set);
  if (keys === undefined) kept.set(set, new Set([key]));
  else keys.add(key);
}

/** Whether the class chain goes on to another one, which must be there first. */
function leadsOn(name: string): boolean {
  return classParts(name)?.kind === 'external';
}
