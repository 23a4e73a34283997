import { type PackedValue, packValue } from 'nftlink';
import type { Endpoint, Frontend, PortState, Way } from '../model/frontends.ts';
import { externalLocalName, externalName, type Keyed, localPickName, pickName } from './class-chains.ts';
import { classMark, indexMark, localIndexMark, MAX_ENDPOINTS, packedMark } from './numbers.ts';
import type { ClusterSet } from './set-names.ts';
import type { FamilySets } from './sets.ts';
import { assignSlots } from './slots.ts';
import { packSource } from './source-key.ts';
import { externalStickyName, localStickyName, type StickyPort, stickyName } from './sticky-chains.ts';
import type { StickyPorts } from './sticky-ports.ts';

/** Elements that a Service needs, side by side: there are some for every Service. */
export interface Entries {
  readonly sets: ClusterSet[];
  readonly keys: PackedValue[];
  /** {@link PRESENT} in a set. */
  readonly values: PackedValue[];
}

/** What a set, as opposed to a map, has for a key. */
export const PRESENT = '';

/** What giving out numbers depends on. */
export interface Numbering {
  /** Only its types are used: sizes and names do not matter. */
  readonly types: FamilySets;
  /** The value that an element has now, if any: who stays keeps its index. */
  readonly present: (set: ClusterSet, key: PackedValue) => PackedValue | undefined;
  readonly classNumber: (name: string) => number;
  readonly stickies: StickyPorts;
}

/** Adds the elements that a Service port needs. */
export function addPortEntries(entries: Entries, port: PortState, numbering: Numbering): void {
  new PortElements(entries, port, numbering).collect();
}

/** Collects the elements of one Service port. */
class PortElements {
  readonly #entries: Entries;
  readonly #port: PortState;
  readonly #numbering: Numbering;
  readonly #sticky: StickyPort | undefined;

  constructor(entries: Entries, port: PortState, numbering: Numbering) {
    this.#entries = entries;
    this.#port = port;
    this.#numbering = numbering;
    const { affinityMs } = port;
    this.#sticky = affinityMs === undefined ? undefined : numbering.stickies.update({ ...port, affinityMs });
  }

  collect(): void {
    const { frontends, hairpins, protocol } = this.#port;
    if (this.#sticky !== undefined) this.#addSticky(this.#sticky);
    for (const frontend of frontends) this.#addFrontend(frontend);
    for (const { address, port } of hairpins) {
      const key = packValue(this.#numbering.types.hairpins.key, [address, address, protocol, port]);
      this.#add('hairpins', key, PRESENT);
    }
  }

  #add(set: ClusterSet, key: PackedValue, value: PackedValue): void {
    this.#entries.sets.push(set);
    this.#entries.keys.push(key);
    this.#entries.values.push(value);
  }

  #addFrontend(frontend: Frontend): void {
    const { types } = this.#numbering;
    const { protocol } = this.#port;
    const { address, port, refusal, allowedSources } = frontend;
    if (address === undefined) {
      const key = packValue(types.nodeports.key, [protocol, port]);
      this.#addWay(frontend, 'nodeport', key);
      if (refusal !== undefined)
        this.#add(refusal === 'drop' ? 'droppedNodeports' : 'refusedNodeports', key, PRESENT);
      return;
    }
    const key = packValue(types.services.key, [address, protocol, port]);
    this.#addWay(frontend, 'address', key);
    if (refusal !== undefined) this.#add(refusal === 'drop' ? 'dropped' : 'refused', key, PRESENT);
    if (frontend.kind === 'cluster-ip')
      this.#add('clusterIps', packValue(types.clusterIps.key, address), PRESENT);
    if (allowedSources === undefined) return;
    this.#add('restricted', key, PRESENT);
    for (const source of allowedSources) this.#add('allowedSources', packSource(key, source), PRESENT);
  }

