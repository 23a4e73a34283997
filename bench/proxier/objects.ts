import type { EndpointSlice, Service } from '../../proxier/src/kube/objects.ts';
import { readObject } from '../../proxier/src/kube/read-object.ts';
import type { ClusterChanges } from '../../proxier/src/model/cluster.ts';
import { type ClusterSize, serviceManifest, sliceManifests } from './cluster.ts';

/** All objects of a cluster at once. */
export function allObjects({ services, endpoints }: ClusterSize): ClusterChanges {
  const numbers = Array.from({ length: services }, (_, i) => i);
  return changes(
    numbers.map(serviceObject),
    numbers.flatMap((i) => sliceObjects(i, endpoints)),
  );
}

/** So many objects an API server sends at a time when it is asked for a list in parts. */
const PAGE = 500;

/** The same page by page, Services first. Every object comes out of JSON, as from a watch. */
export function* objectPages({ services, endpoints }: ClusterSize): Iterable<ClusterChanges> {
  const numbers = Array.from({ length: services }, (_, i) => i);
  for (const page of pages(numbers)) yield changes(page.map(serviceObject), []);
  for (const page of pages(numbers))
    yield changes(
      [],
      page.flatMap((i) => sliceObjects(i, endpoints)),
    );
}

function* pages(numbers: readonly number[]): Iterable<readonly number[]> {
  for (let from = 0; from < numbers.length; from += PAGE) yield numbers.slice(from, from + PAGE);
}

export function changes(
  services: readonly Service[],
  endpointSlices: readonly EndpointSlice[],
  deleted: { readonly services: readonly string[]; readonly endpointSlices: readonly string[] } = NONE,
): ClusterChanges {
  return {
    services: { upserted: services, deleted: deleted.services },
    endpointSlices: { upserted: endpointSlices, deleted: deleted.endpointSlices },
  };
}

const NONE = { services: [], endpointSlices: [] };

export function serviceObject(i: number): Service {
  const object = objectOf(serviceManifest(i));
  if (object.kind !== 'Service') throw new Error('not a Service');
  return object;
}

/** `version`: as in {@link sliceManifests}. */
export function sliceObjects(i: number, endpoints: number, version = 0): readonly EndpointSlice[] {
  return sliceManifests(i, endpoints, version).map((manifest) => {
    const object = objectOf(manifest);
    if (object.kind !== 'EndpointSlice') throw new Error('not an EndpointSlice');
    return object;
  });
}

function objectOf(manifest: object): Service | EndpointSlice {
  const read = readObject(JSON.parse(JSON.stringify(manifest)));
  if (read.outcome !== 'object') throw new Error(`a manifest that can't be read: ${JSON.stringify(read)}`);
  return read.object;
}
