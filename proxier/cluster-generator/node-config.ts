import { ADDRESS_PLAN, NODE_NAME, POD_BRIDGE, POD_INTERFACE_PREFIX } from './address-plan.ts';
import type { Random } from './random.ts';

/** How local pods are told from the rest. */
export type DetectLocal =
  | { readonly mode: 'ClusterCIDR' | 'NodeCIDR'; readonly cidrs: readonly string[] }
  | { readonly mode: 'BridgeInterface'; readonly name: string }
  | { readonly mode: 'InterfaceNamePrefix'; readonly prefix: string }
  | { readonly mode: 'none' };

/** What a proxy is told about its node, other than the objects of the cluster. */
export interface NodeConfig {
  readonly nodeName: string;
  readonly nodeIPs: readonly string[];
  readonly podCidrs: readonly string[];
  readonly serviceCidrs: readonly string[];
  readonly detectLocal: DetectLocal;
  readonly masqueradeAll: boolean;
  readonly masqueradeBit: number;
  readonly nodePortAddresses: readonly string[];
}

const { IPv4, IPv6 } = ADDRESS_PLAN;

export const DEFAULT_NODE: NodeConfig = {
  nodeName: NODE_NAME,
  nodeIPs: [IPv4.nodeIP, IPv6.nodeIP],
  podCidrs: [IPv4.nodeCidr, IPv6.nodeCidr],
  serviceCidrs: [IPv4.serviceCidr, IPv6.serviceCidr],
  detectLocal: { mode: 'ClusterCIDR', cidrs: [IPv4.clusterCidr, IPv6.clusterCidr] },
  masqueradeAll: false,
  masqueradeBit: 14,
  nodePortAddresses: ['primary'],
};

const DETECT_LOCAL: readonly DetectLocal[] = [
  DEFAULT_NODE.detectLocal,
  { mode: 'ClusterCIDR', cidrs: [IPv4.clusterCidr] },
  { mode: 'ClusterCIDR', cidrs: [IPv6.clusterCidr] },
  { mode: 'NodeCIDR', cidrs: DEFAULT_NODE.podCidrs },
  { mode: 'BridgeInterface', name: POD_BRIDGE },
  { mode: 'InterfaceNamePrefix', prefix: POD_INTERFACE_PREFIX },
  { mode: 'none' },
];

const NODE_PORT_ADDRESSES: readonly (readonly string[])[] = [
  ['primary'],
  ['192.168.0.0/24', '2001:db8::/64'],
  ['192.168.0.2/32', '192.168.1.0/24', '2001:db8::2/128', '2001:db8:0:1::/64'],
  ['0.0.0.0/0', '::/0'],
  // A family without a CIDR of its own takes all addresses.
  ['192.168.0.0/16'],
  ['2001:db8:0:99::/64'],
  // Selects nothing.
  ['127.0.0.0/8', '10.255.0.0/16', 'fd99::/64'],
];

/** A node's settings: every form of local detection and node-port addresses comes up. */
export function randomNodeConfig(random: Random): NodeConfig {
  return {
    ...DEFAULT_NODE,
    detectLocal: random.chance(30) ? DEFAULT_NODE.detectLocal : random.pick(DETECT_LOCAL),
    masqueradeAll: random.chance(20),
    masqueradeBit: random.chance(80) ? 14 : random.below(32),
    nodePortAddresses: random.chance(30) ? DEFAULT_NODE.nodePortAddresses : random.pick(NODE_PORT_ADDRESSES),
  };
}
