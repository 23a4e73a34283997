import { Nftables } from 'nftlink';
import { FakeKernel } from 'nftlink/testing';
import { describe, expect, test } from 'vitest';
import type { ClusterManifests } from '../../cluster-generator/manifests.ts';
import { DEFAULT_NODE } from '../../cluster-generator/node-config.ts';
import { type Random, seeded } from '../../cluster-generator/random.ts';
import { type ClusterState, randomChange } from '../../cluster-generator/random-change.ts';
import { randomCluster } from '../../cluster-generator/random-cluster.ts';
import { readManifest } from '../../differential/our-proxier.ts';
import { Pictures } from '../../random-walk/pictures.ts';
import type { EndpointSlice, Service } from '../../src/kube/objects.ts';
import { Cluster, type ClusterChanges } from '../../src/model/cluster.ts';
import { serviceState } from '../../src/model/frontends.ts';
import { Proxier } from '../../src/proxier.ts';
import { Arrivals } from '../../src/sync/arrivals.ts';
import { FamilyProgram } from '../../src/sync/family-program.ts';
import type { SyncReport } from '../../src/sync/sync-loop.ts';
import { anEndpoint, aService, aSlice } from '../objects.ts';
import { PROGRAM_OPTIONS, UNDISTURBED } from '../states.ts';

const SEEDS = Array.from({ length: 20 }, (_, seed) => seed);
const NODE = { ...DEFAULT_NODE, zone: undefined, interfaceAddresses: () => [] };

const changes = (
  services: readonly Service[],
  endpointSlices: readonly EndpointSlice[] = [],
): ClusterChanges => ({
  services: { upserted: services, deleted: [] },
  endpointSlices: { upserted: endpointSlices, deleted: [] },
});

const cart = aService('shop/cart', { clusterIPs: ['10.96.0.7'] });
const alone = aService('shop/alone', { clusterIPs: ['10.96.0.8'] });
const slices = [
  aSlice('shop/cart', '1', [anEndpoint('10.1.0.1'), anEndpoint('10.1.0.4')]),
  aSlice('shop/cart', '2', [anEndpoint('10.1.0.2'), anEndpoint('10.1.0.3')]),
];
const sticky = aService('shop/sticky', { clusterIPs: ['10.96.0.10'], sessionAffinitySeconds: 60 });
const stickySlice = aSlice('shop/sticky', '1', [anEndpoint('10.1.0.9')]);
const [first, second] = slices.map((slice) => changes([], [slice]));
const nothing = changes([]);

interface Objects {
  readonly all: ClusterChanges;
  /** The same, one by one in any order. */
  readonly bits: readonly ClusterChanges[];
}

function objectsOf(random: Random, { services, endpointSlices }: ClusterManifests): Objects {
  const read = [...services.values(), ...endpointSlices.values()].map(readManifest);
  const isService = (object: Service | EndpointSlice): object is Service => object.kind === 'Service';
  const only = (object: Service | EndpointSlice) =>
    isService(object) ? changes([object]) : changes([], [object]);
  return {
    all: changes(
      read.filter(isService),
      read.filter((object) => !isService(object)),
    ),
    bits: random.shuffled(read).map(only),
  };
}

const randomObjects = (random: Random) => objectsOf(random, randomCluster(random));

function start(kernel: FakeKernel) {
  const reports: SyncReport[] = [];
  const proxier = new Proxier(new Nftables(kernel), NODE, {
    ...UNDISTURBED,
    committed: (report) => reports.push(report),
    conflicts: (appeared) => expect(appeared).toEqual([]),
    flowsEnded: () => undefined,
    flowsFailed: (error) => {
      throw error;
    },
  });
  return { proxier, reports };
}

async function programmed(all: ClusterChanges): Promise<FakeKernel> {
  const kernel = new FakeKernel();
  const { proxier } = start(kernel);
  proxier.apply(all);
  await proxier.settled();
  await proxier.stop();
  return kernel;
}

const pictureOf = (kernel: FakeKernel) => new Pictures(new Nftables(kernel)).take();
const generationOf = (kernel: FakeKernel) => new Nftables(kernel).generation();

