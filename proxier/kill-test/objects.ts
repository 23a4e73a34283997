import type { Random } from '../cluster-generator/random.ts';

/** The cluster of the kill test: Services of every kind in front of servers that never stop. */

/** Addresses of the servers; each answers at port 8080. */
export const SERVERS = ['10.244.0.2', '10.244.1.2', '10.244.2.2', '10.244.3.2'];
export const NODE_IP = '192.0.2.1';

interface Frontends {
  readonly spec: object;
  readonly status?: object;
  /** What clients connect to. */
  readonly clients: readonly string[];
}

const port = (more: object = {}) => [{ name: 'p', protocol: 'TCP', port: 80, ...more }];
const vip = (ip: string) => ({ status: { loadBalancer: { ingress: [{ ip }] } } });

/** Services by name. Clients are outside: node ports and load balancers are meant for them, cluster IPs work too. */
export const SERVICES: Readonly<Record<string, Frontends>> = {
  plain: { spec: { clusterIP: '10.96.0.11', ports: port() }, clients: ['10.96.0.11:80'] },
  nodeport: {
    spec: { clusterIP: '10.96.0.13', type: 'NodePort', ports: port({ nodePort: 30_013 }) },
    clients: [`${NODE_IP}:30013`],
  },
  balanced: {
    spec: {
      clusterIP: '10.96.0.14',
      type: 'LoadBalancer',
      ports: port({ nodePort: 30_014 }),
      loadBalancerSourceRanges: ['198.51.100.0/24', '192.0.2.0/24'],
    },
    ...vip('203.0.113.14'),
    clients: ['203.0.113.14:80'],
  },
  sticky: {
    spec: { clusterIP: '10.96.0.15', sessionAffinity: 'ClientIP', ports: port() },
    clients: ['10.96.0.15:80'],
  },
  local: {
    spec: {
      clusterIP: '10.96.0.16',
      type: 'LoadBalancer',
      externalTrafficPolicy: 'Local',
      ports: port({ nodePort: 30_016 }),
    },
    ...vip('203.0.113.16'),
    clients: ['203.0.113.16:80', `${NODE_IP}:30016`],
  },
};

/** So many other Services make every load last a while. */
const CROWD = 1_000;

/** The Services that nobody connects to. */
export function crowd(): readonly object[] {
  return Array.from({ length: CROWD }, (_, n) => {
    const [high, low] = [Math.floor(n / 250), n % 250];
    const spec = { clusterIP: `10.97.${high}.${low + 1}`, ports: port() };
    return [manifest(`crowd-${n}`, { spec }), endpoints(`crowd-${n}`, [`10.245.${high}.${low + 1}`])];
  }).flat();
}

/** The objects of one Service with some of the servers, never none. */
export function objectsOf(random: Random, name: string): readonly object[] {
  const { spec, status } = SERVICES[name] ?? { spec: {} };
  const chosen = SERVERS.filter(() => random.chance(50));
  const servers = chosen.length > 0 ? chosen : [random.pick(SERVERS)];
  return [manifest(name, status === undefined ? { spec } : { spec, status }), endpoints(name, servers)];
}

function manifest(name: string, more: object): object {
  return { apiVersion: 'v1', kind: 'Service', metadata: { name }, ...more };
}

function endpoints(name: string, addresses: readonly string[]): object {
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name: `${name}-1`, labels: { 'kubernetes.io/service-name': name } },
    addressType: 'IPv4',
    ports: [{ name: 'p', protocol: 'TCP', port: 8080 }],
    // All on the node under test: with externalTrafficPolicy Local they are used.
    endpoints: addresses.map((address) => ({ addresses: [address], nodeName: 'here' })),
  };
}
