import { isDeepStrictEqual } from 'node:util';
import { joined } from '../kube/compact.ts';
import {
  type EndpointSlice,
  HEADLESS_LABEL,
  type ObjectChanges,
  objectName,
  SERVICE_NAME_LABEL,
  type Service,
} from '../kube/objects.ts';
import { Claims, type Conflict, claimantOf } from './claims.ts';
import { endpointText } from './endpoints.ts';
import { type Frontend, type PortState, type ServiceState, serviceState } from './frontends.ts';
import { healthCheckPort, localReadyEndpoints } from './health-check.ts';
import type { NodeIdentity } from './node.ts';

/** Changed objects, as they come from a watch. */
export interface ClusterChanges {
  readonly services: ObjectChanges<Service>;
  readonly endpointSlices: ObjectChanges<EndpointSlice>;
}

/** What a change of objects means. */
export interface ClusterUpdate {
  /**
   * The new state of each Service that has another one now. A Service that is gone, or has nothing to be programmed any
   * more, comes with an empty list.
   */
  readonly states: readonly ServiceState[];
  readonly conflicts: { readonly appeared: readonly Conflict[]; readonly resolved: readonly Conflict[] };
}

/** What a Service has and asks for. */
interface Known {
  readonly state: ServiceState;
  /** The same, as long as no older Service has anything of it. */
  readonly wanted: ServiceState;
  readonly conflicts: readonly Conflict[];
}

/** The Services and EndpointSlices there are. Only what a change touches is computed anew. */
export class Cluster {
  #node: NodeIdentity;
  readonly #services = new Map<string, Service>();
  /** Service to its slices. */
  readonly #slices = new Map<string, readonly EndpointSlice[]>();
  /** Slice to its Service. */
  readonly #serviceOfSlice = new Map<string, string>();
  readonly #known = new Map<string, Known>();
  readonly #claims = new Claims();
  /** Services of which only a part has been gathered. */
  #waiting = new Set<string>();

  constructor(node: NodeIdentity) {
    this.#node = node;
  }

  apply(changes: ClusterChanges): ClusterUpdate {
    const touched = this.#waiting;
    this.#waiting = new Set();
    this.#store(changes, touched);
    return this.#renew(touched);
  }

  /**
   * Takes some of the objects that there are at the start, in any order. A Service waits until one of its slices has come too, or for
   * the first `apply`: so nearly each is computed once.
   */
  gather(changes: ClusterChanges): ClusterUpdate {
    const touched = new Set<string>();
    this.#store(changes, touched);
    for (const name of touched) {
      if (this.#services.has(name) && this.#slices.has(name)) {
        this.#waiting.delete(name);
        continue;
      }
      this.#waiting.add(name);
      touched.delete(name);
    }
    return this.#renew(touched);
  }