describe('objects that are gathered', () => {
  test('a Service waits for the first of its slices, or for the rest of what there is', () => {
    const cluster = new Cluster({ nodeName: 'here' });
    const names = (changed: ClusterChanges) =>
      cluster
        .gather(changed)
        .states.map(({ service, ports: [port] }) => `${service} ${port?.cluster.length}`);
    expect(names(changes([cart, alone]))).toEqual([]);
    expect(names(first ?? nothing)).toEqual(['shop/cart 2']);
    expect(names(second ?? nothing)).toEqual(['shop/cart 4']);
    expect(cluster.apply(nothing).states.map(({ service }) => service)).toEqual(['shop/alone']);
    expect(cluster.apply(nothing).states).toEqual([]);
  });

  test.each(SEEDS)('make the states that they make all at once: seed %i', (seed) => {
    const { all, bits } = randomObjects(seeded(seed));
    const [whole, bitByBit] = [new Cluster(NODE), new Cluster(NODE)];
    whole.apply(all);
    for (const bit of bits) bitByBit.gather(bit);
    bitByBit.apply(nothing);
    const byName = ({ service: a }: { service: string }, { service: b }: { service: string }) =>
      a < b ? -1 : 1;
    expect([...bitByBit.states()].sort(byName)).toEqual([...whole.states()].sort(byName));
  });

  test.each(SEEDS)('are programmed in one transaction, when the rest has come: seed %i', async (seed) => {
    const { all, bits } = randomObjects(seeded(seed));
    const kernel = new FakeKernel();
    const before = await generationOf(kernel);
    const { proxier, reports } = start(kernel);
    await proxier.prepare();
    for (const bit of bits) proxier.gather(bit);
    expect(await generationOf(kernel)).toBe(before);
    proxier.apply(nothing);
    await proxier.settled();
    expect(reports.map(({ services }) => services)).toEqual([[...proxier.cluster.states()].length]);
    expect(await pictureOf(kernel)).toEqual(await pictureOf(await programmed(all)));
    await proxier.stop();
  });

  test.each(SEEDS)('change nothing where all is in place: seed %i', async (seed) => {
    const random = seeded(seed);
    const { all, bits } = randomObjects(random);
    const kernel = await programmed(all);
    const before = await generationOf(kernel);
    const { proxier } = start(kernel);
    const prepared = proxier.prepare();
    if (random.chance(50)) await prepared;
    for (const bit of bits) proxier.gather(bit);
    proxier.apply(nothing);
    await proxier.settled();
    expect(await generationOf(kernel)).toBe(before);
    await proxier.stop();
  });

  test('are numbered at once where nobody has given numbers out, as soon as that is known', async () => {
    const program = new FamilyProgram('ip', PROGRAM_OPTIONS);
    const arrivals = new Arrivals();
    arrivals.gather(serviceState(cart, slices, NODE));
    arrivals.giveEarly([program]);
    expect(arrivals.isEmpty).toBe(false);
    await program.load(new Nftables(new FakeKernel()), 0);
    arrivals.giveEarly([program]);
    expect(arrivals.isEmpty).toBe(true);
    expect(program.desired.elements.endpoints.size).toBe(4);
    expect([...arrivals.give([program]).keys()]).toEqual(['shop/cart']);
  });

  test('are taken at once of Services that the kernel has just so', async () => {
    const nft = new Nftables(await programmed(changes([cart, sticky], [...slices, stickySlice])));
    const program = new FamilyProgram('ip', PROGRAM_OPTIONS);
    await program.load(nft, 0);
    const take = (service: Service, own: readonly EndpointSlice[]) =>
      program.desired.recognize(serviceState(service, own, NODE));
    // A part of its endpoints, none at all, another cluster IP; and numbers of sticky Services are for whole ones only.
    expect(take(cart, slices.slice(0, 1))).toBe(false);
    expect(take(cart, [])).toBe(false);
    expect(take(aService('shop/cart', { clusterIPs: ['10.96.0.9'] }), slices)).toBe(false);
    expect(take(sticky, [stickySlice])).toBe(false);
    expect(take(cart, slices)).toBe(true);
    // Whatever comes of it now is a change.
    expect(take(cart, slices)).toBe(false);
  });

  test.each(SEEDS)('change what is otherwise: seed %i', async (seed) => {
    const random = seeded(seed);
    let state: ClusterState = { cluster: randomCluster(random), zone: undefined };
    const kernel = await programmed(objectsOf(random, state.cluster).all);
    for (let change = 0; change < 4; change += 1) state = randomChange(random, state).after;
    const { all, bits } = objectsOf(random, state.cluster);
    const { proxier, reports } = start(kernel);
    await proxier.prepare();
    for (const bit of bits) proxier.gather(bit);
    proxier.apply(nothing);
    await proxier.settled();
    expect(reports[0]?.services).toBe([...proxier.cluster.states()].length);
    expect(await pictureOf(kernel)).toEqual(await pictureOf(await programmed(all)));
    await proxier.stop();
  });

  test('are programmed at once when they come late', async () => {
    const kernel = new FakeKernel();
    const { proxier } = start(kernel);
    proxier.apply(changes([], slices));
    proxier.gather(changes([cart, alone]));
    await proxier.settled();
    expect(await pictureOf(kernel)).toEqual(
      await pictureOf(await programmed(changes([cart, alone], slices))),
    );
    await proxier.stop();
  });

  test('and the node may be in another zone by then', async () => {
    const kernel = await programmed(changes([cart], slices));
    const before = await generationOf(kernel);
    const { proxier } = start(kernel);
    await proxier.prepare();
    proxier.gather(changes([cart], slices.slice(0, 1)));
    proxier.setZone('zone-2');
    await new Promise((resolve) => setTimeout(resolve, 20));
    proxier.apply(second ?? nothing);
    await proxier.settled();
    expect(await generationOf(kernel)).toBe(before);
    await proxier.stop();
  });
});
