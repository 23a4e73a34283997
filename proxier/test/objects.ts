import type { EndpointSlice, ObjectMeta, Service, ServiceSpec, SliceEndpoint } from '../src/kube/objects.ts';

function metadata(name: string, more: Partial<ObjectMeta>): ObjectMeta {
  const [namespace = '', short = ''] = name.split('/');
  return { name: short, namespace, creationTimestamp: undefined, labels: {}, ...more };
}

/** A Service with one port 80 and what `spec` says; `name` is `namespace/name`. */
export function aService(
  name: string,
  spec: Partial<ServiceSpec> = {},
  meta: Partial<ObjectMeta> = {},
  loadBalancerIngress: Service['loadBalancerIngress'] = [],
): Service {
  const clusterIPs = spec.clusterIPs ?? [];
  return {
    kind: 'Service',
    metadata: metadata(name, meta),
    spec: {
      type: 'ClusterIP',
      clusterIPs,
      ipFamilies: clusterIPs.filter((ip) => ip !== 'None').map((ip) => (ip.includes(':') ? 'IPv6' : 'IPv4')),
      ipFamilyPolicy: undefined,
      ports: [{ name: '', protocol: 'TCP', port: 80, nodePort: 0 }],
      internalTrafficPolicy: 'Cluster',
      externalTrafficPolicy: 'Cluster',
      sessionAffinitySeconds: undefined,
      externalIPs: [],
      loadBalancerSourceRanges: [],
      healthCheckNodePort: 0,
      ...spec,
    },
    loadBalancerIngress,
  };
}

/** An endpoint that is ready, on no known node. */
export function anEndpoint(address: string, more: Partial<SliceEndpoint> = {}): SliceEndpoint {
  return {
    addresses: [address],
    ready: true,
    serving: true,
    terminating: false,
    nodeName: undefined,
    zone: undefined,
    hints: { zones: [], nodes: [] },
    ...more,
  };
}

/** A slice of `service` (`namespace/name`) whose unnamed TCP port is 8080. */
export function aSlice(
  service: string,
  suffix: string,
  endpoints: readonly SliceEndpoint[],
  more: Partial<EndpointSlice> = {},
): EndpointSlice {
  const labels = { 'kubernetes.io/service-name': service.split('/')[1] ?? '' };
  return {
    kind: 'EndpointSlice',
    metadata: metadata(`${service}-${suffix}`, { labels }),
    addressType: endpoints[0]?.addresses[0]?.includes(':') ? 'IPv6' : 'IPv4',
    endpoints,
    ports: [{ name: '', protocol: 'TCP', port: 8080 }],
    ...more,
  };
}
