import type { PackedValue } from 'nftlink';
import type { DesiredElements } from '../layout/desired-elements.ts';
import { eachGrowingSet, GROWING_SETS, type GrowingSet } from '../layout/sets.ts';
import type { Programmed } from './programmed.ts';

/** What must be done to one family's table. */
export interface Difference {
  readonly added: Readonly<Record<GrowingSet, ReadonlyMap<PackedValue, PackedValue>>>;
  readonly deleted: Readonly<Record<GrowingSet, readonly PackedValue[]>>;
  /** Endpoints that became stale: nothing is done about them yet. */
  readonly stale: readonly PackedValue[];
  readonly newClasses: readonly number[];
  /** Classes that nothing leads to any more: taken out of `dispatch` now, their chains one transaction later. */
  readonly undispatched: readonly number[];
  readonly removedChains: readonly number[];
}

export interface DiffOptions {
  readonly nowMs: number;
  /** How long a packet may take between two lookups of ours, generously. */
  readonly graceMs: number;
  /** Unused classes are taken away too: wanted when nothing else is going on, so that chains don't come and go. */
  readonly retireClasses: boolean;
}

/**
 * Compares what should be with what is, for the keys that were touched. What an earlier lookup of a packet under way may
 * still lead to (an endpoint behind an index, a class's chain) is deleted in a later transaction than the one that makes
 * it stale.
 */
export function diff(desired: DesiredElements, programmed: Programmed, options: DiffOptions): Difference {
  const stale: PackedValue[] = [];
  const added = eachGrowingSet(() => new Map<PackedValue, PackedValue>());
  const deleted = eachGrowingSet((): PackedValue[] => []);
  const compare = (set: GrowingSet, key: PackedValue) => {
    const should = desired.elements[set].get(key);
    const is = programmed.elements[set].get(key);
    if (should === is) return;
    if (should !== undefined) added[set].set(key, should);
    if (is !== undefined) (should === undefined && set === 'endpoints' ? stale : deleted[set]).push(key);
  };
  for (const set of GROWING_SETS) for (const key of desired.touched[set]) compare(set, key);
  deleted.endpoints.push(...overdue(desired, programmed, options));
  const { classes, touchedClasses } = desired;
  const isNew = (endpoints: number) => classes.isUsed(endpoints) && !programmed.dispatched.has(endpoints);
  const unused = (of: ReadonlySet<number>) =>
    options.retireClasses ? [...of].filter((endpoints) => !classes.isUsed(endpoints)) : [];
  return {
    added,
    deleted,
    // What is stale already stays so since then.
    stale: stale.filter((key) => !programmed.stale.has(key)),
    newClasses: [...touchedClasses].filter(isNew),
    undispatched: unused(programmed.dispatched),
    removedChains: unused(programmed.chains).filter((endpoints) => !programmed.dispatched.has(endpoints)),
  };
}

/** Stale endpoints that no packet can be on the way to any more. */
function overdue(
  desired: DesiredElements,
  programmed: Programmed,
  options: DiffOptions,
): readonly PackedValue[] {
  return [...programmed.stale]
    .filter(([key, sinceMs]) => {
      const isWantedAgain = desired.elements.endpoints.has(key);
      return !isWantedAgain && options.nowMs - sinceMs >= options.graceMs;
    })
    .map(([key]) => key);
}

export function isEmpty(difference: Difference): boolean {
  return (
    Object.values(difference.added).every((elements) => elements.size === 0) &&
    Object.values(difference.deleted).every((keys) => keys.length === 0) &&
    difference.newClasses.length === 0 &&
    difference.undispatched.length === 0 &&
    difference.removedChains.length === 0
  );
}
