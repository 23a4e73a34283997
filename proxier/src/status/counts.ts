import { classParts } from '../layout/class-chains.ts';
import type { ClusterSet } from '../layout/set-names.ts';
import { stickyNumberOf } from '../layout/sticky-chains.ts';
import type { Programmed } from '../sync/programmed.ts';

/** How much of what a table has. */
export interface Counts {
  readonly clusterIPs: number;
  /** Frontends that lead to endpoints: by address, and by node port. */
  readonly frontends: number;
  readonly nodePorts: number;
  /** Frontends without endpoints, and those without one that may be used from here; node ports included. */
  readonly refused: number;
  readonly dropped: number;
  /** Frontends with source ranges. */
  readonly restricted: number;
  /** Different addresses with ports. */
  readonly endpoints: number;
  readonly classes: number;
  readonly fixedChains: number;
  readonly classChains: number;
  readonly stickyChains: number;
}

export function countsOf({ elements, dispatch, chains }: Programmed, fixedChains: number): Counts {
  const size = (...sets: readonly ClusterSet[]) => sets.reduce((sum, set) => sum + elements[set].size, 0);
  const names = [...chains.keys()];
  const endpoints = [elements.endpoints, elements.nodeportEndpoints, elements.stickyEndpoints].flatMap(
    (map) => [...map.values()],
  );
  return {
    clusterIPs: size('clusterIps'),
    frontends: size('services'),
    nodePorts: size('nodeports'),
    refused: size('refused', 'refusedNodeports'),
    dropped: size('dropped', 'droppedNodeports'),
    restricted: size('restricted'),
    endpoints: new Set(endpoints).size,
    classes: new Set([...dispatch.dispatch.keys(), ...dispatch.dispatchLocal.keys()]).size,
    fixedChains,
    classChains: names.filter((name) => classParts(name) !== undefined).length,
    stickyChains: names.filter((name) => stickyNumberOf(name) !== undefined).length,
  };
}
