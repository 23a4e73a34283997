import { ADDRESS_PLAN, LOCAL_ADDRESSES } from './address-plan.ts';
import { addressesOutside, canonicalAddress } from './claims.ts';
import {
  type ClusterManifests,
  familyOf,
  type IPFamily,
  type Protocol,
  type ServiceManifest,
} from './manifests.ts';
import type { Random } from './random.ts';
import { serialOf } from './random-cluster.ts';
import { SERIALS } from './random-service.ts';

/** Where a packet comes into the node: its outer interface, one of its pods, their bridge, or a process of the node itself. */
export type Origin = 'outside' | 'pods' | 'bridge' | 'node';

/** Who sends it. Of the kinds there are many, and each try of a packet has another one. */
type Source =
  | { readonly kind: 'client' | 'strangeClient' | 'localClient' | 'remoteClient' }
  | { readonly kind: 'one'; readonly address: string };

/** The first packet of a connection that is worth trying. */
export interface TestPacket {
  /** `outside → svc-3 cluster IP`, for the report. */
  readonly name: string;
  readonly family: IPFamily;
  /** An echo request where it is ICMP. */
  readonly protocol: Protocol | 'ICMP';
  readonly origin: Origin;
  readonly source: Source;
  readonly destination: string;
  /** 0 for ICMP. */
  readonly port: number;
  /** The Service port has session affinity: one client stays with one endpoint. */
  readonly isSticky: boolean;
  /** An endpoint is the node itself: what is sent there may look as if it were dropped. */
  readonly mayEndHere: boolean;
}

interface Target extends Omit<TestPacket, 'origin' | 'source'> {
  /** The endpoints behind it, as far as a client could be one of them. */
  readonly endpoints: readonly string[];
}

/** A source and what it is called. */
type NamedSource = Pick<TestPacket, 'name' | 'origin' | 'source'>;

const PROTOCOLS: readonly Protocol[] = ['TCP', 'UDP', 'SCTP'];
/** As many clients of a kind are there before the first comes again. */
const CLIENTS = 30_000;

/** The address that try number n of a packet comes from. */
export function sourceAddress({ source, family }: TestPacket, n: number): string {
  return source.kind === 'one' ? source.address : ADDRESS_PLAN[family][source.kind](1 + (n % CLIENTS));
}

/** `count` packets: each Service has its turn before any has a second one; a tenth are near misses. */
export function packetsFor(random: Random, cluster: ClusterManifests, count: number): readonly TestPacket[] {
  const targets = new Map(
    [...cluster.services].map(([name, service]) => [name, random.shuffled(targetsOf(service, cluster))]),
  );
  const turns = Math.ceil((2 * count) / Math.max(1, targets.size));
  // Every target of a Service with one source before any with another.
  const perService = [...targets.values()].map((all) =>
    Array.from({ length: turns }, (_, turn) => all.slice(turn % all.length).slice(0, 1)).map((some) =>
      some.map((target) => random.pick(packetsTo(random, target))),
    ),
  );
  const inTurns = Array.from({ length: turns }, (_, turn) =>
    perService.flatMap((packets) => packets[turn] ?? []),
  ).flat();
  const misses = nearMisses(random, cluster, Math.ceil(count / 10));
  const sticky = new Set(
    [...targets.values()]
      .flat()
      .filter(({ isSticky }) => isSticky)
      .map(frontendOf),
  );
  // A miss of one Service may be a hit of another.
  const known = misses.map((packet) => ({ ...packet, isSticky: sticky.has(frontendOf(packet)) }));
  return [...known, ...inTurns].slice(0, count);
}

/** What clients of a Service with session affinity connect to, as {@link frontendOf} writes it. */
export function stickyFrontends(cluster: ClusterManifests): ReadonlySet<string> {
  const targets = [...cluster.services.values()].flatMap((service) => targetsOf(service, cluster));
  return new Set(targets.filter(({ isSticky }) => isSticky).map(frontendOf));
}

/** Address, protocol and port that a packet goes to. */
export function frontendOf({
  destination,
  protocol,
  port,
}: Pick<TestPacket, 'destination' | 'protocol' | 'port'>): string {
  return `${destination} ${protocol} ${port}`;
}

