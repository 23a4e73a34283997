import type { Probe, ProbeResult } from '../../lab/packets/packet-lab.ts';
import type { NodeConfig } from '../cluster-generator/node-config.ts';
import type { ClusterState } from '../cluster-generator/random-change.ts';

/** A proxy on a node of its own, to be compared with another one. */
export interface Side extends AsyncDisposable {
  readonly name: string;
  /** A proxy with these settings and this cluster, over what the one before it has left. Resolves when all is programmed. */
  start(node: NodeConfig, state: ClusterState): Promise<void>;
  /** Brings the cluster, and the node's zone, to another state. Resolves when all of it is programmed. */
  change(state: ClusterState): Promise<void>;
  send(probes: readonly Probe[]): Promise<readonly ProbeResult[]>;
  /** Empties the node's conntrack. */
  forgetConnections(): void;
}
