import { type EndpointSlice, type ObjectChanges, objectName, type Service } from '../src/kube/objects.ts';
import { type ObjectKind, readObject } from '../src/kube/read-object.ts';
import type { Scenario, Step } from './corpus.ts';

/** Times of a scenario pass so many times faster: affinity and the waiting between steps. */
export const TIME_SCALE = 10;

/** Objects that were set and not deleted, as a watch would have them. */
export interface Objects {
  readonly services: ReadonlyMap<string, Service>;
  readonly endpointSlices: ReadonlyMap<string, EndpointSlice>;
}

/** What a proxier is told. */
export interface Changes {
  readonly services: ObjectChanges<Service>;
  readonly endpointSlices: ObjectChanges<EndpointSlice>;
}

/** Hears of objects that the proxier's own reader refuses: they don't reach the proxier then, as in its daemon. */
export type Note = (text: string) => void;

const NONE: Objects = { services: new Map(), endpointSlices: new Map() };

/** The objects that a scenario begins with. */
export function firstObjects({ services, endpointSlices }: Scenario, note: Note): Objects {
  return applied(NONE, changesOf({ services, endpointSlices }, {}, note));
}

/** What a step changes. */
export function stepChanges({ set = {}, delete: deleted = {} }: Step, note: Note): Changes {
  return changesOf(set, deleted, note);
}

/** The objects with the changes made. */
export function applied(objects: Objects, changes: Changes): Objects {
  return {
    services: updated(objects.services, changes.services),
    endpointSlices: updated(objects.endpointSlices, changes.endpointSlices),
  };
}

/** Everything there is, for a proxier that just started. */
export function asChanges({ services, endpointSlices }: Objects): Changes {
  return {
    services: { upserted: [...services.values()], deleted: [] },
    endpointSlices: { upserted: [...endpointSlices.values()], deleted: [] },
  };
}

function changesOf(
  { services = [], endpointSlices = [] }: NonNullable<Step['set']>,
  deleted: NonNullable<Step['delete']>,
  note: Note,
): Changes {
  const objects = [
    ...services.flatMap((value) => read(value, 'Service', note)),
    ...endpointSlices.flatMap((value) => read(value, 'EndpointSlice', note)),
  ];
  return {
    services: {
      upserted: objects.flatMap((object) => (object.kind === 'Service' ? [scaled(object)] : [])),
      deleted: deleted.services ?? [],
    },
    endpointSlices: {
      upserted: objects.flatMap((object) => (object.kind === 'EndpointSlice' ? [object] : [])),
      deleted: deleted.endpointSlices ?? [],
    },
  };
}

function updated<T extends Service | EndpointSlice>(
  objects: ReadonlyMap<string, T>,
  { upserted, deleted }: ObjectChanges<T>,
): ReadonlyMap<string, T> {
  const next = new Map(objects);
  for (const object of upserted) next.set(objectName(object), object);
  for (const name of deleted) next.delete(name);
  return next;
}

function read(value: unknown, kind: ObjectKind, note: Note): readonly (Service | EndpointSlice)[] {
  const result = readObject(value, kind);
  if (result.outcome === 'object') return [result.object];
  const complaints = result.outcome === 'ignored' ? [result.note] : result.complaints;
  const texts = complaints.map((complaint) => `${complaint?.path.join('.')}: ${complaint?.message}`);
  note(`the proxier refuses a ${kind}, ${JSON.stringify(value)}: ${texts.join('; ')}`);
  return [];
}

/** Affinity lasts a fraction of its time. */
function scaled(service: Service): Service {
  const { sessionAffinitySeconds } = service.spec;
  if (sessionAffinitySeconds === undefined) return service;
  return {
    ...service,
    spec: { ...service.spec, sessionAffinitySeconds: sessionAffinitySeconds / TIME_SCALE },
  };
}
