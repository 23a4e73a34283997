import type { PackedValue } from 'nftlink';
import type { DesiredState } from '../layout/desired-state.ts';
import {
  CLUSTER_SETS,
  type ClusterSet,
  capacityFor,
  eachClusterSet,
  type OwnSet,
  type SetInstances,
} from '../layout/set-names.ts';
import { type Difference, NO_DIFFERENCE } from './diff.ts';
import type { Programmed } from './programmed.ts';

type Elements = ReadonlyMap<PackedValue, PackedValue>;

/** Sets that are replaced by larger ones, and what those are to hold. */
export type Growth = ReadonlyMap<ClusterSet, Elements>;

const NO_GROWTH: Growth = new Map();

/**
 * The sets that would be too full, and all that they are to hold: a set's size is a hard limit, so they are replaced by larger
 * ones, with what packets under way may still ask for.
 */
export function growth(
  desired: DesiredState,
  { elements, stale }: Programmed,
  difference: Difference,
  instances: SetInstances,
  missingSets: readonly OwnSet[],
): Growth {
  if (difference === NO_DIFFERENCE) return NO_GROWTH;
  const grown = new Map<ClusterSet, Elements>();
  for (const set of CLUSTER_SETS) {
    const { size } = instances[set];
    // One that is made anew gets room to grow at once.
    const isRoomy = !missingSets.includes(set) || capacityFor(desired.elements[set].size) <= size;
    if (isRoomy && elements[set].size + difference.added[set].size <= size) continue;
    const waiting = [...stale[set].keys(), ...difference.stale[set]];
    grown.set(set, withWaiting(desired.elements[set], elements[set], waiting));
  }
  return grown;
}

function withWaiting(desired: Elements, present: Elements, waiting: readonly PackedValue[]): Elements {
  if (waiting.length === 0) return desired;
  const contents = new Map(desired);
  for (const key of waiting) {
    const value = present.get(key);
    if (value !== undefined && !contents.has(key)) contents.set(key, value);
  }
  return contents;
}

/** The names and sizes that replace them. */
export function largerInstances(
  instances: SetInstances,
  grown: Growth,
  missingSets: readonly OwnSet[],
): SetInstances {
  const larger = eachClusterSet((set) => {
    const contents = grown.get(set);
    if (contents === undefined) return instances[set];
    // One that is not there yet need not have another name.
    const epoch = instances[set].epoch + (missingSets.includes(set) ? 0 : 1);
    return { epoch, size: capacityFor(contents.size) };
  });
  return { ...instances, ...larger };
}

/** All elements of the replaced sets are to be added, none deleted. */
export function withAllElements(
  { added, deleted }: Difference,
  grown: Growth,
): Pick<Difference, 'added' | 'deleted'> {
  return {
    added: eachClusterSet((set) => grown.get(set) ?? added[set]),
    deleted: eachClusterSet((set) => (grown.has(set) ? [] : deleted[set])),
  };
}