/** Everything that a client may connect to because of the Service, or that looks like it. */
function targetsOf(service: ServiceManifest, cluster: ClusterManifests): readonly Target[] {
  const { metadata, spec } = service;
  const endpoints = endpointAddresses(service, cluster);
  const frontends = [
    ...clusterIPsOf(service).map((destination) => ({ kind: 'cluster IP', destination })),
    ...addressesOutside(service).map((text) => ({
      kind: 'external or LB IP',
      destination: canonicalAddress(text),
    })),
  ];
  return (spec.ports ?? []).flatMap(({ protocol = 'TCP', port, nodePort = 0 }) => {
    const target = (kind: string, destination: string, number: number): Target => {
      const family = familyOf(destination);
      return {
        name: `${metadata.namespace}/${metadata.name} ${kind}`,
        family,
        protocol,
        destination,
        port: number,
        isSticky: spec.sessionAffinity === 'ClientIP',
        mayEndHere: endpoints.some((address) => LOCAL_ADDRESSES.includes(address)),
        endpoints: endpoints.filter((address) => familyOf(address) === family),
      };
    };
    const nodeAddresses = nodePort === 0 ? [] : nodePortTargets();
    return [
      ...frontends.map(({ kind, destination }) => target(kind, destination, port)),
      ...nodeAddresses.map((address) => target('node port', address, nodePort)),
    ];
  });
}

function clusterIPsOf({ spec }: ServiceManifest): readonly string[] {
  return (spec.clusterIPs ?? []).filter((address) => address !== 'None');
}

/** The node's addresses, and another node's, where nothing is to happen. */
function nodePortTargets(): readonly string[] {
  return [...LOCAL_ADDRESSES, ADDRESS_PLAN.IPv4.otherNodeIP, ADDRESS_PLAN.IPv6.otherNodeIP];
}

function endpointAddresses({ metadata }: ServiceManifest, cluster: ClusterManifests): readonly string[] {
  const slices = [...cluster.endpointSlices.values()].filter(
    (slice) => slice.metadata.labels?.['kubernetes.io/service-name'] === metadata.name,
  );
  const addresses = slices.flatMap(({ endpoints }) =>
    endpoints.flatMap(({ addresses }) => addresses.slice(0, 1)),
  );
  return [...new Set(addresses)];
}

function packetsTo(random: Random, target: Target): readonly TestPacket[] {
  const { endpoints, ...packet } = target;
  return sourcesFor(random, target).map((source) => ({
    ...packet,
    ...source,
    name: `${source.name} → ${target.name}`,
  }));
}

function sourcesFor(random: Random, { family, destination, endpoints }: Target): readonly NamedSource[] {
  const { nodeIP, otherLocalIPs, otherNodeIP, localPod } = ADDRESS_PLAN[family];
  const local = LOCAL_ADDRESSES.filter((address) => familyOf(address) === family);
  const pods = new Set(Array.from({ length: 12 }, (_, n) => localPod(n + 1)));
  const here = endpoints.filter((address) => pods.has(address));
  const elsewhere = endpoints.filter((address) => !pods.has(address) && !local.includes(address));
  // A process of the node that connects to a local address takes that address as its own.
  const itself = local.filter((address) => address === destination);
  return [
    { name: 'client', origin: 'outside', source: { kind: 'client' } },
    { name: 'strange client', origin: 'outside', source: { kind: 'strangeClient' } },
    { name: 'pod here', origin: 'pods', source: { kind: 'localClient' } },
    { name: 'pod on the bridge', origin: 'bridge', source: { kind: 'localClient' } },
    { name: 'pod elsewhere', origin: 'outside', source: { kind: 'remoteClient' } },
    ...one('another node', 'outside', [otherNodeIP]),
    ...one('the node', 'node', [nodeIP]),
    ...one("the node's other address", 'node', otherLocalIPs.slice(0, 1)),
    ...one('the endpoint', 'pods', random.some(here, 1)),
    ...one('the endpoint elsewhere', 'outside', random.some(elsewhere, 1)),
    ...one('the destination itself', 'node', itself),
  ];
}

function one(name: string, origin: Origin, addresses: readonly string[]): readonly NamedSource[] {
  return addresses.map((address) => ({ name, origin, source: { kind: 'one', address } }));
}

/** Ports and protocols that a Service doesn't have, cluster IPs that no Service has. */
function nearMisses(random: Random, cluster: ClusterManifests, count: number): readonly TestPacket[] {
  const services = [...cluster.services.values()];
  return Array.from({ length: services.length === 0 ? 0 : count }, () => {
    const service = random.pick(services);
    const [target] = random.some(targetsOf(service, cluster), 1);
    if (target === undefined || random.chance(25)) return toUnallocated(random, serialOf(service));
    const changed = random.pick([
      { port: target.port + 1 },
      { protocol: random.pick(PROTOCOLS) },
      { protocol: 'ICMP', port: 0 },
    ] as const);
    return random.pick(packetsTo(random, { ...target, ...changed, name: `near ${target.name}` }));
  });
}

function toUnallocated(random: Random, n: number): TestPacket {
  const family = random.pick(['IPv4', 'IPv6'] as const);
  const destination = ADDRESS_PLAN[family].clusterIP(SERIALS + 100 + n);
  const target: Target = {
    name: 'unallocated cluster IP',
    family,
    protocol: random.pick(PROTOCOLS),
    destination,
    port: 80,
    isSticky: false,
    mayEndHere: false,
    endpoints: [],
  };
  return random.pick(packetsTo(random, target));
}
