/**
 * Kubernetes objects as users and controllers write them, as JSON, reduced to the fields that matter to a Service proxy. What is
 * left out gets its default from whoever reads it: an API server, or `readObject`.
 */

export type Protocol = 'TCP' | 'UDP' | 'SCTP';
export type IPFamily = 'IPv4' | 'IPv6';
type TrafficPolicy = 'Cluster' | 'Local';

interface Metadata {
  readonly name: string;
  readonly namespace: string;
  readonly labels?: Readonly<Record<string, string>>;
}

export interface ServicePortManifest {
  readonly name?: string;
  readonly protocol?: Protocol;
  readonly port: number;
  readonly nodePort?: number;
}

export interface IngressManifest {
  readonly ip?: string;
  readonly hostname?: string;
  readonly ipMode?: 'VIP' | 'Proxy';
}

export interface ServiceSpecManifest {
  readonly type?: 'ClusterIP' | 'NodePort' | 'LoadBalancer' | 'ExternalName';
  readonly externalName?: string;
  readonly clusterIP?: string;
  readonly clusterIPs?: readonly string[];
  readonly ipFamilies?: readonly IPFamily[];
  readonly ipFamilyPolicy?: 'SingleStack' | 'PreferDualStack' | 'RequireDualStack';
  readonly ports?: readonly ServicePortManifest[];
  readonly internalTrafficPolicy?: TrafficPolicy;
  readonly externalTrafficPolicy?: TrafficPolicy;
  readonly sessionAffinity?: 'None' | 'ClientIP';
  readonly sessionAffinityConfig?: { readonly clientIP: { readonly timeoutSeconds: number } };
  readonly externalIPs?: readonly string[];
  readonly loadBalancerSourceRanges?: readonly string[];
  readonly healthCheckNodePort?: number;
}

export interface ServiceManifest {
  readonly apiVersion: 'v1';
  readonly kind: 'Service';
  readonly metadata: Metadata;
  readonly spec: ServiceSpecManifest;
  readonly status?: { readonly loadBalancer?: { readonly ingress?: readonly IngressManifest[] } };
}

export interface EndpointManifest {
  readonly addresses: readonly string[];
  readonly conditions?: {
    readonly ready?: boolean;
    readonly serving?: boolean;
    readonly terminating?: boolean;
  };
  readonly nodeName?: string;
  readonly zone?: string;
  readonly hints?: {
    readonly forZones?: readonly { readonly name: string }[];
    readonly forNodes?: readonly { readonly name: string }[];
  };
}

export interface SlicePortManifest {
  readonly name?: string;
  readonly protocol?: Protocol;
  readonly port?: number;
}

export interface EndpointSliceManifest {
  readonly apiVersion: 'discovery.k8s.io/v1';
  readonly kind: 'EndpointSlice';
  readonly metadata: Metadata;
  readonly addressType: IPFamily;
  readonly endpoints: readonly EndpointManifest[];
  readonly ports: readonly SlicePortManifest[];
}

/** What there is in a cluster, by `namespace/name`. */
export interface ClusterManifests {
  readonly services: ReadonlyMap<string, ServiceManifest>;
  readonly endpointSlices: ReadonlyMap<string, EndpointSliceManifest>;
}

export const NO_MANIFESTS: ClusterManifests = { services: new Map(), endpointSlices: new Map() };

/** `namespace/name` */
export function manifestName({ metadata }: { readonly metadata: Metadata }): string {
  return `${metadata.namespace}/${metadata.name}`;
}

export function familyOf(address: string): IPFamily {
  return address.includes(':') ? 'IPv6' : 'IPv4';
}

/** The cluster's slices of a Service. */
export function slicesOf(
  cluster: ClusterManifests,
  service: ServiceManifest,
): readonly EndpointSliceManifest[] {
  const { namespace, name } = service.metadata;
  return [...cluster.endpointSlices.values()].filter(
    ({ metadata }) =>
      metadata.namespace === namespace && metadata.labels?.['kubernetes.io/service-name'] === name,
  );
}
