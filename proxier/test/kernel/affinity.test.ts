import { Nftables } from 'nftlink';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ADDRESS_PLAN } from '../../cluster-generator/address-plan.ts';
import { DEFAULT_NODE } from '../../cluster-generator/node-config.ts';
import { startWith } from '../../conformance/proxier-subject.ts';
import type { Subject } from '../../conformance/subject.ts';
import { verdictOf, verdictText } from '../../conformance/verdict.ts';
import { openNodeLab } from '../../differential/node-lab.ts';
import type { ClusterChanges } from '../../src/model/cluster.ts';
import { anEndpoint, aService, aSlice } from '../objects.ts';

/** Clients keep their endpoint whatever happens, but for the end of the endpoint itself. Real packets, real conntrack. */
const { IPv4 } = ADDRESS_PLAN;
const CLIENTS = Array.from({ length: 100 }, (_, n) => IPv4.remoteClient(n + 1));
const NONE = { upserted: [], deleted: [] };
const AFFINITY = { sessionAffinitySeconds: 10_800 };

let lab: Awaited<ReturnType<typeof openNodeLab>>;
let nft: Nftables;
let proxier: Subject;

async function start(): Promise<Subject> {
  return startWith(lab.host.netnsPath, {
    ...DEFAULT_NODE,
    zone: undefined,
    interfaceAddresses: () => [IPv4.nodeIP],
  });
}

beforeAll(async () => {
  lab = await openNodeLab('affinity-kept');
  nft = Nftables.open({ netns: { path: lab.host.netnsPath } });
  proxier = await start();
});

afterAll(async () => {
  await proxier.stop();
  await nft.close();
  await lab[Symbol.asyncDispose]();
});

/** The Service `login` with these pods, and as many others. */
function objects(pods: readonly number[], others = 0): ClusterChanges {
  const login = aService('shop/login', { clusterIPs: [IPv4.clusterIP(1)], ...AFFINITY });
  const more = Array.from({ length: others }, (_, n) =>
    aService(`shop/other-${n}`, { clusterIPs: [IPv4.clusterIP(n + 2)] }),
  );
  const endpoints = pods.map((n) => anEndpoint(IPv4.remotePod(n)));
  return {
    services: { upserted: [login, ...more], deleted: [] },
    endpointSlices: { upserted: [aSlice('shop/login', '1', endpoints)], deleted: [] },
  };
}

/** Where each client's connection goes. */
async function connect(): Promise<readonly string[]> {
  const destination = IPv4.clusterIP(1);
  const results = await lab.send(
    CLIENTS.map((source) => ({ from: 'out0', protocol: 'TCP', source, destination, port: 80 })),
  );
  return results.map((result) => verdictText(verdictOf(result)));
}

const podOf = (n: number) => `${IPv4.remotePod(n)}:8080`;

test('clients keep their endpoints over a restart, more endpoints, and sets that grow', async () => {
  await proxier.apply(objects([1, 2, 3]));
  const first = await connect();
  expect([...new Set(first)].sort()).toEqual([1, 2, 3].map(podOf));
  expect(await connect()).toEqual(first);

  await proxier.stop();
  const generation = await nft.generation();
  proxier = await start();
  await proxier.apply(objects([1, 2, 3]));
  expect(await nft.generation()).toBe(generation);
  expect(await connect()).toEqual(first);

  await proxier.apply(objects([1, 2, 3, 4, 5, 6]));
  expect(await connect()).toEqual(first);
  await proxier.apply(objects([1, 2, 3, 4, 5, 6], 1_500));
  const names = (await nft.listSets({ kind: 'table', family: 'ip', name: 'kube-proxy' })).map(
    ({ name }) => name,
  );
  expect(names).toContain('cluster-ips-2');
  expect(await connect()).toEqual(first);
});

test('only those of an endpoint that goes get another one, which they keep', async () => {
  await proxier.apply(objects([1, 2, 3]));
  const before = await connect();
  await proxier.apply(objects([1, 3]));
  const after = await connect();
  const moved = before.map((pod, i) => (pod === podOf(2) ? after[i] : pod));
  expect(after).toEqual(moved);
  expect([...new Set(after)].sort()).toEqual([1, 3].map(podOf));
  // The same address again is another endpoint: nobody is thrown back to it.
  await proxier.apply(objects([1, 2, 3]));
  expect(await connect()).toEqual(after);

  await proxier.stop();
  proxier = await start();
  await proxier.apply(objects([1, 2, 3, 4]));
  expect(await connect()).toEqual(after);
});

test('of a Service that is deleted and made again nobody is remembered', async () => {
  await proxier.apply(objects([1, 2, 3]));
  const before = await connect();
  await proxier.apply({
    services: { upserted: [], deleted: ['shop/login'] },
    endpointSlices: { upserted: [], deleted: ['shop/login-1'] },
  });
  expect(new Set(await connect())).not.toContain(podOf(1));
  await proxier.apply({ ...objects([1, 2, 3]), endpointSlices: NONE });
  await proxier.apply(objects([1, 2, 3]));
  const after = await connect();
  expect([...new Set(after)].sort()).toEqual([1, 2, 3].map(podOf));
  expect(after).not.toEqual(before);
});
