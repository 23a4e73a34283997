import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ADDRESS_PLAN } from '../../cluster-generator/address-plan.ts';
import {
  type ClusterManifests,
  type EndpointSliceManifest,
  NO_MANIFESTS,
  type ServiceManifest,
} from '../../cluster-generator/manifests.ts';
import { DEFAULT_NODE } from '../../cluster-generator/node-config.ts';
import { packetsFor } from '../../cluster-generator/packets.ts';
import { seeded } from '../../cluster-generator/random.ts';
import type { ClusterState } from '../../cluster-generator/random-change.ts';
import { randomCluster } from '../../cluster-generator/random-cluster.ts';
import { compareSides } from '../../differential/compare.ts';
import { kubeProxyProgram, whyNotKubeProxy } from '../../differential/kube-proxy-program.ts';
import { KubeProxySide } from '../../differential/kube-proxy-side.ts';
import { OurSide } from '../../differential/our-side.ts';
import { differenceText } from '../../differential/report.ts';
import { playRound, roundOf } from '../../differential/round.ts';
import { shrink } from '../../differential/shrink.ts';
import type { Side } from '../../differential/side.ts';

/** Building kube-proxy takes minutes, the first time. */
const BUILD_LIMIT_MS = 1_800_000;
const ROUND_LIMIT_MS = 120_000;

let sides: readonly [Side, Side] | undefined;
let n = 0;
const counter = () => n++;

function both(): readonly [Side, Side] {
  if (sides === undefined) throw new Error('the sides are not open');
  return sides;
}

const reason = whyNotKubeProxy();
if (reason !== undefined) console.warn(`skipped: ${reason}`);

describe.skipIf(reason !== undefined)('nft-proxier and the real kube-proxy', () => {
  beforeAll(async () => {
    kubeProxyProgram();
    sides = [await OurSide.open('differential'), await KubeProxySide.open('differential-peer')];
  }, BUILD_LIMIT_MS);

  afterAll(async () => {
    for (const side of sides ?? []) await side[Symbol.asyncDispose]();
  });

  for (const seed of [11, 12, 21]) {
    it(`do the same with the packets of seed ${seed}`, { timeout: ROUND_LIMIT_MS }, async () => {
      const { found, packets } = await playRound(both(), roundOf(seed), counter);
      const texts = [...(found?.differences ?? []), ...(found?.unsteady ?? [])];
      expect(texts.map((difference) => differenceText(difference, both()))).toEqual([]);
      expect(packets).toBeGreaterThan(500);
    });
  }

  it('are told apart when one hears nothing of topology hints', { timeout: ROUND_LIMIT_MS }, async () => {
    const [ours, reference] = both();
    const misled = new Misled(ours);
    const state = { cluster: withHinted(randomCluster(seeded(4), 4)), zone: 'zone-a' };
    await misled.start(DEFAULT_NODE, state);
    await reference.start(DEFAULT_NODE, state);
    const packets = packetsFor(seeded(4), state.cluster, 200);
    const [first] = await compareSides([misled, reference], packets, counter);
    if (first === undefined) throw new Error('no difference was found');
    const steps = [{ name: 'start', state, restart: false }];
    const found = { node: DEFAULT_NODE, steps, packet: first.packet };
    const { example, difference } = await shrink([misled, reference], found, counter);
    expect(difference).toBeDefined();
    const { services, endpointSlices } = example.steps[0]?.state.cluster ?? NO_MANIFESTS;
    expect([...services.keys()]).toEqual(['shop/hinted']);
    expect(JSON.stringify([...endpointSlices.values()])).toContain('"hints"');
  });
});

/** The cluster with one more Service, which has an endpoint for each of two zones. */
function withHinted({ services, endpointSlices }: ClusterManifests): ClusterManifests {
  const metadata = { name: 'hinted', namespace: 'shop' };
  const { clusterIP, remotePod } = ADDRESS_PLAN.IPv4;
  const clusterIPs = [clusterIP(1000)];
  const spec = { clusterIPs, ipFamilies: ['IPv4'], ports: [{ port: 80 }] } as const;
  const service: ServiceManifest = { apiVersion: 'v1', kind: 'Service', metadata, spec };
  const slice: EndpointSliceManifest = {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { ...metadata, labels: { 'kubernetes.io/service-name': metadata.name } },
    addressType: 'IPv4',
    endpoints: ['zone-a', 'zone-b'].map((name, n) => ({
      addresses: [remotePod(n + 1)],
      hints: { forZones: [{ name }] },
    })),
    ports: [{ port: 8080 }],
  };
  return {
    services: new Map([...services, ['shop/hinted', service]]),
    endpointSlices: new Map([...endpointSlices, ['shop/hinted', slice]]),
  };
}

/** A proxy whose EndpointSlices have lost their hints on the way. */
class Misled implements Side {
  readonly name = 'misled';
  readonly #side: Side;
  readonly start: Side['start'];
  readonly change: Side['change'];
  readonly send: Side['send'];
  readonly forgetConnections: Side['forgetConnections'];

  constructor(side: Side) {
    this.#side = side;
    this.start = (node, state) => side.start(node, withoutHints(state));
    this.change = (state) => side.change(withoutHints(state));
    this.send = (probes) => side.send(probes);
    this.forgetConnections = () => side.forgetConnections();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#side[Symbol.asyncDispose]();
  }
}

function withoutHints({ cluster, zone }: ClusterState): ClusterState {
  const endpointSlices = [...cluster.endpointSlices].map(([name, slice]) => {
    const endpoints = slice.endpoints.map(({ hints: _, ...endpoint }) => endpoint);
    return [name, { ...slice, endpoints }] as const;
  });
  return { cluster: { ...cluster, endpointSlices: new Map(endpointSlices) }, zone };
}
