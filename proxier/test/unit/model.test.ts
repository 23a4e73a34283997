import { describe, expect, test } from 'vitest';
import type { EndpointSlice, ServicePortSpec, ServiceSpec } from '../../src/kube/objects.ts';
import { Cluster } from '../../src/model/cluster.ts';
import { type Endpoint, type NodeIdentity, serviceState } from '../../src/model/frontends.ts';
import { anEndpoint, aService, aSlice } from '../objects.ts';

const NODE = { nodeName: 'here' };
const CART: Partial<ServiceSpec> = { clusterIPs: ['10.96.0.7'] };
const HERE = { nodeName: 'here' };
const port = (name: string, number: number, protocol: 'TCP' | 'UDP' = 'TCP'): ServicePortSpec => ({
  name,
  port: number,
  protocol,
  nodePort: 0,
});

const texts = (endpoints: readonly Endpoint[]) => endpoints.map(({ address, port }) => `${address}:${port}`);

/** Where connections to the cluster IP of each port may go. */
function endpointsOf(spec: Partial<ServiceSpec>, ...slices: EndpointSlice[]): unknown {
  const { ports } = serviceState(aService('shop/cart', { ...CART, ...spec }), slices, NODE);
  return ports.map(({ frontends: [frontend], cluster, local }) => {
    if (frontend?.way === undefined) return frontend?.refusal;
    return texts(frontend.way === 'local' ? local : cluster);
  });
}

describe('frontends', () => {
  test('one port state for each port and family', () => {
    const service = aService('shop/cart', {
      clusterIPs: ['fd00::7', '10.96.0.7'],
      ports: [port('http', 80), port('dns', 53, 'UDP')],
    });
    const slices = [
      aSlice('shop/cart', '1', [anEndpoint('10.1.0.1', HERE)], {
        ports: [{ name: 'http', protocol: 'TCP', port: 8080 }],
      }),
      aSlice('shop/cart', '2', [anEndpoint('fd01::1')], {
        ports: [{ name: 'dns', protocol: 'UDP', port: 53 }],
      }),
    ];
    const frontend = (address: string, number: number, hasEndpoints: boolean) => ({
      kind: 'cluster-ip',
      address,
      port: number,
      way: hasEndpoints ? 'cluster' : undefined,
      refusal: hasEndpoints ? undefined : 'reject',
      allowedSources: undefined,
    });
    const nothing = { affinityMs: undefined, cluster: [], local: [], hairpins: [], serving: [] };
    const http = { ...nothing, key: 'shop/cart:http', protocol: 'tcp' };
    const dns = { ...nothing, key: 'shop/cart:dns', protocol: 'udp' };
    const here = [{ address: '10.1.0.1', port: 8080, isLocal: true }];
    const there = [{ address: 'fd01::1', port: 53, isLocal: false }];
    const [ip, ip6] = [{ family: 'ip' }, { family: 'ip6' }];
    expect(serviceState(service, slices, NODE)).toEqual({
      service: 'shop/cart',
      ports: [
        { ...http, ...ip, cluster: here, hairpins: here, frontends: [frontend('10.96.0.7', 80, true)] },
        { ...dns, ...ip, frontends: [frontend('10.96.0.7', 53, false)] },
        { ...http, ...ip6, frontends: [frontend('fd00::7', 80, false)] },
        { ...dns, ...ip6, cluster: there, serving: there, frontends: [frontend('fd00::7', 53, true)] },
      ],
    });
  });

  test.each([
    [{ clusterIPs: [] }, {}],
    [{ clusterIPs: ['None'] }, {}],
    [{ clusterIPs: ['10.96.0.7'], type: 'ExternalName' } as const, {}],
    [{ clusterIPs: ['10.96.0.7'] }, { labels: { 'service.kubernetes.io/service-proxy-name': '' } }],
  ])('none for %j %j', (spec, meta) => {
    expect(serviceState(aService('a/b', spec, meta), [], NODE).ports).toEqual([]);
  });

  test('slices are merged; endpoints come in the order of their text', () => {
    const slices = [
      aSlice('shop/cart', '2', [anEndpoint('10.2.2.2'), anEndpoint('10.1.0.1')]),
      aSlice('shop/cart', '1', [anEndpoint('10.2.2.22'), anEndpoint('10.1.0.1')]),
      aSlice('shop/cart', '3', [anEndpoint('10.1.0.1')], { ports: [{ name: '', protocol: 'TCP', port: 9 }] }),
    ];
    expect(endpointsOf({}, ...slices)).toEqual([
      ['10.1.0.1:8080', '10.1.0.1:9', '10.2.2.22:8080', '10.2.2.2:8080'],
    ]);
  });

  test.each<Partial<EndpointSlice>>([
    { ports: [{ name: undefined, protocol: 'TCP', port: 1 }] },
    { ports: [{ name: '', protocol: 'TCP', port: undefined }] },
    { ports: [{ name: '', protocol: 'UDP', port: 1 }] },
    { ports: [{ name: 'x', protocol: 'TCP', port: 1 }] },
    { addressType: 'IPv6' },
    { addressType: 'FQDN' },
    { endpoints: [anEndpoint('', { addresses: [] })] },
  ])('a slice with %j gives none', (more) => {
    expect(endpointsOf({}, aSlice('shop/cart', '1', [anEndpoint('10.1.0.1')], more))).toEqual(['reject']);
  });

  test('of an endpoint in two slices the first counts, unless a later one is not terminating', () => {
    const leaving = anEndpoint('10.1.0.1', { ready: false, terminating: true });
    const there = anEndpoint('10.1.0.1', HERE);
    for (const [first, second, isLocal] of [
      [leaving, there, true],
      [there, leaving, true],
      [there, anEndpoint('10.1.0.1'), false],
    ] as const) {
      const slices = [aSlice('shop/cart', '1', [first]), aSlice('shop/cart', '2', [second])];
      const { ports } = serviceState(aService('shop/cart', CART), slices, NODE);
      expect(ports[0]?.cluster).toEqual([{ address: '10.1.0.1', port: 8080, isLocal }]);
    }
  });

  const ready = anEndpoint('10.1.0.1');
  const readyHere = anEndpoint('10.1.0.2', HERE);
  const leaving = anEndpoint('10.1.0.3', { ready: false, terminating: true });
  const leavingHere = anEndpoint('10.1.0.4', { ...HERE, ready: false, terminating: true });
  const starting = anEndpoint('10.1.0.5', { ...HERE, ready: false });
  const dead = anEndpoint('10.1.0.6', { ...HERE, ready: false, serving: false, terminating: true });

  test.each([
    [[ready, readyHere, leaving], ['10.1.0.1:8080', '10.1.0.2:8080'], ['10.1.0.2:8080']],
    [[ready, leavingHere], ['10.1.0.1:8080'], ['10.1.0.4:8080']],
    [[leaving, leavingHere, dead], ['10.1.0.3:8080', '10.1.0.4:8080'], ['10.1.0.4:8080']],
    [[ready, starting], ['10.1.0.1:8080'], 'drop'],
    [[leaving], ['10.1.0.3:8080'], 'drop'],
    [[starting, dead], 'reject', 'reject'],
    [[], 'reject', 'reject'],
  ])('choice %#', (endpoints, cluster, local) => {
    const slice = aSlice('shop/cart', '1', endpoints, { addressType: 'IPv4' });
    expect(endpointsOf({}, slice)).toEqual([cluster]);
    expect(endpointsOf({ internalTrafficPolicy: 'Local' }, slice)).toEqual([local]);
  });

  test('without a nodeName an endpoint is local by its address, if the node says which are its own', () => {
    const slices = [
      aSlice('shop/cart', '1', [anEndpoint('10.1.0.1'), anEndpoint('10.1.0.2', { nodeName: 'there' })]),
    ];
    const locals = (node: NodeIdentity) =>
      serviceState(aService('shop/cart', CART), slices, node).ports.flatMap(({ hairpins }) =>
        texts(hairpins),
      );
    const withAddresses = { ...NODE, nodeIPs: ['10.1.0.1', '10.1.0.2'] };
    expect(locals(withAddresses)).toEqual([]);
    expect(locals({ ...withAddresses, findsByAddress: true })).toEqual(['10.1.0.1:8080']);
  });

  test('hairpins are the local endpoints in use', () => {
    const { ports } = serviceState(
      aService('shop/cart', CART),
      [aSlice('shop/cart', '1', [ready, readyHere, leavingHere])],
      NODE,
    );
    expect(ports.map(({ hairpins }) => texts(hairpins))).toEqual([['10.1.0.2:8080']]);
  });
});

