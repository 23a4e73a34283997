import type { EndpointSliceManifest, IPFamily, ServiceManifest } from '../cluster-generator/manifests.ts';
import { familyOf } from '../cluster-generator/manifests.ts';

/** An object as an API server stores and sends it. */
export interface ApiObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly [field: string]: unknown;
  };
  readonly [field: string]: unknown;
}

/** What an API server makes of a Service when it is created: its defaults (pkg/apis/core/v1/defaults.go) filled in. */
export function serviceObject({ metadata, spec, status, ...type }: ServiceManifest): ApiObject {
  // Each of the two fields follows from the other.
  const clusterIPs = spec.clusterIPs ?? (spec.clusterIP === undefined ? [] : [spec.clusterIP]);
  const clusterIP = spec.clusterIP ?? clusterIPs[0];
  const families = clusterIPs.filter((ip) => ip !== 'None').map((ip): IPFamily => familyOf(ip));
  const isExternal =
    spec.type === 'NodePort' || spec.type === 'LoadBalancer' || (spec.externalIPs ?? []).length > 0;
  const ingress = (status?.loadBalancer?.ingress ?? []).map((entry) =>
    entry.ip === undefined ? entry : { ipMode: 'VIP', ...entry },
  );
  return {
    ...type,
    metadata: { ...metadata },
    spec: {
      type: 'ClusterIP',
      sessionAffinity: 'None',
      ipFamilies: families,
      ipFamilyPolicy: 'SingleStack',
      internalTrafficPolicy: 'Cluster',
      ...(isExternal ? { externalTrafficPolicy: 'Cluster' } : {}),
      ...(spec.sessionAffinity === 'ClientIP'
        ? { sessionAffinityConfig: { clientIP: { timeoutSeconds: 10_800 } } }
        : {}),
      ...spec,
      ...(clusterIP === undefined ? {} : { clusterIP, clusterIPs }),
      ports: (spec.ports ?? []).map((port) => ({ protocol: 'TCP', targetPort: port.port, ...port })),
    },
    status: { loadBalancer: ingress.length > 0 ? { ingress } : {} },
  };
}

/** The same for an EndpointSlice (pkg/apis/discovery/v1/defaults.go). */
export function endpointSliceObject({ ports, ...slice }: EndpointSliceManifest): ApiObject {
  return {
    ...slice,
    metadata: { ...slice.metadata },
    ports: ports.map((port) => ({ name: '', protocol: 'TCP', ...port })),
  };
}

/** The Node that kube-proxy looks itself up by. */
export function nodeObject(node: {
  readonly name: string;
  readonly addresses: readonly string[];
  readonly podCidrs: readonly string[];
  readonly zone: string | undefined;
}): ApiObject {
  const labels = {
    'kubernetes.io/hostname': node.name,
    ...(node.zone === undefined ? {} : { 'topology.kubernetes.io/zone': node.zone }),
  };
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name: node.name, labels },
    spec: { podCIDR: node.podCidrs[0], podCIDRs: node.podCidrs },
    status: { addresses: node.addresses.map((address) => ({ type: 'InternalIP', address })) },
  };
}

export function serviceCidrObject(cidrs: readonly string[]): ApiObject {
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'ServiceCIDR',
    metadata: { name: 'kubernetes' },
    spec: { cidrs },
    status: { conditions: [{ type: 'Ready', status: 'True' }] },
  };
}
