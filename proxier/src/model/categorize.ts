import type { ConditionedEndpoint } from './endpoints.ts';
import type { NodeIdentity } from './node.ts';
import { nearby } from './topology.ts';

/** Which endpoints a Service port's traffic may go to. */
export interface Categories {
  /** For traffic that may go anywhere. Empty when the port has no such traffic. */
  readonly cluster: readonly ConditionedEndpoint[];
  /** For traffic that must stay on this node. Empty when the port has no such traffic. */
  readonly local: readonly ConditionedEndpoint[];
  /** Those on this node that some connection may reach. */
  readonly reachableHere: readonly ConditionedEndpoint[];
  /** False when no node has an endpoint: then connections are rejected, not dropped. */
  readonly hasAny: boolean;
}

/** kube-proxy's choice. Topology hints limit ready endpoints of the cluster kind only. */
export function categorize(
  endpoints: readonly ConditionedEndpoint[],
  uses: { readonly usesCluster: boolean; readonly usesLocal: boolean },
  node: NodeIdentity,
): Categories {
  const ready = endpoints.filter((endpoint) => endpoint.ready);
  const lastResort = endpoints.filter(({ serving, terminating }) => serving && terminating);
  const cluster = uses.usesCluster ? orElse(nearby(ready, node), lastResort) : [];
  const local = uses.usesLocal ? orElse(ready.filter(isLocal), lastResort.filter(isLocal)) : [];
  return {
    cluster,
    local,
    reachableHere: endpoints.filter(
      (each) => isLocal(each) && (cluster.includes(each) || local.includes(each)),
    ),
    hasAny: ready.length + lastResort.length > 0,
  };
}

function isLocal({ endpoint }: ConditionedEndpoint): boolean {
  return endpoint.isLocal;
}

function orElse<T>(first: readonly T[], second: readonly T[]): readonly T[] {
  return first.length > 0 ? first : second;
}
