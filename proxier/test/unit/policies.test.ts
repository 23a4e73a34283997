import { describe, expect, test } from 'vitest';
import type { Service, ServiceSpec, SliceEndpoint } from '../../src/kube/objects.ts';
import { Cluster } from '../../src/model/cluster.ts';
import { type NodeIdentity, type PortState, serviceState } from '../../src/model/frontends.ts';
import { allowedSources } from '../../src/model/source-ranges.ts';
import { anEndpoint, aService, aSlice } from '../objects.ts';

/** What kube-proxy makes of policies, hints and ranges. */
const NODE: NodeIdentity = { nodeName: 'here', nodeIPs: ['192.0.2.10', '2001:db8::10'], zone: 'a' };
const here = { nodeName: 'here' };
const LOCAL = { internalTrafficPolicy: 'Local' } as const;
const EXTERNAL_LOCAL = { externalTrafficPolicy: 'Local' } as const;
const nodePort = [{ name: '', protocol: 'TCP' as const, port: 80, nodePort: 30080 }];
const NODE_PORT = { type: 'NodePort' as const, ports: nodePort };

function portOf(
  spec: Partial<ServiceSpec>,
  endpoints: readonly SliceEndpoint[],
  ingress: Service['loadBalancerIngress'] = [],
  node = NODE,
): PortState {
  const service = aService('shop/cart', { clusterIPs: ['10.96.0.1'], ...spec }, {}, ingress);
  const slice = aSlice('shop/cart', '1', endpoints, { addressType: 'IPv4' });
  const [port] = serviceState(service, [slice], node).ports;
  if (port === undefined) throw new Error('no port');
  return port;
}

const lasts = (endpoints: PortState['cluster']) =>
  endpoints.map(({ address }) => address.split('.').at(-1)).join(' ');
const ways = ({ frontends }: PortState) =>
  frontends.map(({ kind, address, way, refusal }) => `${kind} ${address} ${way} ${refusal}`);

const remote = anEndpoint('10.1.0.1');
const near = anEndpoint('10.1.0.2', here);
const leaving = anEndpoint('10.1.0.3', { ready: false, terminating: true });
const leavingHere = anEndpoint('10.1.0.4', { ...here, ready: false, terminating: true });

