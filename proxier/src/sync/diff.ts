import type { PackedValue } from 'nftlink';
import { type ChainPlace, externalLocalName } from '../layout/class-chains.ts';
import type { DesiredState, NamedSpec } from '../layout/desired-state.ts';
import {
  CLUSTER_SETS,
  type ClusterSet,
  DISPATCH_MAPS,
  type DispatchMap,
  eachClusterSet,
  LED_TO,
} from '../layout/set-names.ts';
import { frontendOfSource } from '../layout/source-key.ts';
import { hasStale, type Programmed } from './programmed.ts';
import type { Unused } from './unused.ts';

/** What must be done to one family's table, besides its fixed chains. */
export interface Difference {
  readonly added: Readonly<Record<ClusterSet, ReadonlyMap<PackedValue, PackedValue>>>;
  readonly deleted: Readonly<Record<ClusterSet, readonly PackedValue[]>>;
  /** Elements that became stale: nothing is done about them yet. */
  readonly stale: Readonly<Record<ClusterSet, readonly PackedValue[]>>;
  /** Classes that lead somewhere from now on, and the chain's name. */
  readonly dispatched: Readonly<Record<DispatchMap, ReadonlyMap<number, string>>>;
  /** Classes that nothing leads to any more: taken out now, their chains one transaction later. */
  readonly undispatched: Readonly<Record<DispatchMap, readonly number[]>>;
  /** New chains and those with other rules than before. */
  readonly writtenChains: readonly NamedSpec[];
  readonly removedChains: readonly string[];
}

export interface DiffOptions {
  readonly nowMs: number;
  /** How long a packet may take between two lookups of ours, generously. */
  readonly graceMs: number;
  /** Unused classes are taken away too: wanted when nothing else is going on, so that chains don't come and go. */
  readonly retireClasses: boolean;
}

const NO_ELEMENTS: Elements = new Map();
const NO_KEYS: readonly PackedValue[] = [];
const NO_CLASSES: Difference['undispatched'] = { dispatch: [], dispatchLocal: [] };
const NO_NEW_CLASSES: Difference['dispatched'] = { dispatch: new Map(), dispatchLocal: new Map() };

/** Nothing is to be done. */
export const NO_DIFFERENCE: Difference = {
  added: eachClusterSet(() => NO_ELEMENTS),
  deleted: eachClusterSet(() => NO_KEYS),
  stale: eachClusterSet(() => NO_KEYS),
  dispatched: NO_NEW_CLASSES,
  undispatched: NO_CLASSES,
  writtenChains: [],
  removedChains: [],
};

/**
 * Compares what should be with what is, for what was touched. What an earlier lookup of a packet under way may still lead to
 * (an endpoint behind an index, a class's chain) is deleted in a later transaction than the one that makes it stale.
 */
export function diff(
  desired: DesiredState,
  programmed: Programmed,
  unused: Unused,
  place: ChainPlace,
  options: DiffOptions,
): Difference {
  if (!desired.isTouched && !hasStale(programmed) && !options.retireClasses) return NO_DIFFERENCE;
  const elements = compareElements(desired, programmed, place);
  treatStale(elements, desired, programmed, place, options);
  const undispatched = options.retireClasses ? unusedClasses(desired, unused) : NO_CLASSES;
  const mayRemove = options.retireClasses && DISPATCH_MAPS.every((map) => undispatched[map].length === 0);
  return {
    ...elements,
    dispatched: newClasses(desired, programmed),
    undispatched,
    writtenChains: writtenChains(desired, programmed, place),
    removedChains: mayRemove ? [...unused.chains].filter((name) => !desired.needsChain(name)) : [],
  };
}

/** What became stale before goes now, or must wait anew. */
function treatStale(
  elements: ReturnType<typeof compareElements>,
  desired: DesiredState,
  programmed: Programmed,
  place: ChainPlace,
  options: DiffOptions,
): void {
  for (const set of CLUSTER_SETS) {
    if (programmed.stale[set].size === 0) continue;
    const waiting = waitingAnew(desired, programmed, set);
    const gone = new Set(overdue(desired, programmed, set, options));
    for (const key of waiting) gone.delete(key);
    for (const key of inTheWay(desired, programmed, place, set)) gone.add(key);
    if (waiting.length > 0) elements.stale[set] = [...elements.stale[set], ...waiting];
    if (gone.size > 0) elements.deleted[set] = [...elements.deleted[set], ...gone];
  }
}

/** The touched chains whose rules are not there as they should be. */
export function writtenChains(
  desired: DesiredState,
  programmed: Programmed,
  place: ChainPlace,
): readonly NamedSpec[] {
  if (desired.touchedChains.size === 0) return [];
  return desired
    .chainSpecs(place, desired.touchedChains)
    .filter(({ name, spec }) => programmed.chains.get(name) !== spec.content);
}

