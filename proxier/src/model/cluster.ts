import { isDeepStrictEqual } from 'node:util';
import { joined } from '../kube/compact.ts';
import { type EndpointSlice, type ObjectChanges, objectName, type Service } from '../kube/objects.ts';
import { Claims, type Conflict, claimantOf } from './claims.ts';
import { endpointText } from './endpoints.ts';
import { type Frontend, type PortState, type ServiceState, serviceState } from './frontends.ts';
import { healthCheckPort, localReadyEndpoints } from './health-check.ts';
import type { NodeIdentity } from './node.ts';
import { ServiceSlices } from './service-slices.ts';

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
  readonly #slices = new ServiceSlices();
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
    return service === undefined ? 0 : localReadyEndpoints(service, this.#slices.of(name), this.#node);
  }

  #store({ services, endpointSlices }: ClusterChanges, touched: Set<string>): void {
    for (const name of services.deleted) this.#forget(name, touched);
    this.#keepEach(services.upserted, touched);
    for (const name of endpointSlices.deleted) this.#slices.remove(name, touched);
    this.#slices.placeEach(endpointSlices.upserted, touched);
  }

  #forget(name: string, touched: Set<string>): void {
    this.#services.delete(name);
    touched.add(name);
  }

  // One loop in a function, and nothing behind it: what V8 makes of a loop of thousands knows nothing of what follows (there was none yet)
  // and would be entered and left again by every later change, some 30 µs each time.
  #keepEach(services: readonly Service[], touched: Set<string>): void {
    for (const service of services) {
      const name = objectName(service);
      this.#services.set(name, service);
      touched.add(name);
    }
  }

  #renew(touched: Iterable<string>): ClusterUpdate {
    const wanted = new Map<string, ServiceState>();
    const affected = new Set<string>();
    this.#claimEach(touched, wanted, affected);
    for (const name of affected) if (!wanted.has(name)) wanted.set(name, this.#wantedState(name));
    const states: ServiceState[] = [];
    const conflicts: { appeared: Conflict[]; resolved: Conflict[] } = { appeared: [], resolved: [] };
    this.#grantEach(wanted, states, conflicts);
    return { states, conflicts };
  }

  #claimEach(touched: Iterable<string>, wanted: Map<string, ServiceState>, affected: Set<string>): void {
    for (const name of touched) {
      const state = this.#wantedState(name);
      wanted.set(name, state);
      for (const other of this.#claim(name, state)) affected.add(other);
    }
  }

  #grantEach(
    wanted: ReadonlyMap<string, ServiceState>,
    states: ServiceState[],
    { appeared, resolved }: { readonly appeared: Conflict[]; readonly resolved: Conflict[] },
  ): void {
    for (const [name, state] of wanted) {
      const before = this.#known.get(name);
      const now = this.#grant(state);
      if (isOther(now.state, before?.state)) states.push(now.state);
      appeared.push(...without(now.conflicts, before?.conflicts ?? []));
      resolved.push(...without(before?.conflicts ?? [], now.conflicts));
      if (now.wanted.ports.length > 0) this.#known.set(name, now);
      else this.#known.delete(name);
    }
  }

  #wantedState(name: string): ServiceState {
    const service = this.#services.get(name);
    if (service === undefined) return { service: name, ports: [] };
    return serviceState(service, this.#slices.of(name), this.#node, name);
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
