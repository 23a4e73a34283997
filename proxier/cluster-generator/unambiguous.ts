import {
  type ClusterManifests,
  type EndpointManifest,
  type EndpointSliceManifest,
  manifestName,
} from './manifests.ts';

/**
 * The cluster without those endpoints of which kube-proxy leaves the conditions to chance: it reads a Service's slices in any order
 * (endpointslicecache.go, endpointInfoByServicePort), so that of an address in two of them only one copy may be of a running pod. What
 * is kept keeps its identity.
 */
export function unambiguous(cluster: ClusterManifests): ClusterManifests {
  const copies = new Map<string, { readonly isTerminating: boolean; count: number }>();
  const endpointSlices = new Map<string, EndpointSliceManifest>();
  for (const slice of cluster.endpointSlices.values()) {
    const service = `${slice.metadata.namespace} ${slice.metadata.labels?.['kubernetes.io/service-name']}`;
    const dropped = new Set<string>();
    for (const [address, isTerminating] of terminatingByAddress(slice.endpoints)) {
      const key = `${service} ${address}`;
      const other = copies.get(key);
      if (other === undefined) copies.set(key, { isTerminating, count: 1 });
      else if (other.count === 1 && other.isTerminating !== isTerminating) other.count += 1;
      else dropped.add(address);
    }
    endpointSlices.set(manifestName(slice), withoutAddresses(slice, dropped));
  }
  return { ...cluster, endpointSlices };
}

/** Within one slice the last copy that isn't terminating counts. */
function terminatingByAddress(endpoints: readonly EndpointManifest[]): ReadonlyMap<string, boolean> {
  const found = new Map<string, boolean>();
  for (const { addresses, conditions } of endpoints) {
    const [address = ''] = addresses;
    const isTerminating = conditions?.terminating ?? false;
    found.set(address, isTerminating && (found.get(address) ?? true));
  }
  return found;
}

function withoutAddresses(slice: EndpointSliceManifest, dropped: ReadonlySet<string>): EndpointSliceManifest {
  if (dropped.size === 0) return slice;
  return { ...slice, endpoints: slice.endpoints.filter(({ addresses }) => !dropped.has(addresses[0] ?? '')) };
}