  /** What leads a frontend's connections to an endpoint. */
  #addWay({ way }: Frontend, keyed: Keyed, key: PackedValue): void {
    if (way === undefined) return;
    this.#addClass(keyed === 'address' ? 'services' : 'nodeports', key, this.#classOf(way, keyed));
    if (way === 'external-local') this.#addExternalLocal(keyed, key);
    if (this.#sticky !== undefined) return;
    const { cluster, local } = this.#port;
    if (way !== 'local') this.#addEndpoints(keyed, key, cluster, indexMark);
    if (way === 'local' || way === 'external-local') this.#addEndpoints(keyed, key, local, localIndexMark);
  }

  #classOf(way: Way, keyed: Keyed): string {
    const number = this.#sticky?.number;
    const { cluster, local } = this.#port;
    switch (way) {
      case 'cluster':
        return number === undefined ? pickName(keyed, count(cluster)) : stickyName(number);
      case 'local':
        return number === undefined ? localPickName(keyed, count(local)) : localStickyName(number);
      case 'external-cluster':
        return number === undefined ? externalName(keyed, count(cluster)) : externalStickyName(number);
      default:
        return externalLocalName(keyed);
    }
  }

  /** Where the chain of `external-local` goes on: for pods and the node itself, and for everybody else. */
  #addExternalLocal(keyed: Keyed, key: PackedValue): void {
    const [shortCircuits, localServices] =
      keyed === 'address'
        ? (['shortCircuits', 'localServices'] as const)
        : (['nodeportShortCircuits', 'localNodeports'] as const);
    const { cluster, local } = this.#port;
    if (cluster.length > 0) this.#addClass(shortCircuits, key, this.#classOf('cluster', keyed));
    if (local.length > 0) this.#addClass(localServices, key, this.#classOf('local', keyed));
  }

  #addClass(set: ClusterSet, key: PackedValue, name: string): void {
    this.#add(set, key, packedMark(classMark(this.#numbering.classNumber(name))));
  }

  #addEndpoints(
    keyed: Keyed,
    key: PackedValue,
    endpoints: readonly Endpoint[],
    mark: (index: number) => number,
  ): void {
    const set = keyed === 'address' ? 'endpoints' : 'nodeportEndpoints';
    const { types } = this.#numbering;
    const packed = endpoints
      .slice(0, MAX_ENDPOINTS)
      .map(({ address, port }) => packValue(types.endpoints.data, [address, port]));
    this.#addSlots(set, packed, (index) => key + packedMark(mark(index)));
  }

  #addSlots(set: ClusterSet, values: readonly PackedValue[], keyOf: (index: number) => PackedValue): void {
    const keys = values.map((_, index) => keyOf(index));
    const previous: PackedValue[] = [];
    for (let index = 0; ; index++) {
      const value = this.#present(set, keys[index] ?? keyOf(index));
      if (value === undefined) break;
      previous.push(value);
    }
    for (const [index, value] of assignSlots(previous, values).entries()) {
      this.#add(set, keys[index] ?? keyOf(index), value);
    }
  }

  #present(set: ClusterSet, key: PackedValue): PackedValue | undefined {
    return this.#numbering.present(set, key);
  }

  #addSticky({ key, cluster, local }: StickyPort): void {
    const { types, stickies } = this.#numbering;
    const idOf = (endpoint: Endpoint) => packValue(types.stickySlots.key, stickies.idOf(key, endpoint));
    const seen = new Set<PackedValue>();
    for (const endpoint of [...this.#port.cluster, ...this.#port.local]) {
      const id = idOf(endpoint);
      if (seen.has(id)) continue;
      seen.add(id);
      this.#add(
        'stickyEndpoints',
        id,
        packValue(types.stickyEndpoints.data, [endpoint.address, endpoint.port]),
      );
    }
    const ranges = [
      [cluster, this.#port.cluster, 'stickyCluster'],
      [local, this.#port.local, 'stickyLocal'],
    ] as const;
    for (const [range, endpoints, usable] of ranges) {
      if (range === undefined) continue;
      const ids = endpoints.map(idOf);
      for (const id of ids) this.#add(usable, id, PRESENT);
      this.#addSlots('stickySlots', ids, (index) => packValue(types.stickySlots.key, range.first + index));
    }
  }
}

function count(endpoints: readonly Endpoint[]): number {
  return Math.min(endpoints.length, MAX_ENDPOINTS);
}
