import type { AnySet, Chain, PackedValue } from 'nftlink';
import {
  CLUSTER_SETS,
  type ClusterSet,
  DISPATCH_MAPS,
  type DispatchMap,
  eachClusterSet,
} from '../layout/set-names.ts';
import type { Difference } from './diff.ts';

/** What is in the kernel: as it was read, and as our own committed transactions have changed it since. */
export interface Programmed {
  readonly elements: Readonly<Record<ClusterSet, Map<PackedValue, PackedValue>>>;
  /** Class → chain, by its name without epoch. */
  readonly dispatch: Readonly<Record<DispatchMap, Map<number, string>>>;
  /** Chains that Services have given reason for, by name without epoch, and what is in them. */
  readonly chains: Map<string, string>;
  /** Elements that nothing leads to any more, and since when (`performance.now()`): they go one transaction later. */
  readonly stale: Readonly<Record<ClusterSet, Map<PackedValue, number>>>;
  /** Chains and sets that nothing leads to any more: what a larger set or another layout has replaced. */
  readonly leftovers: Leftovers;
}

/** Whole objects that a later transaction deletes. */
export interface Leftovers {
  chains: readonly Chain[];
  sets: readonly AnySet[];
  /** `performance.now()`. */
  sinceMs: number;
}

export function nothingProgrammed(): Programmed {
  return programmedWith(() => undefined);
}

/** The elements are as they are, and nothing else is known. The maps become ours. */
export function programmedWith(
  elements: (set: ClusterSet) => Map<PackedValue, PackedValue> | undefined,
): Programmed {
  return {
    elements: eachClusterSet((set) => elements(set) ?? new Map<PackedValue, PackedValue>()),
    dispatch: { dispatch: new Map(), dispatchLocal: new Map() },
    chains: new Map(),
    stale: eachClusterSet(() => new Map()),
    leftovers: { chains: [], sets: [], sinceMs: 0 },
  };
}

/** Takes down what a transaction did. */
export function record(programmed: Programmed, difference: Difference, nowMs: number): void {
  const { elements, stale, chains, dispatch } = programmed;
  for (const set of CLUSTER_SETS) {
    for (const key of difference.deleted[set]) {
      elements[set].delete(key);
      stale[set].delete(key);
    }
    for (const [key, value] of difference.added[set]) {
      elements[set].set(key, value);
      stale[set].delete(key);
    }
    for (const key of difference.stale[set]) stale[set].set(key, nowMs);
  }
  for (const map of DISPATCH_MAPS) {
    for (const [number, name] of difference.dispatched[map]) dispatch[map].set(number, name);
    for (const number of difference.undispatched[map]) dispatch[map].delete(number);
  }
  for (const { name, spec } of difference.writtenChains) chains.set(name, spec.content);
  for (const name of difference.removedChains) chains.delete(name);
}

/** Whether elements wait for being deleted. */
export function hasStale({ stale }: Programmed): boolean {
  return CLUSTER_SETS.some((set) => stale[set].size > 0);
}