function compareElements(desired: DesiredState, programmed: Programmed, place: ChainPlace) {
  const added = { ...NO_DIFFERENCE.added };
  const deleted = { ...NO_DIFFERENCE.deleted };
  const stale = { ...NO_DIFFERENCE.stale };
  for (const set of CLUSTER_SETS) {
    const touched = desired.touchedIn(set);
    if (touched?.size === 0) continue;
    const [should, is] = [desired.elements[set], programmed.elements[set]];
    // A full load.
    added[set] = is.size === 0 ? should : differing(touched, should, is);
    // The other case is a start that finds everything in place.
    if (is.size === 0 || (touched === undefined && added[set].size === 0 && is.size === should.size))
      continue;
    const old = [...(touched ?? is.keys())].filter((key) => is.has(key) && should.get(key) !== is.get(key));
    const isToGo = (key: PackedValue) => should.has(key) || !mustWait(desired, place, set, key);
    deleted[set] = old.filter(isToGo);
    stale[set] = old.filter((key) => !isToGo(key) && !programmed.stale[set].has(key));
  }
  return { added, deleted, stale };
}

type Elements = ReadonlyMap<PackedValue, PackedValue>;

/** What should be, of what was touched or of all, and is not, or is otherwise. */
function differing(touched: ReadonlySet<PackedValue> | undefined, should: Elements, is: Elements): Elements {
  const found = new Map<PackedValue, PackedValue>();
  if (touched === undefined) {
    for (const [key, value] of should) if (value !== is.get(key)) found.set(key, value);
    return found;
  }
  for (const key of touched) {
    const value = should.get(key);
    if (value !== undefined && value !== is.get(key)) found.set(key, value);
  }
  return found;
}

/** Whether packets may still be on their way to the element. */
function mustWait(desired: DesiredState, place: ChainPlace, set: ClusterSet, key: PackedValue): boolean {
  return LED_TO.has(set) && !isInTheWay(desired, place, set, key);
}

/** Stale elements that have come to contradict what is wanted. */
function inTheWay(
  desired: DesiredState,
  programmed: Programmed,
  place: ChainPlace,
  set: ClusterSet,
): readonly PackedValue[] {
  return [...programmed.stale[set].keys()].filter(
    (key) => !desired.elements[set].has(key) && isInTheWay(desired, place, set, key),
  );
}

/**
 * Who may no longer use a frontend is kept out at once, and the kernel refuses networks that overlap. What is dropped is never
 * refused, since that is looked for first. Where only this node's endpoints count and none is left, there is nowhere to go.
 */
function isInTheWay(desired: DesiredState, { sets }: ChainPlace, set: ClusterSet, key: PackedValue): boolean {
  switch (set) {
    case 'allowedSources':
      return desired.elements.restricted.has(frontendOfSource(sets, key));
    case 'dropped':
      return desired.elements.refused.has(key);
    case 'droppedNodeports':
      return desired.elements.refusedNodeports.has(key);
    case 'localServices':
      return desired.classOf('services', key) === externalLocalName('address');
    case 'localNodeports':
      return desired.classOf('nodeports', key) === externalLocalName('nodeport');
    default:
      return false;
  }
}

/** What refuses a frontend that is not in its map. */
const REFUSED_IN: ReadonlyMap<ClusterSet, 'services' | 'nodeports'> = new Map([
  ['refused', 'services'],
  ['dropped', 'services'],
  ['refusedNodeports', 'nodeports'],
  ['droppedNodeports', 'nodeports'],
]);

/** Stale refusals of frontends that come now: who has looked for them just before is refused as before, for as long as that takes. */
function waitingAnew(desired: DesiredState, programmed: Programmed, set: ClusterSet): readonly PackedValue[] {
  const frontends = REFUSED_IN.get(set);
  if (frontends === undefined) return NO_KEYS;
  const [should, is] = [desired.elements[frontends], programmed.elements[frontends]];
  return [...programmed.stale[set].keys()].filter((key) => should.has(key) && !is.has(key));
}

/** Stale elements that no packet can be on the way to any more. */
function overdue(
  desired: DesiredState,
  programmed: Programmed,
  set: ClusterSet,
  { nowMs, graceMs }: DiffOptions,
): readonly PackedValue[] {
  return [...programmed.stale[set]]
    .filter(([key, sinceMs]) => !desired.elements[set].has(key) && nowMs - sinceMs >= graceMs)
    .map(([key]) => key);
}

function newClasses(desired: DesiredState, programmed: Programmed): Difference['dispatched'] {
  if (desired.touchedClasses.size === 0) return NO_NEW_CLASSES;
  const of = (map: DispatchMap) =>
    new Map(
      [...desired.touchedClasses]
        .filter((number) => desired.classes.isUsed(number, map))
        .map((number) => [number, desired.classes.nameOf(number) ?? ''] as const)
        .filter(([number, name]) => programmed.dispatch[map].get(number) !== name),
    );
  return { dispatch: of('dispatch'), dispatchLocal: of('dispatchLocal') };
}

/** What was unused and is used again since is left. */
function unusedClasses(desired: DesiredState, { classes }: Unused): Difference['undispatched'] {
  const of = (map: DispatchMap) => [...classes[map]].filter((number) => !desired.classes.isUsed(number, map));
  return { dispatch: of('dispatch'), dispatchLocal: of('dispatchLocal') };
}

export function isEmpty(difference: Difference): boolean {
  return (
    CLUSTER_SETS.every((set) => difference.added[set].size === 0 && difference.deleted[set].length === 0) &&
    DISPATCH_MAPS.every(
      (map) => difference.dispatched[map].size === 0 && difference.undispatched[map].length === 0,
    ) &&
    difference.writtenChains.length === 0 &&
    difference.removedChains.length === 0
  );
}
