import type { IPFamily } from './manifests.ts';

/** Which addresses the generated clusters use for what, in each family. */
export interface AddressPlan {
  /** Of the node that the proxy runs on. */
  readonly nodeIP: string;
  /** Further addresses of that node. The last one may be a Service's external IP, too. */
  readonly otherLocalIPs: readonly string[];
  readonly otherNodeIP: string;
  readonly clusterCidr: string;
  /** The part of `clusterCidr` that this node's pods have. */
  readonly nodeCidr: string;
  readonly serviceCidr: string;
  /** Address number n of this node's pods; of other nodes' pods. */
  readonly localPod: (n: number) => string;
  readonly remotePod: (n: number) => string;
  readonly clusterIP: (n: number) => string;
  /** Addresses that Services may have outside the cluster; none is the node's own. */
  readonly externalIP: (n: number) => string;
  readonly loadBalancerIP: (n: number) => string;
  /** Pods that are no endpoint: of this node, of others. n is below 30,000, as for clients. */
  readonly localClient: (n: number) => string;
  readonly remoteClient: (n: number) => string;
  /** Clients on the internet: those that most source ranges let in, and others. */
  readonly client: (n: number) => string;
  readonly strangeClient: (n: number) => string;
  readonly sourceRanges: readonly string[];
}

export const ADDRESS_PLAN: Readonly<Record<IPFamily, AddressPlan>> = {
  IPv4: {
    nodeIP: '192.168.0.2',
    otherLocalIPs: ['192.168.1.2', '192.168.99.11'],
    otherNodeIP: '192.168.0.3',
    clusterCidr: '10.0.0.0/8',
    nodeCidr: '10.180.0.0/16',
    serviceCidr: '172.30.0.0/16',
    localPod: (n) => `10.180.0.${n}`,
    remotePod: (n) => `10.181.0.${n}`,
    clusterIP: (n) => `172.30.${n >> 8}.${n & 255}`,
    externalIP: (n) => `198.51.100.${10 + n}`,
    loadBalancerIP: (n) => `198.51.100.${100 + n}`,
    localClient: (n) => `10.180.${128 + (n >> 8)}.${n & 255}`,
    remoteClient: (n) => `10.181.${128 + (n >> 8)}.${n & 255}`,
    client: (n) => `198.18.${n >> 8}.${n & 255}`,
    strangeClient: (n) => `198.18.${128 + (n >> 8)}.${n & 255}`,
    sourceRanges: [
      '198.18.0.0/17',
      ' 198.18.0.0/17',
      '198.18.9.9/17 ',
      '198.18.0.0/18',
      '198.18.64.0/18',
      '198.18.0.5/32',
      '0.0.0.0/0',
      '192.168.0.0/24',
      '192.168.0.2/32',
      '10.0.0.0/8',
      '10.181.0.0/16',
      '198.51.100.0/24',
    ],
  },
  IPv6: {
    nodeIP: '2001:db8::2',
    otherLocalIPs: ['2001:db8:0:1::2', '2001:db8:0:99::11'],
    otherNodeIP: '2001:db8::3',
    clusterCidr: 'fd00:10::/32',
    nodeCidr: 'fd00:10:180::/64',
    serviceCidr: 'fd00:172:30::/112',
    localPod: (n) => `fd00:10:180::${n.toString(16)}`,
    remotePod: (n) => `fd00:10:181::${n.toString(16)}`,
    clusterIP: (n) => `fd00:172:30::${n.toString(16)}`,
    externalIP: (n) => `2001:db8:51::${(0x10 + n).toString(16)}`,
    loadBalancerIP: (n) => `2001:db8:51::${(0x100 + n).toString(16)}`,
    localClient: (n) => `fd00:10:180::1:${n.toString(16)}`,
    remoteClient: (n) => `fd00:10:181::1:${n.toString(16)}`,
    client: (n) => `2001:db8:203::${n.toString(16)}`,
    strangeClient: (n) => `2001:db8:203:1::${n.toString(16)}`,
    sourceRanges: [
      '2001:db8:203::/64',
      ' 2001:DB8:203:0::7/64',
      '2001:db8:203::5/128',
      '::/0',
      '2001:db8::/64',
      '2001:db8::2/128',
      'fd00:10::/32',
      'fd00:10:181::/64',
      '2001:db8:51::/48',
    ],
  },
};

/** Where the node that the proxy runs on is in the cluster. */
export const NODE_NAME = 'node-a';
export const OTHER_NODE_NAME = 'node-b';
export const ZONES = ['zone-a', 'zone-b', 'zone-c'] as const;

/** The interfaces that the interface modes of local detection go by. */
export const POD_BRIDGE = 'cbr0';
export const POD_INTERFACE_PREFIX = 'cali';

/** The node's addresses in both families. */
export const LOCAL_ADDRESSES: readonly string[] = [ADDRESS_PLAN.IPv4, ADDRESS_PLAN.IPv6].flatMap((plan) => [
  plan.nodeIP,
  ...plan.otherLocalIPs,
]);
