import type { ClusterManifests } from '../cluster-generator/manifests.ts';
import type { EndpointSlice, Service } from '../src/kube/objects.ts';
import { objectName } from '../src/kube/objects.ts';
import { type ObjectKind, readObject } from '../src/kube/read-object.ts';

/** A cluster's objects as the proxier's reader reads them. */
export interface Objects {
  readonly services: ReadonlyMap<string, Service>;
  readonly endpointSlices: ReadonlyMap<string, EndpointSlice>;
}

/** Reads generated manifests; throws for one that is refused: the generator makes valid ones. */
export function objectsOf({ services, endpointSlices }: ClusterManifests): Objects {
  const all = [
    ...[...services.values()].map((manifest) => read(manifest, 'Service')),
    ...[...endpointSlices.values()].map((manifest) => read(manifest, 'EndpointSlice')),
  ];
  return {
    services: new Map(
      all.flatMap((object) => (object.kind === 'Service' ? [[objectName(object), object]] : [])),
    ),
    endpointSlices: new Map(
      all.flatMap((object) => (object.kind === 'EndpointSlice' ? [[objectName(object), object]] : [])),
    ),
  };
}

function read(manifest: unknown, kind: ObjectKind): Service | EndpointSlice {
  const result = readObject(manifest, kind);
  if (result.outcome === 'object') return result.object;
  throw new Error(`${JSON.stringify(manifest)} is refused: ${JSON.stringify(result)}`);
}