describe('the cluster', () => {
  const none = { upserted: [], deleted: [] };
  const slice = aSlice('shop/cart', '1', [anEndpoint('10.1.0.1')]);

  test('gives the Services whose state changed', () => {
    const cluster = new Cluster(NODE);
    const apply = (services: object, endpointSlices: object) =>
      cluster
        .apply({ services: { ...none, ...services }, endpointSlices: { ...none, ...endpointSlices } })
        .states.map(
          ({ service, ports }) =>
            `${service} ${ports.map(({ frontends, cluster }) => frontends[0]?.refusal ?? cluster.length)}`,
        );
    expect(apply({}, { upserted: [slice] })).toEqual([]);
    expect(
      apply(
        { upserted: [aService('shop/cart', CART), aService('shop/pay', { clusterIPs: ['10.96.0.8'] })] },
        {},
      ),
    ).toEqual(['shop/cart 1', 'shop/pay reject']);
    // Nothing that counts: labels, conditions that come to the same, the same again.
    expect(
      apply({ upserted: [aService('shop/cart', CART, { labels: { a: 'b' } })] }, { upserted: [slice] }),
    ).toEqual([]);
    expect(apply({}, { upserted: [aSlice('shop/cart', '2', [anEndpoint('10.1.0.2')])] })).toEqual([
      'shop/cart 2',
    ]);
    const moved = {
      ...slice,
      metadata: { ...slice.metadata, labels: { 'kubernetes.io/service-name': 'pay' } },
    };
    expect(apply({}, { upserted: [moved] }).sort()).toEqual(['shop/cart 1', 'shop/pay 1']);
    expect(apply({}, { deleted: ['shop/cart-2', 'shop/nobody'] })).toEqual(['shop/cart reject']);
    expect(apply({ deleted: ['shop/cart'] }, {})).toEqual(['shop/cart ']);
    expect(apply({ deleted: ['shop/cart'] }, {})).toEqual([]);
    expect([...cluster.states()].map(({ service }) => service)).toEqual(['shop/pay']);
  });

  test('does not use slices that were written for a headless Service', () => {
    const labels = { ...slice.metadata.labels, 'service.kubernetes.io/headless': '' };
    const headless = { ...slice, metadata: { ...slice.metadata, labels } };
    const cluster = new Cluster(NODE);
    const services = { ...none, upserted: [aService('shop/cart', CART)] };
    const apply = (endpointSlices: object) =>
      cluster.apply({ services, endpointSlices: { ...none, ...endpointSlices } }).states[0]?.ports[0]
        ?.cluster;
    expect(apply({ upserted: [headless] })).toEqual([]);
    expect(texts(apply({ upserted: [slice] }) ?? [])).toEqual(['10.1.0.1:8080']);
    expect(apply({ upserted: [headless] })).toEqual([]);
  });
});
