import type { SliceEndpoint } from '../kube/objects.ts';

/** The node that this proxy runs on. */
export interface NodeIdentity {
  /** As in the endpoints' `nodeName`. */
  readonly nodeName: string;
  /** The node's addresses in canonical text, the primary one of each family first. */
  readonly nodeIPs?: readonly string[];
  /** Label `topology.kubernetes.io/zone`. */
  readonly zone?: string | undefined;
  /**
   * An endpoint without a `nodeName` is on this node when it has one of its addresses. For slices written by hand: kube-proxy
   * goes by `nodeName` alone.
   */
  readonly findsByAddress?: boolean;
}

/** True when the endpoint runs on the node. */
export function isOnNode({ nodeName, addresses }: SliceEndpoint, node: NodeIdentity): boolean {
  if (nodeName !== undefined) return nodeName === node.nodeName;
  if (node.findsByAddress !== true || addresses[0] === undefined) return false;
  return node.nodeIPs?.includes(addresses[0]) ?? false;
}
