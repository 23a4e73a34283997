import { describe, expect, it } from 'vitest';
import type { Probe, ProbeResult } from '../../../lab/packets/packet-lab.ts';
import { type EndpointSliceManifest, NO_MANIFESTS, slicesOf } from '../../cluster-generator/manifests.ts';
import { DEFAULT_NODE } from '../../cluster-generator/node-config.ts';
import { packetsFor } from '../../cluster-generator/packets.ts';
import { type Random, seeded } from '../../cluster-generator/random.ts';
import type { ClusterState } from '../../cluster-generator/random-change.ts';
import { randomCluster } from '../../cluster-generator/random-cluster.ts';
import { compareSides } from '../../differential/compare.ts';
import { shrink } from '../../differential/shrink.ts';
import type { Side } from '../../differential/side.ts';

type Endpoint = EndpointSliceManifest['endpoints'][number];

/** A proxy that sends connections to a cluster IP to any endpoint that `isUsed`, refuses what has none, and drops those of other clients. */
class TinyProxy implements Side {
  readonly name = 'tiny';
  readonly #isUsed: (endpoint: Endpoint) => boolean;
  readonly #isClient: (address: string) => boolean;
  readonly #random: Random;
  #state: ClusterState = { cluster: NO_MANIFESTS, zone: undefined };

  constructor(isUsed: (endpoint: Endpoint) => boolean, seed = 1, isClient = (_: string) => true) {
    this.#isUsed = isUsed;
    this.#isClient = isClient;
    this.#random = seeded(seed);
  }

  async start(_: unknown, state: ClusterState): Promise<void> {
    this.#state = state;
  }

  async change(state: ClusterState): Promise<void> {
    this.#state = state;
  }

  async send(probes: readonly Probe[]): Promise<readonly ProbeResult[]> {
    return probes.map((probe) => this.#resultOf(probe));
  }

  forgetConnections(): void {}

  async [Symbol.asyncDispose](): Promise<void> {}

  #resultOf(probe: Probe): ProbeResult {
    const source = { address: probe.source, port: 1 };
    const destination = { address: probe.destination, port: probe.port };
    const packet = { protocol: probe.protocol, source, destination };
    const { cluster } = this.#state;
    const service = [...cluster.services.values()].find(({ spec }) =>
      spec.clusterIPs?.includes(probe.destination),
    );
    if (service === undefined || !this.#isClient(probe.source)) {
      return { packet, outcome: { fate: 'dropped' } };
    }
    const endpoints = slicesOf(cluster, service).flatMap((slice) => slice.endpoints.filter(this.#isUsed));
    if (endpoints.length === 0) return { packet, outcome: { fate: 'refused', by: 'port-unreachable' } };
    const [address = ''] = this.#random.pick(endpoints).addresses;
    return {
      packet,
      outcome: { fate: 'left', device: 'out0', source, destination: { address, port: 8080 } },
    };
  }
}

/** On its node every tenth source port is that of an older, masqueraded connection to the same endpoint. */
class CrowdedProxy extends TinyProxy {
  #isCrowded = true;

  override async send(probes: readonly Probe[]): Promise<readonly ProbeResult[]> {
    const results = await super.send(probes);
    return results.map((result, i) => {
      const { packet, outcome } = result;
      const isTaken = this.#isCrowded && i % 10 === 0 && outcome.fate === 'left';
      return isTaken ? { packet, outcome: { ...outcome, source: { ...outcome.source, port: 2 } } } : result;
    });
  }

  override forgetConnections(): void {
    this.#isCrowded = false;
  }
}

function tries(): () => number {
  let n = 0;
  return () => n++;
}

const state: ClusterState = { cluster: randomCluster(seeded(5)), zone: 'zone-a' };
const packets = packetsFor(seeded(6), state.cluster, 300);

describe('the comparison of two proxies', () => {
  it('takes what is chosen at random for no difference', async () => {
    const sides = [new TinyProxy(() => true), new TinyProxy(() => true)] as const;
    for (const side of sides) await side.change(state);
    expect(await compareSides(sides, packets, tries())).toEqual([]);
  });

  it('takes for no difference what few clients can show', async () => {
    const isClient = (address: string) => Number.parseInt(address.split(/[.:]/).at(-1) ?? '', 16) % 16 === 0;
    const sides = [new TinyProxy(() => true, 1, isClient), new TinyProxy(() => true, 2, isClient)] as const;
    for (const side of sides) await side.change(state);
    expect(await compareSides(sides, packets, tries())).toEqual([]);
  });

  it("takes another source port of the node's own packets for masquerading only where nobody else can have had it", async () => {
    const sides = [new TinyProxy(() => true), new CrowdedProxy(() => true)] as const;
    for (const side of sides) await side.change(state);
    const own = packets.filter(({ origin }) => origin === 'node');
    expect(await compareSides(sides, own, tries())).toEqual([]);
  });

  it('finds an endpoint that only one side uses, and leaves out what has nothing to do with it', async () => {
    const isHinted = ({ hints }: Endpoint) => hints?.forNodes !== undefined;
    const sides = [new TinyProxy(() => true), new TinyProxy((endpoint) => !isHinted(endpoint))] as const;
    for (const side of sides) await side.change(state);
    const [difference] = await compareSides(sides, packets, tries());
    if (difference === undefined) throw new Error('no difference');
    const steps = [
      { name: 'start', state: { cluster: NO_MANIFESTS, zone: undefined }, restart: false },
      { name: 'all', state, restart: false },
    ];
    const found = { node: { ...DEFAULT_NODE, masqueradeAll: true }, steps, packet: difference.packet };
    const { example, difference: still } = await shrink(sides, found, tries());
    expect(still).toBeDefined();
    expect(example.node).toEqual(DEFAULT_NODE);
    expect(example.steps).toHaveLength(1);
    const { services, endpointSlices } = example.steps[0]?.state.cluster ?? NO_MANIFESTS;
    expect(services.size).toBe(1);
    const endpoints = [...endpointSlices.values()].flatMap((slice) => slice.endpoints);
    expect(endpoints).toHaveLength(1);
    expect(endpoints.every(isHinted)).toBe(true);
  });

  it('says so when a difference does not show again', async () => {
    const sides = [new TinyProxy(() => true), new TinyProxy(() => true)] as const;
    const [packet] = packets;
    if (packet === undefined) throw new Error('no packet');
    const steps = [{ name: 'all', state, restart: false }];
    const { difference, attempts } = await shrink(sides, { node: DEFAULT_NODE, steps, packet }, tries());
    expect({ difference, attempts }).toEqual({ difference: undefined, attempts: 1 });
  });
});
