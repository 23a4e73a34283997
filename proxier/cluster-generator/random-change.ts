import { ZONES } from './address-plan.ts';
import { withoutConflicts } from './claims.ts';
import {
  type ClusterManifests,
  type EndpointManifest,
  type EndpointSliceManifest,
  type IPFamily,
  manifestName,
  type ServiceManifest,
  slicesOf,
} from './manifests.ts';
import type { Random } from './random.ts';
import { serialOf, withNewService } from './random-cluster.ts';
import {
  randomAffinity,
  randomIngress,
  randomPolicies,
  randomPorts,
  randomService,
  randomSourceRanges,
  SERIALS,
  withHealthPort,
} from './random-service.ts';
import { randomEndpoint, randomSlice, randomSlices } from './random-slices.ts';
import { unambiguous } from './unambiguous.ts';

/** All that a proxy goes by and that may change while it runs. */
export interface ClusterState {
  readonly cluster: ClusterManifests;
  readonly zone: string | undefined;
}

export interface Change {
  /** What was done, for the report. */
  readonly name: string;
  readonly after: ClusterState;
  /** The proxy is to be ended, and another one started over what the first has left in the kernel. */
  readonly restart: boolean;
}

/** How many Services a cluster may shrink and grow to. */
export interface ServiceBounds {
  readonly fewest: number;
  readonly most: number;
}

type Mutation = (random: Random, cluster: ClusterManifests, bounds: ServiceBounds) => ClusterManifests;

/** One change, or several at once. */
export function randomChange(
  random: Random,
  before: ClusterState,
  bounds: ServiceBounds = { fewest: 15, most: 30 },
): Change {
  if (random.chance(4)) return { name: 'restart', after: before, restart: true };
  if (random.chance(6)) {
    const zone = random.pick([undefined, ...ZONES]);
    return { name: `zone ${zone ?? 'none'}`, after: { ...before, zone }, restart: false };
  }
  const names: string[] = [];
  let cluster = before.cluster;
  for (let left = random.pick([1, 1, 1, 2, 5]); left > 0; left -= 1) {
    const name = random.pick(MUTATION_NAMES);
    names.push(name);
    cluster = unambiguous(MUTATIONS[name](random, cluster, bounds));
  }
  return { name: names.join(' + '), after: { ...before, cluster }, restart: random.chance(2) };
}

const MUTATIONS = {
  'add a Service': addService,
  'delete a Service': deleteService,
  'delete a Service but not its slices': (random, cluster) =>
    onService(random, cluster, (service) => ({ ...cluster, services: without(cluster.services, service) })),
  'make a Service anew': (random, cluster) =>
    editService(random, cluster, (service) => randomService(random, serialOf(service))),
  'change policies': (random, cluster) =>
    editSpec(random, cluster, ({ internalTrafficPolicy: _i, externalTrafficPolicy: _e, ...spec }) => ({
      ...spec,
      ...randomPolicies(random, spec.type),
    })),
  'change affinity': (random, cluster) =>
    editSpec(random, cluster, ({ sessionAffinity: _a, sessionAffinityConfig: _c, ...spec }) => ({
      ...spec,
      ...randomAffinity(random),
    })),
  'change ports': (random, cluster) =>
    editService(random, cluster, (service) => ({
      ...service,
      spec: { ...service.spec, ports: randomPorts(random, serialOf(service), service.spec.type) },
    })),
  'change source ranges': (random, cluster) =>
    editSpec(random, cluster, ({ loadBalancerSourceRanges: _, ...spec }) => ({
      ...spec,
      ...randomSourceRanges(random),
    })),
  'change load balancer IPs': (random, cluster) =>
    editService(random, cluster, (service) => newIngress(random, service)),
  'take external IPs away': (random, cluster) =>
    editSpec(random, cluster, ({ externalIPs: _, ...spec }) => spec),
  'new slices': (random, cluster) =>
    onService(random, cluster, (service) => {
      const kept = slicesOf(cluster, service).reduce(
        (slices, slice) => without(slices, slice),
        cluster.endpointSlices,
      );
      const added = randomSlices(random, service).map((slice) => [manifestName(slice), slice] as const);
      return { ...cluster, endpointSlices: new Map([...kept, ...added]) };
    }),
  'one slice more': (random, cluster) =>
    onService(random, cluster, (service) => {
      const family = random.pick<IPFamily>(service.spec.ipFamilies ?? ['IPv4']);
      return withSlice(cluster, randomSlice(random, service, family, random.below(4)));
    }),
  'delete a slice': (random, cluster) =>
    onSlice(random, cluster, (slice) => ({
      ...cluster,
      endpointSlices: without(cluster.endpointSlices, slice),
    })),
  'add an endpoint': (random, cluster) =>
    editEndpoints(random, cluster, (endpoints, { addressType }) => [
      ...endpoints,
      randomEndpoint(random, addressType),
    ]),
  'delete an endpoint': (random, cluster) =>
    editEndpoints(random, cluster, (endpoints) => random.shuffled(endpoints).slice(1)),
  'change an endpoint': (random, cluster) =>
    editEndpoints(random, cluster, ([first, ...others], { addressType }) =>
      first === undefined
        ? []
        : [...others, { ...randomEndpoint(random, addressType), addresses: first.addresses }],
    ),
  'terminate an endpoint': (random, cluster) =>
    editEndpoints(random, cluster, ([first, ...others]) =>
      first === undefined
        ? []
        : [
            { ...first, conditions: { ready: false, serving: random.chance(80), terminating: true } },
            ...others,
          ],
    ),
  'empty a slice': (random, cluster) => editEndpoints(random, cluster, () => []),
} as const satisfies Record<string, Mutation>;
const MUTATION_NAMES = Object.keys(MUTATIONS) as (keyof typeof MUTATIONS)[];

