import type { EndpointSlice, Service, ServicePortSpec } from '../src/kube/objects.ts';
import { type Choice, choose, collectEndpoints, type ModelEndpoint } from './endpoints.ts';
import { familyOf, type IPFamily, ofFamily } from './ranges.ts';

/** How traffic from pods is told from other traffic (§2.6). */
export type LocalDetection =
  | { readonly mode: 'ClusterCIDR' | 'NodeCIDR'; readonly cidrs: readonly string[] }
  | { readonly mode: 'BridgeInterface'; readonly name: string }
  | { readonly mode: 'InterfaceNamePrefix'; readonly prefix: string }
  | { readonly mode: 'none' };

/** The node and the options of its proxy. */
export interface ModelConfig {
  readonly nodeName: string;
  readonly zone: string | undefined;
  /** The first of each family is the node IP. */
  readonly nodeIPs: readonly string[];
  /** All addresses of the node but the loopback's. */
  readonly localAddresses: readonly string[];
  readonly detectLocal: LocalDetection;
  readonly masqueradeAll: boolean;
  /** `['primary']` or CIDRs. */
  readonly nodePortAddresses: readonly string[];
  readonly serviceCidrs: readonly string[];
}

/** A Service port in one family, and where its connections may go (§1.2, §2.5). */
export interface ModelPort {
  /** `ns/name:port/TCP/IPv4`: what affinity is kept by, together with the client. */
  readonly key: string;
  readonly family: IPFamily;
  readonly protocol: string;
  readonly port: number;
  /** 0: none. */
  readonly nodePort: number;
  readonly clusterIP: string;
  readonly externalIPs: readonly string[];
  readonly loadBalancerIPs: readonly string[];
  /** CIDRs of the family; empty: everybody may reach the load balancer's IPs. */
  readonly sourceRanges: readonly string[];
  readonly internalLocal: boolean;
  readonly externalLocal: boolean;
  readonly hasAffinity: boolean;
  readonly choice: Choice;
  /** Endpoints that some connection may reach: those of the policies in use. */
  readonly reachable: readonly ModelEndpoint[];
}

/** Everything that decides what becomes of a packet, affinity aside. */
export interface World {
  readonly config: ModelConfig;
  /** The oldest Service first: it wins where two want the same address. */
  readonly ports: readonly ModelPort[];
}

/** Works out the Service ports. */
export function makeWorld(
  config: ModelConfig,
  services: readonly Service[],
  slices: readonly EndpointSlice[],
): World {
  const byAge = [...services].sort((a, b) => (ageKey(a) < ageKey(b) ? -1 : 1));
  const ports = byAge.filter(isProxied).flatMap((service) => {
    const own = slices.filter((slice) => belongsTo(slice, service));
    return (['IPv4', 'IPv6'] as const).flatMap((family) =>
      service.spec.ports.flatMap((port) => modelPort(config, service, port, family, own) ?? []),
    );
  });
  return { config, ports };
}

function ageKey({ metadata }: Service): string {
  return `${metadata.creationTimestamp ?? ''} ${metadata.namespace}/${metadata.name}`;
}

function isProxied({ metadata, spec }: Service): boolean {
  const ofAnother = Object.hasOwn(metadata.labels, 'service.kubernetes.io/service-proxy-name');
  return !ofAnother && spec.type !== 'ExternalName' && !spec.clusterIPs.includes('None');
}

function belongsTo({ metadata }: EndpointSlice, service: Service): boolean {
  const { namespace, name } = service.metadata;
  if (Object.hasOwn(metadata.labels, 'service.kubernetes.io/headless')) return false;
  return metadata.namespace === namespace && metadata.labels['kubernetes.io/service-name'] === name;
}

function modelPort(
  config: ModelConfig,
  service: Service,
  { name, protocol, port, nodePort }: ServicePortSpec,
  family: IPFamily,
  slices: readonly EndpointSlice[],
): ModelPort | undefined {
  const { spec, metadata, loadBalancerIngress } = service;
  const clusterIP = spec.clusterIPs.find((ip) => familyOf(ip) === family);
  if (clusterIP === undefined) return undefined;
  const isOurs = (ip: string) => familyOf(ip) === family;
  const externalIPs = spec.externalIPs.filter(isOurs);
  const loadBalancerIPs = loadBalancerIngress
    .filter(({ ip, ipMode }) => ipMode === 'VIP' && isOurs(ip))
    .map(({ ip }) => ip);
  const isAccessible = nodePort !== 0 || externalIPs.length > 0 || loadBalancerIPs.length > 0;
  const mayBeLocal = spec.type !== 'ClusterIP' || spec.externalIPs.length > 0;
  const internalLocal = spec.internalTrafficPolicy === 'Local';
  const externalLocal = spec.externalTrafficPolicy === 'Local' && mayBeLocal;
  const all = collectEndpoints(slices, { name, protocol, family }, config.nodeName);
  const choice = choose(all, config);
  const usesCluster = !internalLocal || isAccessible;
  const usesLocal = internalLocal || (externalLocal && isAccessible);
  return {
    key: `${metadata.namespace}/${metadata.name}:${name}/${protocol}/${family}`,
    family,
    protocol,
    port,
    nodePort,
    clusterIP,
    externalIPs,
    loadBalancerIPs,
    sourceRanges: ofFamily(spec.loadBalancerSourceRanges, family),
    internalLocal,
    externalLocal,
    hasAffinity: spec.sessionAffinitySeconds !== undefined,
    choice,
    reachable: [...new Set([...(usesCluster ? choice.cluster : []), ...(usesLocal ? choice.local : [])])],
  };
}
