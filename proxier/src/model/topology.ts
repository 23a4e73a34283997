import type { ConditionedEndpoint } from './endpoints.ts';
import type { NodeIdentity } from './node.ts';

/**
 * Which of the ready endpoints this node should use, by their hints. Hints count only where every ready endpoint has some
 * and at least one is for us: else they would keep traffic from a Service that has endpoints. Node hints come before zone
 * hints.
 */
export function nearby(
  ready: readonly ConditionedEndpoint[],
  { nodeName, zone }: NodeIdentity,
): readonly ConditionedEndpoint[] {
  return (
    hinted(ready, ({ hints }) => hints.nodes, nodeName) ??
    hinted(ready, ({ hints }) => hints.zones, zone) ??
    ready
  );
}

function hinted(
  ready: readonly ConditionedEndpoint[],
  hintsOf: (endpoint: ConditionedEndpoint) => readonly string[],
  own: string | undefined,
): readonly ConditionedEndpoint[] | undefined {
  if (own === undefined || own === '') return undefined;
  if (!ready.every((endpoint) => hintsOf(endpoint).length > 0)) return undefined;
  const ours = ready.filter((endpoint) => hintsOf(endpoint).includes(own));
  return ours.length > 0 ? ours : undefined;
}
