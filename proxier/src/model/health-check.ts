import type { EndpointSlice, Service } from '../kube/objects.ts';
import { endpointsOf } from './endpoints.ts';
import { FAMILIES } from './family.ts';
import type { NodeIdentity } from './node.ts';
import { servicePorts } from './service-ports.ts';

/** Where a load balancer asks: only for Services that it should send to nodes with endpoints alone. */
export function healthCheckPort({ spec }: Service): number | undefined {
  const asks = spec.type === 'LoadBalancer' && spec.externalTrafficPolicy === 'Local';
  return asks && spec.healthCheckNodePort !== 0 ? spec.healthCheckNodePort : undefined;
}

/** The Service's ready endpoints on this node over all its ports, counted by address. Those that terminate don't count. */
export function localReadyEndpoints(
  service: Service,
  slices: readonly EndpointSlice[],
  node: NodeIdentity,
): number {
  const addresses = new Set<string>();
  for (const family of FAMILIES) {
    for (const port of servicePorts(service, family)) {
      for (const { endpoint, ready } of endpointsOf(port, slices, node)) {
        if (ready && endpoint.isLocal) addresses.add(endpoint.address);
      }
    }
  }
  return addresses.size;
}
