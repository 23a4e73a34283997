import fc from 'fast-check';
import type { EndpointSlice, Service } from '../../src/kube/objects.ts';
import { anEndpoint, aService, aSlice } from '../objects.ts';

/** A step of a random life of a cluster with four Services. */
export interface AnyChange {
  readonly service: Service | undefined;
  readonly slice: EndpointSlice;
  /** `namespace/name` of both. */
  readonly name: string;
}

export const SERVICES = 4;
/** Two Services may ask for the same of these. */
const SHARED_IPS = ['203.0.113.1', '203.0.113.2', '203.0.113.3'];
const RANGES = [
  '198.51.100.0/24',
  '198.51.100.0/25',
  '10.244.0.0/16',
  '192.0.2.0/24',
  '0.0.0.0/0',
  '8.8.8.8/32',
];
const policy = fc.constantFrom('Cluster', 'Local');

const anyEndpoint = (last: number) =>
  fc
    .record({
      condition: fc.constantFrom('ready', 'ready', 'ready', 'terminating', 'not ready'),
      zones: fc.constantFrom([], [], ['a'], ['b']),
    })
    .map(({ condition, zones }) =>
      anEndpoint(`10.244.0.${last}`, {
        nodeName: last % 2 === 0 ? 'here' : 'there',
        ready: condition === 'ready',
        serving: condition !== 'not ready',
        terminating: condition === 'terminating',
        hints: { zones, nodes: [] },
      }),
    );

const anySlice = (name: string) =>
  fc
    .uniqueArray(fc.integer({ min: 1, max: 8 }), { maxLength: 6 })
    .chain((lasts) => fc.tuple(...lasts.map(anyEndpoint)))
    .map((endpoints) => aSlice(name, '1', endpoints, { addressType: 'IPv4' }));

const anyService = (name: string, index: number) =>
  fc
    .record({
      type: fc.constantFrom('ClusterIP', 'NodePort', 'LoadBalancer'),
      internal: policy,
      external: policy,
      isSticky: fc.boolean(),
      externalIPs: fc.subarray(SHARED_IPS),
      ingress: fc.subarray(SHARED_IPS),
      ranges: fc.subarray(RANGES),
      age: fc.integer({ min: 10, max: 12 }),
    })
    .map(({ type, internal, external, isSticky, externalIPs, ingress, ranges, age }) =>
      aService(
        name,
        {
          type,
          clusterIPs: [`10.96.0.${index}`],
          ports: [
            { name: '', protocol: 'TCP', port: 80, nodePort: type === 'ClusterIP' ? 0 : 30000 + (index & 1) },
          ],
          internalTrafficPolicy: internal,
          externalTrafficPolicy: external,
          sessionAffinitySeconds: isSticky ? 10 : undefined,
          externalIPs,
          loadBalancerSourceRanges: ranges,
        },
        { creationTimestamp: `2026-01-${age}T00:00:00Z` },
        ingress.map((ip) => ({ ip, ipMode: 'VIP' })),
      ),
    );

/** One Service or its endpoints change, or go. */
export const anyChange: fc.Arbitrary<AnyChange> = fc.integer({ min: 1, max: SERVICES }).chain((index) => {
  const name = `shop/s${index}`;
  return fc.record({
    name: fc.constant(name),
    service: fc.option(anyService(name, index), { nil: undefined, freq: 6 }),
    slice: anySlice(name),
  });
});
