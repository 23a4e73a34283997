import { type PackedValue, packValue, unpackValue } from 'nftlink';
import { classParts } from '../layout/class-chains.ts';
import { CLASS_MAPS } from '../layout/classes.ts';
import { classOfMark, indexMark, localIndexMark, markOf } from '../layout/numbers.ts';
import { type ClusterSet, type DispatchMap, SET_NAMES } from '../layout/set-names.ts';
import type { FamilySets } from '../layout/sets.ts';
import type { SlotRange, StickyPort } from '../layout/sticky-chains.ts';
import type { Programmed } from '../sync/programmed.ts';

/** Elements that others lead to and that are not there: connections that come to them are lost. One sentence for each. */
export function* danglingElements(
  sets: FamilySets,
  { elements, dispatch }: Programmed,
  stickies: readonly StickyPort[],
): Generator<string> {
  for (const [set, map] of CLASS_MAPS) {
    for (const [key, value] of elements[set]) {
      const chain = dispatch[map].get(classOfMark(markOf(value)) ?? 0);
      if (chain === undefined)
        yield `${nameOf(sets, set, key)} has a class that ${SET_NAMES[map]} does not know`;
      else yield* withoutEndpoint(sets, elements, set, { key, chain, map });
    }
  }
  for (const port of stickies) {
    for (const range of [port.cluster, port.local]) yield* withoutSlot(sets, elements, port, range);
  }
}

interface Led {
  readonly key: PackedValue;
  readonly chain: string;
  readonly map: DispatchMap;
}

type Elements = Programmed['elements'];

function* withoutEndpoint(
  sets: FamilySets,
  elements: Elements,
  set: ClusterSet,
  { key, chain }: Led,
): Generator<string> {
  const parts = classParts(chain);
  if (parts === undefined) return;
  const endpoints = parts.keyed === 'address' ? 'endpoints' : 'nodeportEndpoints';
  const mark = parts.kind === 'local-pick' ? localIndexMark : indexMark;
  for (let index = 0; index < parts.endpoints; index++) {
    const wanted = key + packValue(sets.services.data, mark(index));
    if (elements[endpoints].has(wanted)) continue;
    yield `${nameOf(sets, set, key)} has no endpoint ${index} in ${SET_NAMES[endpoints]}`;
  }
}

function* withoutSlot(
  sets: FamilySets,
  elements: Elements,
  { key }: StickyPort,
  range: SlotRange | undefined,
): Generator<string> {
  for (let index = 0; index < (range?.count ?? 0); index++) {
    const slot = packValue(sets.stickySlots.key, (range?.first ?? 0) + index);
    const id = elements.stickySlots.get(slot);
    if (id === undefined) yield `${key} has no slot ${index} in ${SET_NAMES.stickySlots}`;
    else if (!elements.stickyEndpoints.has(id))
      yield `${key} has no endpoint ${index} in ${SET_NAMES.stickyEndpoints}`;
  }
}

/** `services 10.96.0.10 . tcp . 80`. */
function nameOf(sets: FamilySets, set: ClusterSet, key: PackedValue): string {
  const values = unpackValue(sets[set].key as typeof sets.services.key, key) as readonly unknown[];
  return `${SET_NAMES[set]} ${values.join(' . ')}`;
}