  #store(changes: ClusterChanges, touched: Set<string>): void {
    for (const name of changes.services.deleted) {
      this.#services.delete(name);
      touched.add(name);
    }
    for (const service of changes.services.upserted) {
      const name = objectName(service);
      this.#services.set(name, service);
      touched.add(name);
    }
    for (const name of changes.endpointSlices.deleted) this.#detach(name, touched);
    for (const slice of changes.endpointSlices.upserted) this.#place(slice, touched);
  }

  /** The node's zone has changed. */
  setZone(zone: string | undefined): ClusterUpdate {
    if (zone === this.#node.zone) return this.#renew([]);
    this.#node = { ...this.#node, zone };
    return this.#renew(this.#services.keys());
  }

  /** The state of every Service that has anything to be programmed. */
  *states(): Iterable<ServiceState> {
    for (const { state } of this.#known.values()) if (state.ports.length > 0) yield state;
  }

  /** What the Service has now. */
  state(name: string): ServiceState {
    return this.#known.get(name)?.state ?? { service: name, ports: [] };
  }

  /** Frontends that Services ask for and do not have. */
  conflicts(): readonly Conflict[] {
    return [...this.#known.values()].flatMap(({ conflicts }) => conflicts);
  }

  /** The port on which a load balancer asks whether this node has endpoints of the Service; undefined: it doesn't ask. */
  healthCheckPort(name: string): number | undefined {
    const service = this.#services.get(name);
    return service && healthCheckPort(service);
  }

  /** How many endpoints of the Service, counted by address, are on this node and ready. */
  localReadyEndpoints(name: string): number {
    const service = this.#services.get(name);
    return service === undefined ? 0 : localReadyEndpoints(service, this.#slicesOf(name), this.#node);
  }

  #place(slice: EndpointSlice, touched: Set<string>): void {
    const name = objectName(slice);
    const service = serviceOf(slice);
    const before = this.#serviceOfSlice.get(name);
    if (before !== undefined && before !== service) this.#detach(name, touched);
    if (service === undefined) return;
    const slices = this.#slicesOf(service);
    if (before === service) {
      // In its place: a Map of thousands from which entries come and go is built anew now and then, which takes milliseconds.
      this.#slices.set(
        service,
        slices.map((other) => (objectName(other) === name ? slice : other)),
      );
    } else {
      this.#slices.set(service, [...slices, slice]);
      this.#serviceOfSlice.set(name, service);
    }
    touched.add(service);
  }

  #detach(name: string, touched: Set<string>): void {
    const service = this.#serviceOfSlice.get(name);
    if (service === undefined) return;
    const left = this.#slicesOf(service).filter((slice) => objectName(slice) !== name);
    if (left.length === 0) this.#slices.delete(service);
    else this.#slices.set(service, left);
    this.#serviceOfSlice.delete(name);
    touched.add(service);
  }

  #slicesOf(name: string): readonly EndpointSlice[] {
    return this.#slices.get(name) ?? NO_SLICES;
  }

  #renew(touched: Iterable<string>): ClusterUpdate {
    const wanted = new Map<string, ServiceState>();
    const affected = new Set<string>();
    for (const name of touched) {
      const state = this.#wantedState(name);
      wanted.set(name, state);
      for (const other of this.#claim(name, state)) affected.add(other);
    }
    for (const name of affected) if (!wanted.has(name)) wanted.set(name, this.#wantedState(name));
    const states: ServiceState[] = [];
    const appeared: Conflict[] = [];
    const resolved: Conflict[] = [];
    for (const [name, state] of wanted) {
      const before = this.#known.get(name);
      const now = this.#grant(state);
      if (isOther(now.state, before?.state)) states.push(now.state);
      appeared.push(...without(now.conflicts, before?.conflicts ?? []));
      resolved.push(...without(before?.conflicts ?? [], now.conflicts));
      if (now.wanted.ports.length > 0) this.#known.set(name, now);
      else this.#known.delete(name);
    }
    return { states, conflicts: { appeared, resolved } };
  }

  #wantedState(name: string): ServiceState {
    const service = this.#services.get(name);
    if (service === undefined) return { service: name, ports: [] };
    return serviceState(service, this.#slicesOf(name), this.#node, name);
  }

  #claim(name: string, state: ServiceState): ReadonlySet<string> {
    const metadata = this.#services.get(name)?.metadata;
    const claimant =
      metadata === undefined ? { service: name, creationTimestamp: undefined } : claimantOf(name, metadata);
    return this.#claims.update(claimant, frontendsOf(this.#known.get(name)?.wanted), frontendsOf(state));
  }

  /** Takes away what older Services have. */
  #grant(state: ServiceState): Known {
    if (this.#claims.areUndisputed) return { state, wanted: state, conflicts: NO_CONFLICTS };
    const conflicts: Conflict[] = [];
    const isGranted = (port: PortState, frontend: Frontend) => {
      const id = frontendId(port, frontend);
      const owner = this.#claims.ownerOf(id);
      if (owner === undefined || owner === state.service) return true;
      conflicts.push({ service: state.service, frontend: describe(port, frontend), owner });
      return false;
    };
    const ports = state.ports.map((port) => {
      const granted = port.frontends.filter((frontend) => isGranted(port, frontend));
      return granted.length === port.frontends.length ? port : { ...port, frontends: granted };
    });
    if (conflicts.length === 0) return { state, wanted: state, conflicts: NO_CONFLICTS };
    return { state: { ...state, ports }, wanted: state, conflicts };
  }
}

/** The Service that the slice is of, `namespace/name`; undefined: of none that is proxied. */
function serviceOf({ metadata: { namespace, labels } }: EndpointSlice): string | undefined {
  const label = labels[SERVICE_NAME_LABEL];
  if (label === undefined || label === '') return undefined;
  // The controller that writes slices may not have noticed yet that the Service has got a cluster IP.
  return Object.hasOwn(labels, HEADLESS_LABEL) ? undefined : joined('/', namespace, label);
}

const NO_SLICES: readonly EndpointSlice[] = [];
const NO_CONFLICTS: readonly Conflict[] = [];

function isOther(state: ServiceState, before: ServiceState | undefined): boolean {
  return before === undefined ? state.ports.length > 0 : !isDeepStrictEqual(state, before);
}

const NO_FRONTENDS: ReadonlySet<string> = new Set();

function frontendsOf(state: ServiceState | undefined): ReadonlySet<string> {
  if (state === undefined || state.ports.length === 0) return NO_FRONTENDS;
  const ids = new Set<string>();
  for (const port of state.ports) {
    for (const frontend of port.frontends) ids.add(frontendId(port, frontend));
  }
  return ids;
}

function frontendId({ family, protocol }: PortState, { address, port }: Frontend): string {
  return joined(' ', address ?? family, protocol, port);
}

function describe({ protocol }: PortState, { address, port }: Frontend): string {
  return address === undefined
    ? `${protocol} node port ${port}`
    : `${protocol} ${endpointText(address, port)}`;
}

function without(conflicts: readonly Conflict[], known: readonly Conflict[]): readonly Conflict[] {
  return conflicts.filter((conflict) => !known.some((other) => isDeepStrictEqual(conflict, other)));
}
