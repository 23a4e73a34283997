import { describe, expect, test } from 'vitest';
import { AffinityMemory } from '../../packet-model/affinity.ts';
import type { ModelPacket } from '../../packet-model/origin.ts';
import { type AllowedOutcome, allowedOutcomes } from '../../packet-model/outcomes.ts';
import { type ModelConfig, makeWorld, type World } from '../../packet-model/world.ts';
import type { EndpointSlice, Service } from '../../src/kube/objects.ts';
import { readObject } from '../../src/kube/read-object.ts';

/** Cases of the packet model that the corpus does not have. */

const CONFIG: ModelConfig = {
  nodeName: 'here',
  zone: undefined,
  nodeIPs: ['192.168.0.2', '2001:db8::1'],
  localAddresses: ['192.168.0.2', '192.168.1.2', '2001:db8::1'],
  detectLocal: { mode: 'ClusterCIDR', cidrs: ['10.0.0.0/8'] },
  masqueradeAll: false,
  nodePortAddresses: ['primary'],
  serviceCidrs: ['172.30.0.0/16'],
};

function service(
  name: string,
  spec: object,
  { ingress = [] as readonly string[], created = '' } = {},
): Service {
  const read = readObject({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { namespace: 'ns', name, ...(created === '' ? {} : { creationTimestamp: created }) },
    spec: { ports: [{ port: 80 }], ...spec },
    status: { loadBalancer: { ingress: ingress.map((ip) => ({ ip })) } },
  });
  if (read.outcome !== 'object' || read.object.kind !== 'Service') throw new Error(JSON.stringify(read));
  return read.object;
}

function slice(name: string, endpoints: Readonly<Record<string, string>>, port = 8080): EndpointSlice {
  const read = readObject({
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { namespace: 'ns', name: `${name}-1`, labels: { 'kubernetes.io/service-name': name } },
    addressType: 'IPv4',
    endpoints: Object.entries(endpoints).map(([address, nodeName]) => ({ addresses: [address], nodeName })),
    ports: [{ port }],
  });
  if (read.outcome !== 'object' || read.object.kind !== 'EndpointSlice')
    throw new Error(JSON.stringify(read));
  return read.object;
}

const FROM_OUTSIDE = { protocol: 'TCP', source: '203.0.113.2', port: 80, inInterface: 'eth0' } as const;

function texts(outcomes: readonly AllowedOutcome[]): readonly string[] {
  return outcomes.map((outcome) =>
    outcome.kind === 'endpoint' ? `${outcome.endpoint}${outcome.masquerade ? ' m' : ''}` : outcome.kind,
  );
}

function fate(
  world: World,
  packet: Partial<ModelPacket> & { readonly destination: string },
): readonly string[] {
  return texts(allowedOutcomes(world, { ...FROM_OUTSIDE, ...packet }));
}

describe('source ranges', () => {
  const balanced = (ranges: readonly string[]) =>
    makeWorld(
      CONFIG,
      [
        service(
          'web',
          { type: 'LoadBalancer', clusterIP: '172.30.0.1', loadBalancerSourceRanges: ranges },
          { ingress: ['1.2.3.4', '1.2.3.5'] },
        ),
      ],
      [slice('web', { '10.1.0.1': 'here' })],
    );
  const packet = { destination: '1.2.3.4', source: '1.2.3.5' };

  test("a load balancer's IP may be a source when the ranges hold the node", () => {
    expect(fate(balanced(['192.168.0.0/24']), packet)).toEqual(['10.1.0.1:8080 m']);
    expect(fate(balanced(['192.168.0.0/24']), { destination: '1.2.3.4' })).toEqual(['drop']);
  });

  test('otherwise not', () => {
    expect(fate(balanced(['192.168.1.0/24']), packet)).toEqual(['drop']);
  });

  test('without endpoints, the ranges come first', () => {
    const { config, ports } = balanced(['203.0.113.0/25']);
    const empty = {
      config,
      ports: ports.map((port) => ({ ...port, choice: { cluster: [], local: [], hasAny: false } })),
    };
    expect(fate(empty, { destination: '1.2.3.4' })).toEqual(['reject']);
    expect(fate(empty, { destination: '1.2.3.4', source: '203.0.113.200' })).toEqual(['drop']);
  });
});

describe('telling pods', () => {
  const inMode = (detectLocal: ModelConfig['detectLocal'], packet: Partial<ModelPacket>) =>
    fate(
      makeWorld(
        { ...CONFIG, detectLocal },
        [service('web', { clusterIP: '172.30.0.1' })],
        [slice('web', { '10.1.0.1': 'there' })],
      ),
      { destination: '172.30.0.1', ...packet },
    );

  test.each<[ModelConfig['detectLocal'], string | undefined, boolean]>([
    [{ mode: 'BridgeInterface', name: 'cni0' }, 'cni0', false],
    [{ mode: 'BridgeInterface', name: 'cni0' }, 'cni01', true],
    [{ mode: 'InterfaceNamePrefix', prefix: 'cali' }, 'cali1234', false],
    [{ mode: 'InterfaceNamePrefix', prefix: 'cali' }, 'eth0', true],
    [{ mode: 'InterfaceNamePrefix', prefix: 'cali' }, undefined, true],
    [{ mode: 'none' }, 'eth0', false],
  ])('%o, by %s: masqueraded %s', (detectLocal, inInterface, isMasqueraded) => {
    expect(inMode(detectLocal, { inInterface })).toEqual([`10.1.0.1:8080${isMasqueraded ? ' m' : ''}`]);
  });
});

