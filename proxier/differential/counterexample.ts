import type {
  ClusterManifests,
  EndpointManifest,
  EndpointSliceManifest,
  ServiceManifest,
  ServiceSpecManifest,
} from '../cluster-generator/manifests.ts';
import { DEFAULT_NODE, type NodeConfig } from '../cluster-generator/node-config.ts';
import type { TestPacket } from '../cluster-generator/packets.ts';
import type { Step } from './round.ts';

/** A packet of which two proxies make something else after these steps. */
export interface Counterexample {
  readonly node: NodeConfig;
  readonly steps: readonly Step[];
  readonly packet: TestPacket;
}

/** What an object becomes in a simpler cluster; `undefined`: it is left out. */
interface Edit {
  readonly service: (service: ServiceManifest, name: string) => ServiceManifest | undefined;
  readonly slice: (slice: EndpointSliceManifest, name: string) => EndpointSliceManifest | undefined;
}

/** Counterexamples that are a little simpler, the ones that leave out most first. Whether they still are some has to be tried. */
export function* simpler(example: Counterexample): Generator<Counterexample> {
  yield* withFewerSteps(example);
  yield* withFewerServices(example);
  yield* withSimplerNode(example);
  for (const edit of editsOf(example)) {
    const edited = applyEdit(example, edit);
    if (edited !== undefined) yield edited;
  }
}

function* withFewerSteps(example: Counterexample): Generator<Counterexample> {
  const { steps } = example;
  if (steps.length < 2) return;
  yield { ...example, steps: steps.slice(-1) };
  for (let left = 0; left < steps.length - 1; left += 1) {
    yield { ...example, steps: steps.filter((_, index) => index !== left) };
  }
}

function* withFewerServices(example: Counterexample): Generator<Counterexample> {
  const names = [...new Set(example.steps.flatMap(({ state }) => [...state.cluster.services.keys()]))];
  for (let size = names.length >> 1; size >= 1; size >>= 1) {
    for (let at = 0; at < names.length; at += size) {
      const gone = new Set(names.slice(at, at + size));
      const edited = applyEdit(example, {
        service: (service, name) => (gone.has(name) ? undefined : service),
        slice: (slice) => (gone.has(serviceOf(slice)) ? undefined : slice),
      });
      if (edited !== undefined) yield edited;
    }
  }
}

function serviceOf({ metadata }: EndpointSliceManifest): string {
  return `${metadata.namespace}/${metadata.labels?.['kubernetes.io/service-name']}`;
}

function* withSimplerNode(example: Counterexample): Generator<Counterexample> {
  const { node } = example;
  for (const field of ['detectLocal', 'masqueradeAll', 'masqueradeBit', 'nodePortAddresses'] as const) {
    if (JSON.stringify(node[field]) === JSON.stringify(DEFAULT_NODE[field])) continue;
    yield { ...example, node: { ...node, [field]: DEFAULT_NODE[field] } };
  }
}

/** One thing less in one object. */
function* editsOf({ steps }: Counterexample): Generator<Edit> {
  const clusters = steps.map(({ state }) => state.cluster);
  const keep = <T>(object: T): T => object;
  for (const target of new Set(clusters.flatMap(({ endpointSlices }) => [...endpointSlices.keys()]))) {
    yield { service: keep, slice: (slice, name) => (name === target ? undefined : slice) };
    for (const address of addressesIn(clusters, target)) {
      const without = (slice: EndpointSliceManifest) => ({
        ...slice,
        endpoints: slice.endpoints.filter(({ addresses }) => addresses[0] !== address),
      });
      yield { service: keep, slice: (slice, name) => (name === target ? without(slice) : slice) };
    }
    for (const field of ['hints', 'conditions', 'zone', 'nodeName'] as const) {
      const without = (slice: EndpointSliceManifest) => ({
        ...slice,
        endpoints: slice.endpoints.map((endpoint) => withoutField(endpoint, field)),
      });
      yield { service: keep, slice: (slice, name) => (name === target ? without(slice) : slice) };
    }
  }
  for (const target of new Set(clusters.flatMap(({ services }) => [...services.keys()]))) {
    for (const simplify of SERVICE_SIMPLIFICATIONS) {
      yield { service: (service, name) => (name === target ? simplify(service) : service), slice: keep };
    }
  }
}

function addressesIn(clusters: readonly ClusterManifests[], slice: string): ReadonlySet<string> {
  const endpoints = clusters.flatMap(({ endpointSlices }) => endpointSlices.get(slice)?.endpoints ?? []);
  return new Set(endpoints.flatMap(({ addresses }) => addresses.slice(0, 1)));
}

function withoutField<K extends keyof EndpointManifest>(
  endpoint: EndpointManifest,
  field: K,
): EndpointManifest {
  const { [field]: _, ...rest } = endpoint;
  return rest as EndpointManifest;
}

const SPEC_FIELDS: readonly (keyof ServiceSpecManifest)[] = [
  'externalIPs',
  'loadBalancerSourceRanges',
  'sessionAffinity',
  'sessionAffinityConfig',
  'internalTrafficPolicy',
  'externalTrafficPolicy',
  'healthCheckNodePort',
];

const SERVICE_SIMPLIFICATIONS: readonly ((service: ServiceManifest) => ServiceManifest)[] = [
  ...SPEC_FIELDS.map((field) => (service: ServiceManifest) => {
    const { [field]: _, ...spec } = service.spec;
    return { ...service, spec };
  }),
  ({ status: _, ...service }) => service,
  (service) => withPorts(service, (ports) => ports.slice(0, 1)),
  (service) => withPorts(service, (ports) => ports.slice(1)),
];

function withPorts(
  service: ServiceManifest,
  change: (ports: NonNullable<ServiceSpecManifest['ports']>) => NonNullable<ServiceSpecManifest['ports']>,
): ServiceManifest {
  const { ports = [] } = service.spec;
  return ports.length < 2 ? service : { ...service, spec: { ...service.spec, ports: change(ports) } };
}

/** The edit, made in every step; `undefined` when nothing is another one then. */
function applyEdit(example: Counterexample, edit: Edit): Counterexample | undefined {
  // What is the same object in two steps stays one.
  const edited = new Map<object, unknown>();
  const once = <T extends object>(object: T, change: () => T | undefined): T | undefined => {
    if (!edited.has(object)) edited.set(object, keepIfEqual(object, change()));
    return edited.get(object) as T | undefined;
  };
  let isChanged = false;
  const objects = <T extends object>(
    all: ReadonlyMap<string, T>,
    change: (object: T, name: string) => T | undefined,
  ): ReadonlyMap<string, T> =>
    new Map(
      [...all].flatMap(([name, object]) => {
        const after = once(object, () => change(object, name));
        if (after !== object) isChanged = true;
        return after === undefined ? [] : [[name, after] as const];
      }),
    );
  const steps = example.steps.map((step): Step => {
    const { services, endpointSlices } = step.state.cluster;
    const cluster = {
      services: objects(services, edit.service),
      endpointSlices: objects(endpointSlices, edit.slice),
    };
    return { ...step, state: { ...step.state, cluster } };
  });
  return isChanged ? { ...example, steps } : undefined;
}

function keepIfEqual<T>(before: T, after: T): T {
  return JSON.stringify(before) === JSON.stringify(after) ? before : after;
}