describe('frontends', () => {
  test('of all kinds; one address once, with its source ranges', () => {
    const port = portOf(
      { ...NODE_PORT, type: 'LoadBalancer', externalIPs: ['198.51.100.1', '203.0.113.1'] },
      [remote],
      [
        { ip: '203.0.113.1', ipMode: 'VIP' },
        { ip: '203.0.113.2', ipMode: 'Proxy' },
        { ip: '2001:db8::1', ipMode: 'VIP' },
      ],
    );
    expect(ways(port)).toEqual([
      'cluster-ip 10.96.0.1 cluster undefined',
      'load-balancer-ip 203.0.113.1 external-cluster undefined',
      'external-ip 198.51.100.1 external-cluster undefined',
      'node-port undefined external-cluster undefined',
    ]);
  });

  const cases: readonly (readonly [
    string,
    Partial<ServiceSpec>,
    readonly SliceEndpoint[],
    string,
    string,
    string,
    string,
  ])[] = [
    ['cluster and cluster', {}, [remote, near], 'cluster undefined', 'external-cluster undefined', '1 2', ''],
    ['local and cluster', LOCAL, [remote, near], 'local undefined', 'external-cluster undefined', '1 2', '2'],
    [
      'cluster and local',
      EXTERNAL_LOCAL,
      [remote, near],
      'cluster undefined',
      'external-local undefined',
      '1 2',
      '2',
    ],
    [
      'none here',
      { ...LOCAL, ...EXTERNAL_LOCAL },
      [remote],
      'undefined drop',
      'external-local drop',
      '1',
      '',
    ],
    ['none anywhere', { ...LOCAL, ...EXTERNAL_LOCAL }, [], 'undefined reject', 'undefined reject', '', ''],
    [
      'only leaving ones',
      EXTERNAL_LOCAL,
      [leaving, leavingHere],
      'cluster undefined',
      'external-local undefined',
      '3 4',
      '4',
    ],
    [
      'only leaving ones here',
      { ...LOCAL, ...EXTERNAL_LOCAL },
      [remote, leavingHere],
      'local undefined',
      'external-local undefined',
      '1',
      '4',
    ],
  ];

  test.each(cases)('%s', (_what, spec, endpoints, internal, external, cluster, local) => {
    const port = portOf({ ...NODE_PORT, ...spec }, endpoints);
    expect(ways(port)).toEqual([`cluster-ip 10.96.0.1 ${internal}`, `node-port undefined ${external}`]);
    expect([lasts(port.cluster), lasts(port.local)]).toEqual([cluster, local]);
  });

  test.each<readonly [string, Partial<ServiceSpec>, Service['loadBalancerIngress'], string]>([
    ['a ClusterIP Service with an external IP', { externalIPs: ['198.51.100.1'] }, [], 'external-local'],
    [
      'a ClusterIP Service with a load balancer IP',
      {},
      [{ ip: '203.0.113.1', ipMode: 'VIP' }],
      'external-cluster',
    ],
    ['a ClusterIP Service with a node port', { ports: nodePort }, [], 'external-cluster'],
    ['a NodePort Service', NODE_PORT, [], 'external-local'],
  ])('externalTrafficPolicy Local of %s', (_what, spec, ingress, way) => {
    const port = portOf({ ...spec, ...EXTERNAL_LOCAL }, [remote, near], ingress);
    expect(port.frontends.at(-1)?.way).toBe(way);
  });

  test('affinity is of the Service port, for so many milliseconds', () => {
    expect(portOf({ sessionAffinitySeconds: 10_800 }, [remote]).affinityMs).toBe(10_800_000);
    expect(portOf({}, [remote]).affinityMs).toBeUndefined();
  });

  test('serving endpoints are told of UDP ports only', () => {
    const slice = aSlice(
      'shop/cart',
      '1',
      [remote, leaving, anEndpoint('10.1.0.9', { ready: false, serving: false })],
      {
        ports: [{ name: '', protocol: 'UDP', port: 53 }],
      },
    );
    const ports = [{ name: '', protocol: 'UDP' as const, port: 53, nodePort: 0 }];
    const { ports: states } = serviceState(
      aService('shop/cart', { clusterIPs: ['10.96.0.1'], ports }),
      [slice],
      NODE,
    );
    expect(states.map(({ serving }) => lasts(serving))).toEqual(['1 3']);
    expect(portOf({}, [remote]).serving).toEqual([]);
  });
});

describe('topology hints', () => {
  const hinted = (last: number, zones: readonly string[], nodes: readonly string[] = []) =>
    anEndpoint(`10.1.0.${last}`, { nodeName: last === 1 ? 'here' : 'there', hints: { zones, nodes } });
  const cluster = (endpoints: readonly SliceEndpoint[], node: Partial<NodeIdentity> = {}) =>
    lasts(portOf({}, endpoints, [], { ...NODE, ...node }).cluster);

  test('by zone, by node before zone', () => {
    expect(cluster([hinted(1, ['a']), hinted(2, ['b']), hinted(3, ['b', 'a'])])).toBe('1 3');
    expect(cluster([hinted(1, ['a'], ['here']), hinted(2, ['a'], ['there'])])).toBe('1');
  });

  test.each([
    ['one has none', [hinted(1, ['a']), hinted(2, [])], {}],
    ['none is for this zone', [hinted(1, ['c']), hinted(2, ['b'])], {}],
    ['the zone is unknown', [hinted(1, ['a']), hinted(2, ['b'])], { zone: undefined }],
    ['only some have node hints, and no zone', [hinted(1, [], ['here']), hinted(2, [])], {}],
  ])('are left aside when %s', (_what, endpoints, node) => {
    expect(cluster(endpoints, node)).toBe('1 2');
  });

  test('say nothing of endpoints that are not ready, of leaving ones, and of Local policies', () => {
    const starting = { ...hinted(3, []), ready: false };
    expect(cluster([hinted(1, ['a']), hinted(2, ['b']), starting])).toBe('1');
    expect(cluster([{ ...leaving, hints: { zones: ['b'], nodes: [] } }, leavingHere])).toBe('3 4');
    expect(lasts(portOf(LOCAL, [hinted(1, ['b']), hinted(2, ['a'])]).local)).toBe('1');
  });

  test('a node that comes to another zone uses other endpoints', () => {
    const node = new Cluster(NODE);
    const slice = aSlice('shop/cart', '1', [hinted(1, ['a']), hinted(2, ['b'])]);
    const services = [
      aService('shop/cart', { clusterIPs: ['10.96.0.1'] }),
      aService('shop/other', { clusterIPs: ['10.96.0.2'] }),
    ];
    const changes = {
      services: { upserted: services, deleted: [] },
      endpointSlices: { upserted: [slice], deleted: [] },
    };
    expect(lasts(node.apply(changes).states[0]?.ports[0]?.cluster ?? [])).toBe('1');
    const moved = node.setZone('b').states;
    expect(moved.map(({ service, ports }) => `${service} ${lasts(ports[0]?.cluster ?? [])}`)).toEqual([
      'shop/cart 2',
    ]);
    expect(node.setZone('b').states).toEqual([]);
  });
});

