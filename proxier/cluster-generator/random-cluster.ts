import { withoutConflicts } from './claims.ts';
import { type ClusterManifests, manifestName, NO_MANIFESTS, type ServiceManifest } from './manifests.ts';
import type { Random } from './random.ts';
import { randomService, SERIALS } from './random-service.ts';
import { randomSlices } from './random-slices.ts';
import { unambiguous } from './unambiguous.ts';

/** A cluster of so many Services, each with its EndpointSlices. */
export function randomCluster(random: Random, services = 20): ClusterManifests {
  const serials = random.some([...Array(SERIALS).keys()], services);
  return unambiguous(
    serials.reduce((cluster, serial) => withNewService(random, cluster, serial), NO_MANIFESTS),
  );
}

/** The cluster with one more Service, and its slices. */
export function withNewService(random: Random, cluster: ClusterManifests, serial: number): ClusterManifests {
  const service = withoutConflicts(randomService(random, serial), cluster);
  const slices = randomSlices(random, service);
  return {
    services: new Map(cluster.services).set(manifestName(service), service),
    endpointSlices: new Map([
      ...cluster.endpointSlices,
      ...slices.map((slice) => [manifestName(slice), slice] as const),
    ]),
  };
}

/** The number that a Service's addresses and node ports follow from. */
export function serialOf(service: ServiceManifest): number {
  return Number(service.metadata.name.replace('svc-', ''));
}
