import { type PackedValue, packValue } from 'nftlink';
import type { Endpoint, Family, Frontend, ServiceState } from '../model/frontends.ts';
import { Classes } from './classes.ts';
import { classMark, indexMark, MAX_ENDPOINTS } from './numbers.ts';
import { eachGrowingSet, type FamilySets, familySets, type GrowingSet } from './sets.ts';
import { assignSlots } from './slots.ts';

/** What one Service has in the table, as far as the next change of it must know. */
interface ServiceElements {
  readonly frontends: ReadonlyMap<PackedValue, FrontendElements>;
  /** Cluster IPs and hairpin connections: other Services may need the same ones. */
  readonly shared: ReadonlyMap<PackedValue, SharedSet>;
}

interface FrontendElements {
  /** Packed endpoints by index; none: the frontend refuses or drops. */
  readonly slots: readonly PackedValue[];
  readonly refusal: Frontend['refusal'];
}

type SharedSet = 'clusterIps' | 'hairpins';

const NOTHING: ServiceElements = { frontends: new Map(), shared: new Map() };
/** What a set, as opposed to a map, has for a key. */
const PRESENT = '';

/**
 * The elements that a family's table should hold: kept up to date Service by Service, at a cost that depends on that Service
 * alone. `touched` says which keys may differ from what is in the kernel.
 */
export class DesiredElements {
  readonly #family: Family;
  readonly #types: FamilySets;
  readonly #services = new Map<string, ServiceElements>();
  readonly #shares = new Map<SharedSet, Map<PackedValue, number>>([
    ['clusterIps', new Map()],
    ['hairpins', new Map()],
  ]);
  readonly classes = new Classes();
  readonly elements: Readonly<Record<GrowingSet, Map<PackedValue, PackedValue>>>;
  readonly touched: Readonly<Record<GrowingSet, Set<PackedValue>>>;
  readonly touchedClasses = new Set<number>();

  constructor(family: Family) {
    this.#family = family;
    // Only its types are used here: the sizes do not matter.
    this.#types = familySets(
      family,
      eachGrowingSet(() => 1),
    );
    this.elements = eachGrowingSet(() => new Map());
    this.touched = eachGrowingSet(() => new Set());
  }

  get serviceCount(): number {
    return this.#services.size;
  }

  /**
   * Takes Services' states in the place of their former ones. A Service without frontends is gone. What one gives up is
   * taken away before another may take it over.
   */
  update(states: Iterable<ServiceState>): void {
    const changes = Array.from(states, (state) => {
      const before = this.#services.get(state.service) ?? NOTHING;
      return { service: state.service, before, after: this.#elementsOf(state, before) };
    });
    for (const { before, after } of changes) this.#withdraw(before, after);
    for (const { service, before, after } of changes) this.#install(service, before, after);
  }

  #withdraw(before: ServiceElements, after: ServiceElements): void {
    for (const [key, elements] of before.frontends) {
      if (!after.frontends.has(key)) this.#setFrontend(key, elements, undefined);
    }
  }

  #install(service: string, before: ServiceElements, after: ServiceElements): void {
    for (const [key, elements] of after.frontends)
      this.#setFrontend(key, before.frontends.get(key), elements);
    for (const [key, set] of after.shared) if (!before.shared.has(key)) this.#retain(set, key);
    for (const [key, set] of before.shared) if (!after.shared.has(key)) this.#release(set, key);
    if (after.frontends.size > 0) this.#services.set(service, after);
    else this.#services.delete(service);
  }

  #elementsOf(state: ServiceState, before: ServiceElements): ServiceElements {
    const frontends = new Map<PackedValue, FrontendElements>();
    const shared = new Map<PackedValue, SharedSet>();
    for (const frontend of state.frontends) {
      if (frontend.family !== this.#family) continue;
      const { address, protocol, port, endpoints, refusal } = frontend;
      const key = packValue(this.#types.services.key, [address, protocol, port]);
      const packed = endpoints.slice(0, MAX_ENDPOINTS).map((endpoint) => this.#packEndpoint(endpoint));
      const slots = assignSlots(before.frontends.get(key)?.slots ?? [], packed);
      frontends.set(key, { slots, refusal });
      shared.set(packValue(this.#types.clusterIps.key, address), 'clusterIps');
    }
    for (const { family, address, protocol, port } of state.hairpins) {
      if (family !== this.#family) continue;
      shared.set(packValue(this.#types.hairpins.key, [address, address, protocol, port]), 'hairpins');
    }
    return { frontends, shared };
  }

  #packEndpoint({ address, port }: Endpoint): PackedValue {
    return packValue(this.#types.endpoints.data, [address, port]);
  }

  #setFrontend(
    key: PackedValue,
    before: FrontendElements | undefined,
    after: FrontendElements | undefined,
  ): void {
    const was = before?.slots ?? [];
    const is = after?.slots ?? [];
    this.#setEndpoints(key, was, is);
    this.#setClass(key, was.length, is.length);
    const refusal = is.length > 0 ? undefined : after?.refusal;
    this.#put('refused', key, refusal === 'reject');
    this.#put('dropped', key, refusal === 'drop');
  }

  #setEndpoints(key: PackedValue, was: readonly PackedValue[], is: readonly PackedValue[]): void {
    for (const [index, endpoint] of is.entries()) {
      if (was[index] !== endpoint) this.#set('endpoints', key + this.#packIndex(index), endpoint);
    }
    for (let index = is.length; index < was.length; index++) {
      this.#unset('endpoints', key + this.#packIndex(index));
    }
  }

  #setClass(key: PackedValue, was: number, is: number): void {
    if (was !== is) {
      if (is > 0 && this.classes.enter(is)) this.touchedClasses.add(is);
      if (was > 0 && this.classes.leave(was)) this.touchedClasses.add(was);
    }
    if (is > 0) this.#set('services', key, this.#packClass(is));
    else this.#unset('services', key);
  }

  #packIndex(index: number): PackedValue {
    return packValue(this.#types.services.data, indexMark(index));
  }

  #packClass(endpoints: number): PackedValue {
    return packValue(this.#types.services.data, classMark(this.classes.numberOf(endpoints)));
  }

  #put(set: GrowingSet, key: PackedValue, present: boolean): void {
    if (present) this.#set(set, key, PRESENT);
    else this.#unset(set, key);
  }

  #set(set: GrowingSet, key: PackedValue, value: PackedValue): void {
    if (this.elements[set].get(key) === value) return;
    this.elements[set].set(key, value);
    this.touched[set].add(key);
  }

  #unset(set: GrowingSet, key: PackedValue): void {
    if (this.elements[set].delete(key)) this.touched[set].add(key);
  }

  #retain(set: SharedSet, key: PackedValue): void {
    const shares = this.#shares.get(set);
    const count = shares?.get(key) ?? 0;
    shares?.set(key, count + 1);
    if (count === 0) this.#set(set, key, PRESENT);
  }

  #release(set: SharedSet, key: PackedValue): void {
    const shares = this.#shares.get(set);
    const count = shares?.get(key) ?? 1;
    if (count > 1) {
      shares?.set(key, count - 1);
    } else {
      shares?.delete(key);
      this.#unset(set, key);
    }
  }
}
