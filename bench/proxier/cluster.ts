import type { EndpointSliceManifest, ServiceManifest } from '../../proxier/cluster-generator/manifests.ts';

/** How large a cluster is. */
export interface ClusterSize {
  readonly services: number;
  /** Of each Service. */
  readonly endpoints: number;
}

/** The most that kube-controller-manager puts into one slice. */
const SLICE_LENGTH = 100;
const NODES = 500;

/** `namespace/name` of a Service. */
export function serviceName(i: number): string {
  return `${namespaceOf(i)}/service-${i}`;
}

/** A Service with one port, as an API server has it. */
export function serviceManifest(i: number): ServiceManifest {
  const clusterIP = `10.${octets(i + 1)}`;
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: {
      name: `service-${i}`,
      namespace: namespaceOf(i),
      labels: { app: `service-${i}` },
      ...stamps(i),
    },
    spec: {
      type: 'ClusterIP',
      clusterIP,
      clusterIPs: [clusterIP],
      ipFamilies: ['IPv4'],
      ipFamilyPolicy: 'SingleStack',
      ports: [{ name: 'http', protocol: 'TCP', port: 80 }],
    },
  };
}

/** The Service's EndpointSlices. A `version` other than 0 has another address in the place of the last endpoint's. */
export function sliceManifests(i: number, endpoints: number, version = 0): readonly EndpointSliceManifest[] {
  return Array.from({ length: Math.ceil(endpoints / SLICE_LENGTH) }, (_, n) =>
    sliceManifest(i, n, endpoints, version),
  );
}

function sliceManifest(i: number, n: number, endpoints: number, version: number): EndpointSliceManifest {
  const from = n * SLICE_LENGTH;
  const length = Math.min(SLICE_LENGTH, endpoints - from);
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: {
      name: `service-${i}-${n}`,
      namespace: namespaceOf(i),
      labels: { 'kubernetes.io/service-name': `service-${i}`, app: `service-${i}` },
      ...stamps(i),
    },
    addressType: 'IPv4',
    endpoints: Array.from({ length }, (_, k) => {
      const number = i * endpoints + from + k;
      const isOther = version !== 0 && from + k === endpoints - 1;
      return {
        addresses: [isOther ? `12.${octets(version)}` : `11.${octets(number)}`],
        conditions: { ready: true, serving: true, terminating: false },
        nodeName: `node-${number % NODES}`,
        zone: `zone-${number % 3}`,
      };
    }),
    ports: [{ name: 'http', protocol: 'TCP', port: 8080 }],
  };
}

function stamps(i: number): object {
  const uid = `00000000-0000-4000-8000-${i.toString(16).padStart(12, '0')}`;
  return { uid, creationTimestamp: '2026-01-31T12:00:00Z' };
}

function namespaceOf(i: number): string {
  return `team-${i % 100}`;
}

function octets(i: number): string {
  return `${(i >> 16) & 255}.${(i >> 8) & 255}.${i & 255}`;
}
