import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Nftables } from 'nftlink';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Lab } from '../../../lab/lab.ts';
import { lineOf } from '../../../lab/lines.ts';
import type { ServiceState } from '../../src/model/frontends.ts';
import { FamilyProgram } from '../../src/sync/family-program.ts';
import { SyncLoop } from '../../src/sync/sync-loop.ts';
import { PROGRAM_OPTIONS, stateOf, UNDISTURBED } from '../states.ts';

/**
 * 100,000 connections to a Service whose endpoints come and go in 10,000 commits of their own meanwhile. All servers keep
 * listening, so a connection that is refused or lost is our fault.
 */
const CONNECTIONS = 100_000;
const COMMITS = 10_000;
const SERVERS = ['b1', 'b2', 'b3', 'b4', 'b5'];
/** One address has 28,232 ports (net.ipv4.ip_local_port_range). */
const CLIENTS = ['192.0.2.2', '192.0.2.3', '192.0.2.4', '192.0.2.5', '192.0.2.6'];
const CLUSTER_IP = '10.96.0.10';

const lab = new Lab('nftlink-connections');
const node = lab.host('node', { 'net.ipv4.ip_forward': 1 });
const client = lab.host('client');
const path = (name: string) => fileURLToPath(new URL(`../../../lab/${name}`, import.meta.url));
let nft: Nftables;

beforeAll(async () => {
  lab.connect(client, node, { host: `${CLIENTS[0]}/24`, router: '192.0.2.1/24' });
  for (const address of CLIENTS.slice(1)) lab.run(client, 'ip', 'addr', 'add', `${address}/24`, 'dev', 'e1');
  for (const [i, server] of SERVERS.entries()) {
    const host = lab.host(server);
    lab.connect(host, node, { host: `10.244.${i}.2/24`, router: `10.244.${i}.1/24` });
    await lineOf(
      lab.start(host, 'node', '--import', 'tsx', path('tcp-server.ts'), server, '8080'),
      /listening/,
    );
  }
  nft = Nftables.open({ netns: { path: node.netnsPath } });
});

afterAll(async () => {
  await nft.close();
  await lab.close();
});

function state(servers: readonly number[]): ServiceState {
  return stateOf(
    'shop/cart',
    CLUSTER_IP,
    servers.map((i) => `10.244.${i}.2`),
  );
}

test(`${CONNECTIONS} connections during ${COMMITS} commits: none refused, none lost`, async () => {
  let commits = 0;
  let wake = () => {};
  const failures: Error[] = [];
  const loop = new SyncLoop(nft, [new FamilyProgram('ip', PROGRAM_OPTIONS)], {
    ...UNDISTURBED,
    committed: () => {
      commits++;
      wake();
    },
    failed: (error) => failures.push(error),
  });
  const commit = (servers: readonly number[]) =>
    new Promise<void>((resolve) => {
      wake = resolve;
      loop.apply([state(servers)]);
    });
  await commit([0, 1, 2]);

  const child = lab.start(
    client,
    'node',
    '--import',
    'tsx',
    path('tcp-client.ts'),
    String(CONNECTIONS),
    '100',
    CLUSTER_IP,
    '80',
    ...CLIENTS,
  );
  const result = lineOf(child, /answers/);
  let isDone = false;
  const ended = once(child, 'exit').then(() => {
    isDone = true;
  });
  let present = [0, 1, 2];
  for (let i = 0; !isDone || commits < COMMITS; i++) {
    // One endpoint more or less in each commit, any of them, never none.
    const server = (i * 7 + (i >> 3)) % SERVERS.length;
    if (!present.includes(server)) present = [...present, server];
    else if (present.length > 1) present = present.filter((other) => other !== server);
    else continue;
    await commit(present);
    if (i % 8 === 0) await sleep(1);
  }
  await ended;
  await loop.stop();
  const { answers, failures: refused } = JSON.parse(await result) as {
    answers: Record<string, number>;
    failures: Record<string, number>;
  };
  expect(failures).toEqual([]);
  expect(refused).toEqual({});
  expect(Object.values(answers).reduce((sum, count) => sum + count, 0)).toBe(CONNECTIONS);
  expect(Object.keys(answers).sort()).toEqual(SERVERS);
  expect(commits).toBeGreaterThanOrEqual(COMMITS);
}, 300_000);