describe('source ranges', () => {
  const VIP = ['203.0.113.1'];
  test('without them, or without a load balancer IP, everybody may connect', () => {
    expect(allowedSources([], VIP, undefined)).toBeUndefined();
    expect(allowedSources(['10.0.0.0/8'], [], undefined)).toBeUndefined();
  });

  test('networks in others are left out, which the kernel refuses', () => {
    const ranges = ['10.1.0.0/16', '10.0.0.0/8', '10.0.0.0/8', '192.0.2.1/32', '192.0.2.0/24'];
    expect(allowedSources(ranges, VIP, undefined)).toEqual(['10.0.0.0/8', '192.0.2.0/24']);
    expect(allowedSources(['0.0.0.0/0', '10.0.0.0/8'], VIP, '192.0.2.10')).toEqual(['0.0.0.0/0']);
  });

  test('where the node may connect, the addresses themselves may', () => {
    expect(allowedSources(['192.0.2.0/24'], VIP, '192.0.2.10')).toEqual(['192.0.2.0/24', '203.0.113.1/32']);
    expect(allowedSources(['192.0.2.0/24'], VIP, '192.0.3.10')).toEqual(['192.0.2.0/24']);
    expect(allowedSources(['2001:db8::/32'], ['2001:db9::1'], '2001:db8::10')).toEqual([
      '2001:db8::/32',
      '2001:db9::1/128',
    ]);
  });

  test('of the other family only: nobody is kept out', () => {
    const spec = { type: 'LoadBalancer' as const, loadBalancerSourceRanges: ['2001:db8::/32'] };
    const port = portOf(spec, [remote], [{ ip: '203.0.113.1', ipMode: 'VIP' }]);
    expect(port.frontends[1]?.allowedSources).toBeUndefined();
  });
});

describe('health checks of load balancers', () => {
  const spec = { clusterIPs: ['10.96.0.1'], ports: nodePort, healthCheckNodePort: 32000 };
  const cluster = (more: Partial<ServiceSpec>, endpoints: readonly SliceEndpoint[] = []) => {
    const found = new Cluster(NODE);
    found.apply({
      services: { upserted: [aService('shop/cart', { ...spec, ...more })], deleted: [] },
      endpointSlices: {
        upserted: [aSlice('shop/cart', '1', endpoints, { addressType: 'IPv4' })],
        deleted: [],
      },
    });
    return found;
  };

  test('are for LoadBalancer with externalTrafficPolicy Local', () => {
    const asks = { type: 'LoadBalancer', ...EXTERNAL_LOCAL } as const;
    expect(cluster(asks).healthCheckPort('shop/cart')).toBe(32000);
    expect(cluster({ ...asks, healthCheckNodePort: 0 }).healthCheckPort('shop/cart')).toBeUndefined();
    expect(cluster({ ...asks, type: 'NodePort' }).healthCheckPort('shop/cart')).toBeUndefined();
    expect(cluster({ type: 'LoadBalancer' }).healthCheckPort('shop/cart')).toBeUndefined();
    expect(cluster(asks).healthCheckPort('shop/nobody')).toBeUndefined();
  });

  test('count ready endpoints on this node, not those that leave', () => {
    const found = cluster({}, [remote, near, leavingHere, anEndpoint('10.1.0.5', here)]);
    expect(found.localReadyEndpoints('shop/cart')).toBe(2);
    expect(found.localReadyEndpoints('shop/nobody')).toBe(0);
  });
});