test('of two Services with one external IP the older has it', () => {
  const world = makeWorld(
    CONFIG,
    [
      service(
        'a',
        { clusterIP: '172.30.0.1', externalIPs: ['198.51.100.1'] },
        { created: '2026-02-01T00:00:00Z' },
      ),
      service(
        'b',
        { clusterIP: '172.30.0.2', externalIPs: ['198.51.100.1'] },
        { created: '2026-01-01T00:00:00Z' },
      ),
    ],
    [slice('a', { '10.1.0.1': 'there' }), slice('b', { '10.1.0.2': 'there' })],
  );
  expect(fate(world, { destination: '198.51.100.1' })).toEqual(['10.1.0.2:8080 m']);
});

test('an endpoint on the node whose port is a node port without endpoints is refused there', () => {
  const world = makeWorld(
    CONFIG,
    [
      service('web', { clusterIP: '172.30.0.1' }),
      service('empty', { type: 'NodePort', clusterIP: '172.30.0.2', ports: [{ port: 80, nodePort: 30001 }] }),
    ],
    [slice('web', { '192.168.0.2': 'here', '192.168.1.2': 'here' }, 30001)],
  );
  expect(fate(world, { destination: '172.30.0.1' })).toEqual(['reject', '192.168.1.2:30001']);
});

test('an endpoint on the node sees who comes from outside; the node itself is masqueraded', () => {
  const world = makeWorld(
    CONFIG,
    [service('web', { clusterIP: '172.30.0.1' })],
    [slice('web', { '192.168.0.2': 'here' })],
  );
  expect(fate(world, { destination: '172.30.0.1' })).toEqual(['192.168.0.2:8080']);
  const own = { destination: '172.30.0.1', source: '192.168.0.2', inInterface: undefined };
  expect(fate(world, own)).toEqual(['192.168.0.2:8080 m']);
});

test('only an endpoint on the node is its own client there', () => {
  const world = makeWorld(
    CONFIG,
    [service('web', { clusterIP: '172.30.0.1' })],
    [slice('web', { '10.1.0.1': 'here', '10.1.0.2': 'there' })],
  );
  const from = (source: string) => fate(world, { destination: '172.30.0.1', source });
  expect(from('10.1.0.1')).toEqual(['10.1.0.1:8080 m', '10.1.0.2:8080']);
  expect(from('10.1.0.2')).toEqual(['10.1.0.1:8080', '10.1.0.2:8080']);
});

test('of two copies of an endpoint the one that is not terminating counts, whichever is read first', () => {
  const copy = (name: string, terminating: boolean): EndpointSlice => {
    const [endpoint] = slice('web', { '10.1.0.1': 'there' }).endpoints;
    if (endpoint === undefined) throw new Error('a slice without its endpoint');
    const { metadata, ...rest } = slice('web', {});
    const endpoints = [{ ...endpoint, ready: !terminating, terminating }];
    return { ...rest, metadata: { ...metadata, name }, endpoints };
  };
  const other = slice('web', { '10.1.0.2': 'there' });
  for (const [first, second] of [
    [true, false],
    [false, true],
  ] as const) {
    const slices = [copy('a', first), copy('b', second), other];
    const world = makeWorld(CONFIG, [service('web', { clusterIP: '172.30.0.1' })], slices);
    expect(fate(world, { destination: '172.30.0.1' })).toEqual(['10.1.0.1:8080 m', '10.1.0.2:8080 m']);
  }
});

test('a ClusterIP Service without external IPs has no external policy, though its node port counts', () => {
  const spec = {
    clusterIP: '172.30.0.1',
    externalTrafficPolicy: 'Local',
    ports: [{ port: 80, nodePort: 30001 }],
  };
  const world = makeWorld(CONFIG, [service('web', spec)], [slice('web', { '10.1.0.1': 'there' })]);
  expect(fate(world, { destination: '192.168.0.2', port: 30001 })).toEqual(['10.1.0.1:8080 m']);
});

describe('affinity', () => {
  const KEY = 'ns/web:/TCP/IPv4';
  const sticky = (endpoints: Readonly<Record<string, string>>) =>
    makeWorld(
      CONFIG,
      [service('web', { clusterIP: '172.30.0.1', sessionAffinity: 'ClientIP' })],
      [slice('web', endpoints)],
    );
  const world = sticky({ '10.1.0.1': 'here', '10.1.0.2': 'there' });
  const packet = { ...FROM_OUTSIDE, destination: '172.30.0.1' };
  const at = (memory: AffinityMemory, nowMs: number, where = world) =>
    texts(allowedOutcomes(where, packet, (port, client) => memory.recall(port, client, nowMs)));

  test('a client sticks to its endpoint until its time is over', () => {
    const memory = new AffinityMemory();
    expect(at(memory, 0)).toEqual(['10.1.0.1:8080 m', '10.1.0.2:8080 m']);
    expect(allowedOutcomes(world, packet)[0]).toMatchObject({ stickyBy: KEY });
    memory.remember(KEY, packet.source, '10.1.0.2:8080', 1000);
    expect(at(memory, 999)).toEqual(['10.1.0.2:8080 m']);
    expect(at(memory, 1000)).toHaveLength(2);
    memory.remember(KEY, '203.0.113.3', '10.1.0.1:8080', 5000);
    expect(at(memory, 999)).toEqual(['10.1.0.2:8080 m']);
  });

  test('an endpoint that went is forgotten', () => {
    const memory = new AffinityMemory();
    memory.remember(KEY, packet.source, '10.1.0.2:8080', 1000);
    const smaller = sticky({ '10.1.0.1': 'here' });
    expect(at(memory, 0, smaller)).toEqual(['10.1.0.1:8080 m']);
    memory.forgetUnreachable(world);
    expect(at(memory, 0)).toEqual(['10.1.0.2:8080 m']);
    memory.forgetUnreachable(smaller);
    expect(at(memory, 0)).toHaveLength(2);
  });
});
