import { type EndpointSlice, objectName, type Service } from '../kube/objects.ts';
import { type Categories, categorize } from './categorize.ts';
import { type Endpoint, endpointsOf, endpointText } from './endpoints.ts';
import { FAMILIES, type Family } from './family.ts';
import type { NodeIdentity } from './node.ts';
import { type L4Protocol, type ServicePort, servicePorts } from './service-ports.ts';

export type { Endpoint } from './endpoints.ts';
export type { Family } from './family.ts';
export type { NodeIdentity } from './node.ts';

/**
 * What a client connects to: one address, protocol and port of a Service. (Our own word: a Service port has as many
 * frontends as it has cluster, external and load balancer IPs and node ports.)
 */
export interface Frontend {
  readonly kind: 'cluster-ip';
  readonly family: Family;
  readonly address: string;
  readonly protocol: L4Protocol;
  readonly port: number;
  /** `shop/cart:http`, for comments, logs and reports. */
  readonly servicePort: string;
  /** Those it may use now, sorted by their `ip:port` text. */
  readonly endpoints: readonly Endpoint[];
  /** What happens to connections while `endpoints` is empty: rejected when no node has one, else dropped. */
  readonly refusal: 'reject' | 'drop' | undefined;
}

/** A local endpoint whose connections to itself through a Service must be masqueraded. */
interface Hairpin {
  readonly family: Family;
  readonly address: string;
  readonly protocol: L4Protocol;
  readonly port: number;
}

/** All that is to be programmed for one Service. */
export interface ServiceState {
  /** `namespace/name` */
  readonly service: string;
  readonly frontends: readonly Frontend[];
  readonly hairpins: readonly Hairpin[];
}

/** What is to be programmed for a Service with these EndpointSlices, all of them its own. */
export function serviceState(
  service: Service,
  slices: readonly EndpointSlice[],
  node: NodeIdentity,
): ServiceState {
  const frontends: Frontend[] = [];
  const hairpins = new Map<string, Hairpin>();
  for (const family of FAMILIES) {
    for (const port of servicePorts(service, family)) {
      const categories = categorize(endpointsOf(port, slices, node), port);
      frontends.push(clusterIPFrontend(port, categories));
      for (const hairpin of hairpinsOf(port, categories)) {
        hairpins.set(`${hairpin.protocol} ${endpointText(hairpin.address, hairpin.port)}`, hairpin);
      }
    }
  }
  return { service: objectName(service), frontends, hairpins: [...hairpins.values()] };
}

function clusterIPFrontend(servicePort: ServicePort, { cluster, local, hasAny }: Categories): Frontend {
  const { key, family, clusterIP, protocol, port, internalTrafficPolicy } = servicePort;
  const usable = internalTrafficPolicy === 'Local' ? local : cluster;
  const endpoints = usable.map(({ address, port, isLocal }): Endpoint => ({ address, port, isLocal }));
  const refusal = endpoints.length > 0 ? undefined : hasAny ? 'drop' : 'reject';
  return {
    kind: 'cluster-ip',
    family,
    address: clusterIP,
    protocol,
    port,
    servicePort: key,
    endpoints,
    refusal,
  };
}

function hairpinsOf({ family, protocol }: ServicePort, { allReachable }: Categories): readonly Hairpin[] {
  return allReachable
    .filter(({ isLocal }) => isLocal)
    .map(({ address, port }) => ({ family, address, protocol, port }));
}
