import { compact } from '../kube/compact.ts';
import { type EndpointSlice, objectName, type Service } from '../kube/objects.ts';
import { type Categories, categorize } from './categorize.ts';
import { type ConditionedEndpoint, type Endpoint, endpointsOf } from './endpoints.ts';
import { FAMILIES, type Family, familyOf } from './family.ts';
import type { NodeIdentity } from './node.ts';
import { type L4Protocol, type ServicePort, servicePorts } from './service-ports.ts';
import { allowedSources } from './source-ranges.ts';

export type { Endpoint } from './endpoints.ts';
export type { Family } from './family.ts';
export type { NodeIdentity } from './node.ts';

/**
 * What a client connects to: one address, protocol and port of a Service. (Our own word: a Service port has as many
 * frontends as it has cluster, external and load balancer IPs and node ports.)
 */
export interface Frontend {
  readonly kind: 'cluster-ip' | 'external-ip' | 'load-balancer-ip' | 'node-port';
  /** Undefined for a node port: that is on whatever addresses the node offers them on. */
  readonly address: string | undefined;
  readonly port: number;
  readonly way: Way | undefined;
  /**
   * What happens to connections that find no endpoint: rejected when no node has one, else dropped. With `external-local` and no
   * endpoint here both are set: pods and the node itself still get through.
   */
  readonly refusal: 'reject' | 'drop' | undefined;
  /** Who may connect, as networks that do not overlap; undefined: everybody. */
  readonly allowedSources: readonly string[] | undefined;
}

/**
 * How connections find an endpoint; undefined: there is none for them.
 * - `cluster`, `local`: any endpoint, or one on this node.
 * - `external-cluster`: any, masqueraded.
 * - `external-local`: one on this node, but any for pods and the node itself.
 */
export type Way = 'cluster' | 'local' | 'external-cluster' | 'external-local';

/** What is to be programmed for one Service port in one family. */
export interface PortState {
  /** `shop/cart:http`, for comments, logs and reports. */
  readonly key: string;
  readonly family: Family;
  readonly protocol: L4Protocol;
  /** How long a client keeps its endpoint; undefined: no session affinity. */
  readonly affinityMs: number | undefined;
  /** Sorted by their `ip:port` text, like all lists of endpoints here. */
  readonly cluster: readonly Endpoint[];
  readonly local: readonly Endpoint[];
  readonly frontends: readonly Frontend[];
  /** Endpoints on this node whose connections to themselves must be masqueraded. */
  readonly hairpins: readonly Endpoint[];
  /** UDP only: endpoints that may have connections, old ones included. */
  readonly serving: readonly Endpoint[];
}

/** All that is to be programmed for one Service. */
export interface ServiceState {
  /** `namespace/name` */
  readonly service: string;
  readonly ports: readonly PortState[];
}

/** What is to be programmed for a Service with these EndpointSlices, all of them its own. */
export function serviceState(
  service: Service,
  slices: readonly EndpointSlice[],
  node: NodeIdentity,
  name = objectName(service),
): ServiceState {
  const ports: PortState[] = [];
  for (const family of FAMILIES) {
    for (const port of servicePorts(service, family)) {
      ports.push(portState(port, endpointsOf(port, slices, node), node));
    }
  }
  return { service: name, ports: compact(ports) };
}

function portState(
  port: ServicePort,
  endpoints: readonly ConditionedEndpoint[],
  node: NodeIdentity,
): PortState {
  const categories = categorize(endpoints, port, node);
  const { key, family, protocol, affinityMs } = port;
  return {
    key,
    family,
    protocol,
    affinityMs,
    cluster: plain(categories.cluster),
    local: plain(categories.local),
    frontends: frontends(port, categories, node),
    hairpins: plain(categories.reachableHere),
    serving: plain(protocol === 'udp' ? endpoints.filter(({ serving }) => serving) : []),
  };
}

function plain(endpoints: readonly ConditionedEndpoint[]): readonly Endpoint[] {
  return compact(endpoints.map(({ endpoint }) => endpoint));
}

function frontends(port: ServicePort, categories: Categories, node: NodeIdentity): readonly Frontend[] {
  const { way, refusal } = internalTraffic(port, categories);
  // Every property written out: V8 keeps those that are spread outside of the object, and every Service has one of these.
  const clusterIP: Frontend = {
    kind: 'cluster-ip',
    address: port.clusterIP,
    port: port.port,
    way,
    refusal,
    allowedSources: undefined,
  };
  if (port.nodePort === 0 && port.loadBalancerIPs.length + port.externalIPs.length === 0) return [clusterIP];
  const nodeIP = node.nodeIPs?.find((ip) => familyOf(ip) === port.family);
  const external = externalTraffic(port, categories);
  const everybody = { allowedSources: undefined };
  const sources = allowedSources(port.sourceRanges, port.loadBalancerIPs, nodeIP);
  const found = new Map<string, Frontend>();
  const add = (frontend: Frontend) => {
    const id = `${frontend.address} ${frontend.port}`;
    if (!found.has(id)) found.set(id, frontend);
  };
  add(clusterIP);
  // Before the external IPs: an address that is both has the source ranges.
  for (const address of port.loadBalancerIPs) {
    add({ kind: 'load-balancer-ip', address, port: port.port, ...external, allowedSources: sources });
  }
  for (const address of port.externalIPs) {
    add({ kind: 'external-ip', address, port: port.port, ...external, ...everybody });
  }
  if (port.nodePort !== 0) {
    add({ kind: 'node-port', address: undefined, port: port.nodePort, ...external, ...everybody });
  }
  return compact([...found.values()]);
}

type Traffic = Pick<Frontend, 'way' | 'refusal'>;

function internalTraffic(port: ServicePort, { cluster, local, hasAny }: Categories): Traffic {
  const isLocal = port.internalTrafficPolicy === 'Local';
  const usable = isLocal ? local : cluster;
  if (usable.length === 0) return { way: undefined, refusal: hasAny ? 'drop' : 'reject' };
  return { way: isLocal ? 'local' : 'cluster', refusal: undefined };
}

function externalTraffic(port: ServicePort, { cluster, local, hasAny }: Categories): Traffic {
  if (!hasAny) return { way: undefined, refusal: 'reject' };
  if (port.externalTrafficPolicy === 'Local') {
    return { way: 'external-local', refusal: local.length === 0 ? 'drop' : undefined };
  }
  return cluster.length === 0
    ? { way: undefined, refusal: 'drop' }
    : { way: 'external-cluster', refusal: undefined };
}
