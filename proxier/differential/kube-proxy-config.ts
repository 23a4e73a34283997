import type { DetectLocal, NodeConfig } from '../cluster-generator/node-config.ts';

/** kube-proxy's configuration file. JSON is YAML, too. */
export function kubeProxyConfig(node: NodeConfig, kubeconfig: string): string {
  const json = 'application/json';
  return JSON.stringify({
    apiVersion: 'kubeproxy.config.k8s.io/v1alpha1',
    kind: 'KubeProxyConfiguration',
    mode: 'nftables',
    hostnameOverride: node.nodeName,
    clientConnection: { kubeconfig, contentType: json, acceptContentTypes: json, qps: 1000, burst: 1000 },
    nftables: {
      masqueradeBit: node.masqueradeBit,
      masqueradeAll: node.masqueradeAll,
      minSyncPeriod: '1ms',
      // How soon it tries again after a failure.
      syncPeriod: '1s',
    },
    nodePortAddresses: node.nodePortAddresses,
    ...localDetection(node.detectLocal),
    // 0: the machine's own sizes and times are left alone.
    conntrack: { maxPerCore: 0, min: 0, tcpEstablishedTimeout: '0s', tcpCloseWaitTimeout: '0s' },
    healthzBindAddress: '127.0.0.1:10256',
    metricsBindAddress: '127.0.0.1:10249',
  });
}

function localDetection(detect: DetectLocal): object {
  switch (detect.mode) {
    case 'ClusterCIDR':
      return { detectLocalMode: detect.mode, clusterCIDR: detect.cidrs.join(',') };
    case 'NodeCIDR':
      return { detectLocalMode: detect.mode };
    case 'BridgeInterface':
      return { detectLocalMode: detect.mode, detectLocal: { bridgeInterface: detect.name } };
    case 'InterfaceNamePrefix':
      return { detectLocalMode: detect.mode, detectLocal: { interfaceNamePrefix: detect.prefix } };
    case 'none':
      // ClusterCIDR without a CIDR: nothing counts as local.
      return { detectLocalMode: 'ClusterCIDR' };
  }
}

/** How to reach the API server: no credentials. */
export function kubeconfig(port: number): string {
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'lab', cluster: { server: `http://127.0.0.1:${port}` } }],
    contexts: [{ name: 'lab', context: { cluster: 'lab', user: 'lab' } }],
    users: [{ name: 'lab', user: {} }],
    'current-context': 'lab',
  });
}
