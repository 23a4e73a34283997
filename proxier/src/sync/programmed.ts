import type { PackedValue } from 'nftlink';
import { eachGrowingSet, GROWING_SETS, type GrowingSet } from '../layout/sets.ts';
import type { Difference } from './diff.ts';

/** What is in the kernel, as far as our own committed transactions tell. */
export interface Programmed {
  readonly elements: Readonly<Record<GrowingSet, Map<PackedValue, PackedValue>>>;
  /** Classes with a chain; those that `dispatch` leads to. */
  readonly chains: Set<number>;
  readonly dispatched: Set<number>;
  /** Endpoints that no Service uses any more, and since when (`performance.now()`): they go one transaction later. */
  readonly stale: Map<PackedValue, number>;
}

export function nothingProgrammed(): Programmed {
  return {
    elements: eachGrowingSet(() => new Map()),
    chains: new Set(),
    dispatched: new Set(),
    stale: new Map(),
  };
}

/** Takes down what a transaction did. */
export function record(programmed: Programmed, difference: Difference, nowMs: number): void {
  const { elements, stale, chains, dispatched } = programmed;
  for (const set of GROWING_SETS) {
    for (const key of difference.deleted[set]) elements[set].delete(key);
    for (const [key, value] of difference.added[set]) elements[set].set(key, value);
  }
  for (const key of difference.deleted.endpoints) stale.delete(key);
  for (const key of difference.added.endpoints.keys()) stale.delete(key);
  for (const key of difference.stale) stale.set(key, nowMs);
  for (const endpoints of difference.newClasses) {
    chains.add(endpoints);
    dispatched.add(endpoints);
  }
  for (const endpoints of difference.undispatched) dispatched.delete(endpoints);
  for (const endpoints of difference.removedChains) chains.delete(endpoints);
}