function addService(random: Random, cluster: ClusterManifests, bounds: ServiceBounds): ClusterManifests {
  if (cluster.services.size >= bounds.most) return deleteService(random, cluster, bounds);
  const taken = new Set([...cluster.services.values()].map(serialOf));
  const free = [...Array(SERIALS).keys()].filter((serial) => !taken.has(serial));
  return withNewService(random, cluster, random.pick(free));
}

function deleteService(random: Random, cluster: ClusterManifests, bounds: ServiceBounds): ClusterManifests {
  if (cluster.services.size <= bounds.fewest) return addService(random, cluster, bounds);
  return onService(random, cluster, (service) => ({
    services: without(cluster.services, service),
    endpointSlices: slicesOf(cluster, service).reduce(
      (slices, slice) => without(slices, slice),
      cluster.endpointSlices,
    ),
  }));
}

function newIngress(random: Random, { status: _, ...service }: ServiceManifest): ServiceManifest {
  const ingress = randomIngress(random, serialOf(service), service.spec.ipFamilies ?? ['IPv4']);
  return ingress.length > 0 ? { ...service, status: { loadBalancer: { ingress } } } : service;
}

function onService(
  random: Random,
  cluster: ClusterManifests,
  change: (service: ServiceManifest) => ClusterManifests,
): ClusterManifests {
  return cluster.services.size === 0 ? cluster : change(random.pick([...cluster.services.values()]));
}

function onSlice(
  random: Random,
  cluster: ClusterManifests,
  change: (slice: EndpointSliceManifest) => ClusterManifests,
): ClusterManifests {
  return cluster.endpointSlices.size === 0
    ? cluster
    : change(random.pick([...cluster.endpointSlices.values()]));
}

function editService(
  random: Random,
  cluster: ClusterManifests,
  edit: (service: ServiceManifest) => ServiceManifest,
): ClusterManifests {
  return onService(random, cluster, (service) => {
    const edited = edit(service);
    const valid = { ...edited, spec: withHealthPort(edited.spec, serialOf(edited)) };
    const services = new Map(cluster.services);
    return { ...cluster, services: services.set(manifestName(valid), withoutConflicts(valid, cluster)) };
  });
}

function editSpec(
  random: Random,
  cluster: ClusterManifests,
  edit: (spec: ServiceManifest['spec']) => ServiceManifest['spec'],
): ClusterManifests {
  return editService(random, cluster, (service) => ({ ...service, spec: edit(service.spec) }));
}

function editEndpoints(
  random: Random,
  cluster: ClusterManifests,
  edit: (endpoints: readonly EndpointManifest[], slice: EndpointSliceManifest) => readonly EndpointManifest[],
): ClusterManifests {
  return onSlice(random, cluster, (slice) =>
    withSlice(cluster, { ...slice, endpoints: edit(random.shuffled(slice.endpoints), slice) }),
  );
}

function withSlice(cluster: ClusterManifests, slice: EndpointSliceManifest): ClusterManifests {
  return { ...cluster, endpointSlices: new Map(cluster.endpointSlices).set(manifestName(slice), slice) };
}

function without<T extends ServiceManifest | EndpointSliceManifest>(
  objects: ReadonlyMap<string, T>,
  object: T,
): ReadonlyMap<string, T> {
  const rest = new Map(objects);
  rest.delete(manifestName(object));
  return rest;
}
