/**
 * What we read of Kubernetes' objects, with Kubernetes' names. Addresses are in canonical text and defaults are
 * filled in as the API server does, so that equal objects are deeply equal.
 */
import type { IPFamily } from './address.ts';
import { joined } from './compact.ts';

export interface ObjectMeta {
  readonly name: string;
  readonly namespace: string;
  /** RFC 3339. */
  readonly creationTimestamp: string | undefined;
  /** Of {@link READ_LABELS}. */
  readonly labels: Readonly<Record<string, string>>;
}

type Protocol = 'TCP' | 'UDP' | 'SCTP';
export type TrafficPolicy = 'Cluster' | 'Local';
type IPFamilyPolicy = 'SingleStack' | 'PreferDualStack' | 'RequireDualStack';

/** `service.spec.ports[]`. */
export interface ServicePortSpec {
  /** `''` for a port without a name. */
  readonly name: string;
  readonly protocol: Protocol;
  readonly port: number;
  /** 0: none. */
  readonly nodePort: number;
}

/** `service.status.loadBalancer.ingress[]` with an IP. */
export interface LoadBalancerIngress {
  readonly ip: string;
  readonly ipMode: 'VIP' | 'Proxy';
}

export interface ServiceSpec {
  readonly type: 'ClusterIP' | 'NodePort' | 'LoadBalancer' | 'ExternalName';
  /** `[]`: none given yet. `['None']`: headless. `clusterIP` is the first. */
  readonly clusterIPs: readonly string[];
  /** At least as long as the addresses in `clusterIPs`, in the same order. */
  readonly ipFamilies: readonly IPFamily[];
  readonly ipFamilyPolicy: IPFamilyPolicy | undefined;
  readonly ports: readonly ServicePortSpec[];
  readonly internalTrafficPolicy: TrafficPolicy;
  readonly externalTrafficPolicy: TrafficPolicy;
  /** Seconds of `sessionAffinity: ClientIP`; `undefined`: no affinity. */
  readonly sessionAffinitySeconds: number | undefined;
  readonly externalIPs: readonly string[];
  readonly loadBalancerSourceRanges: readonly string[];
  /** 0: none. */
  readonly healthCheckNodePort: number;
}

/** v1 Service. */
export interface Service {
  readonly kind: 'Service';
  readonly metadata: ObjectMeta;
  readonly spec: ServiceSpec;
  readonly loadBalancerIngress: readonly LoadBalancerIngress[];
}

/** `endpointSlice.ports[]`. */
export interface SlicePort {
  /** `undefined`: the port is ignored; `''` matches the Service port without a name. */
  readonly name: string | undefined;
  readonly protocol: Protocol;
  /** `undefined`: the port is ignored. */
  readonly port: number | undefined;
}

/** `endpointSlice.endpoints[]`. */
export interface SliceEndpoint {
  /** Only the first is used. */
  readonly addresses: readonly string[];
  readonly ready: boolean;
  readonly serving: boolean;
  readonly terminating: boolean;
  readonly nodeName: string | undefined;
  readonly zone: string | undefined;
  readonly hints: { readonly zones: readonly string[]; readonly nodes: readonly string[] };
}

/** discovery.k8s.io/v1 EndpointSlice. */
export interface EndpointSlice {
  readonly kind: 'EndpointSlice';
  readonly metadata: ObjectMeta;
  readonly addressType: IPFamily | 'FQDN';
  readonly endpoints: readonly SliceEndpoint[];
  readonly ports: readonly SlicePort[];
}

/** Objects that changed since the last time. */
export interface ObjectChanges<T> {
  readonly upserted: readonly T[];
  /** `namespace/name`. */
  readonly deleted: readonly string[];
}

/** A Service with this label (any value) belongs to another proxy. */
const PROXY_NAME_LABEL = 'service.kubernetes.io/service-proxy-name';
/** On an EndpointSlice: the Service of the same namespace that it belongs to. */
export const SERVICE_NAME_LABEL = 'kubernetes.io/service-name';
/** On an EndpointSlice (any value): its Service is headless, a proxy has no use for it. */
export const HEADLESS_LABEL = 'service.kubernetes.io/headless';

/** All other labels of an object are forgotten. */
export const READ_LABELS: readonly string[] = [PROXY_NAME_LABEL, SERVICE_NAME_LABEL, HEADLESS_LABEL];

/** `namespace/name`. */
export function objectName({ metadata }: { readonly metadata: ObjectMeta }): string {
  return joined('/', metadata.namespace, metadata.name);
}

/** True for `clusterIP: None`. */
export function isHeadless(service: Service): boolean {
  return service.spec.clusterIPs[0] === 'None';
}

/** True when a Service proxy has nothing to do for the Service: headless, an alias, or another proxy's. */
export function isSkipped(service: Service): boolean {
  return (
    isHeadless(service) || service.spec.type === 'ExternalName' || PROXY_NAME_LABEL in service.metadata.labels
  );
}
