import { type ClusterManifests, manifestName, type ServiceManifest } from './manifests.ts';

/**
 * The Service without those external and load balancer IPs that another Service of the cluster has on the same port. kube-proxy
 * leaves it to chance who gets them, so there is nothing to compare.
 */
export function withoutConflicts(service: ServiceManifest, cluster: ClusterManifests): ServiceManifest {
  const taken = new Set<string>();
  for (const other of cluster.services.values()) {
    if (manifestName(other) === manifestName(service)) continue;
    for (const address of addressesOutside(other))
      for (const claim of claims(other, address)) taken.add(claim);
  }
  const isFree = (address: string | undefined): boolean =>
    address === undefined || !claims(service, address).some((claim) => taken.has(claim));
  const { externalIPs, ...spec } = service.spec;
  const { status, ...rest } = service;
  const free = (externalIPs ?? []).filter(isFree);
  const ingress = (status?.loadBalancer?.ingress ?? []).filter(({ ip }) => isFree(ip));
  return {
    ...rest,
    spec: { ...spec, ...(free.length > 0 ? { externalIPs: free } : {}) },
    ...(ingress.length > 0 ? { status: { loadBalancer: { ingress } } } : {}),
  };
}

/** External and load balancer IPs as the manifest writes them. */
export function addressesOutside(service: ServiceManifest): readonly string[] {
  const ingress = service.status?.loadBalancer?.ingress ?? [];
  return [...(service.spec.externalIPs ?? []), ...ingress.flatMap(({ ip }) => ip ?? [])];
}

function claims(service: ServiceManifest, address: string): readonly string[] {
  const canonical = canonicalAddress(address);
  return (service.spec.ports ?? []).map(({ protocol = 'TCP', port }) => `${canonical} ${protocol} ${port}`);
}

/** Without leading zeros in IPv4. */
export function canonicalAddress(address: string): string {
  return address.includes(':') ? address : address.split('.').map(Number).join('.');
}
