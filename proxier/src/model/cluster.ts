import { isDeepStrictEqual } from 'node:util';
import {
  type EndpointSlice,
  type ObjectChanges,
  objectName,
  SERVICE_NAME_LABEL,
  type Service,
} from '../kube/objects.ts';
import { type ServiceState, serviceState } from './frontends.ts';
import { limits } from './limits.ts';
import type { NodeIdentity } from './node.ts';

/** Changed objects, as they come from a watch. */
export interface ClusterChanges {
  readonly services: ObjectChanges<Service>;
  readonly endpointSlices: ObjectChanges<EndpointSlice>;
}

/**
 * The Services and EndpointSlices there are. Only what a change touches is computed anew. Every cluster IP is
 * expected to belong to one Service: the API server sees to that, and for manifests the ClusterIPAllocator.
 */
export class Cluster {
  readonly #node: NodeIdentity;
  readonly #services = new Map<string, Service>();
  /** Service to its slices by name. */
  readonly #slices = new Map<string, Map<string, EndpointSlice>>();
  /** Slice to its Service. */
  readonly #serviceOfSlice = new Map<string, string>();
  readonly #states = new Map<string, ServiceState>();

  constructor(node: NodeIdentity) {
    this.#node = node;
  }

  /**
   * Takes changes and gives the new state of each Service that has another one now. A Service that is gone, or has
   * nothing to be programmed any more, comes with empty lists.
   */
  apply(changes: ClusterChanges): readonly ServiceState[] {
    const touched = new Set<string>();
    for (const name of changes.services.deleted) {
      this.#services.delete(name);
      touched.add(name);
    }
    for (const service of changes.services.upserted) {
      this.#services.set(objectName(service), service);
      touched.add(objectName(service));
    }
    for (const name of changes.endpointSlices.deleted) this.#detach(name, touched);
    for (const slice of changes.endpointSlices.upserted) {
      this.#detach(objectName(slice), touched);
      this.#attach(slice, touched);
    }
    return [...touched].flatMap((name) => this.#renew(name) ?? []);
  }

  /** The state of every Service that has anything to be programmed. */
  states(): Iterable<ServiceState> {
    return this.#states.values();
  }

  /** What the Service asks for and does not get, see {@link limits}. */
  limits(name: string): readonly string[] {
    const service = this.#services.get(name);
    return service === undefined ? [] : limits(service, this.#slicesOf(name));
  }

  #attach(slice: EndpointSlice, touched: Set<string>): void {
    const label = slice.metadata.labels[SERVICE_NAME_LABEL];
    if (label === undefined || label === '') return;
    const service = `${slice.metadata.namespace}/${label}`;
    const slices = this.#slices.get(service) ?? new Map<string, EndpointSlice>();
    slices.set(objectName(slice), slice);
    this.#slices.set(service, slices);
    this.#serviceOfSlice.set(objectName(slice), service);
    touched.add(service);
  }

  #detach(name: string, touched: Set<string>): void {
    const service = this.#serviceOfSlice.get(name);
    if (service === undefined) return;
    const slices = this.#slices.get(service);
    slices?.delete(name);
    if (slices?.size === 0) this.#slices.delete(service);
    this.#serviceOfSlice.delete(name);
    touched.add(service);
  }

  #slicesOf(name: string): readonly EndpointSlice[] {
    return [...(this.#slices.get(name)?.values() ?? [])];
  }

  /** `undefined` when the state is what it was. */
  #renew(name: string): ServiceState | undefined {
    const service = this.#services.get(name);
    const empty: ServiceState = { service: name, frontends: [], hairpins: [] };
    const before = this.#states.get(name) ?? empty;
    const now = service === undefined ? empty : serviceState(service, this.#slicesOf(name), this.#node);
    if (isDeepStrictEqual(now, before)) return undefined;
    if (now.frontends.length === 0) this.#states.delete(name);
    else this.#states.set(name, now);
    return now;
  }
}
