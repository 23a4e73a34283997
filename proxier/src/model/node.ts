import type { SliceEndpoint } from '../kube/objects.ts';

/** The node that this proxy runs on. */
export interface NodeIdentity {
  /** As in the endpoints' `nodeName`. */
  readonly nodeName: string;
  /** The node's addresses in canonical text. For slices written by hand: kube-proxy goes by `nodeName` alone. */
  readonly nodeIPs?: readonly string[];
}

/** True when the endpoint runs on the node: by its `nodeName`; without one, by its address. */
export function isOnNode({ nodeName, addresses }: SliceEndpoint, node: NodeIdentity): boolean {
  if (nodeName !== undefined) return nodeName === node.nodeName;
  return addresses[0] !== undefined && (node.nodeIPs?.includes(addresses[0]) ?? false);
}
