import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Host, Lab } from '../../../lab/lab.ts';
import { lineOf, linesOf } from '../../../lab/lines.ts';
import { ManifestFiles, service, slice } from './manifest-files.ts';
import { ProxierProcess } from './proxier-process.ts';

/** The proxier is ended and started again while a client opens connections without a pause. None may fail. */
const RESTARTS = 5;
const SERVERS = ['b1', 'b2', 'b3'];

const lab = new Lab('nftlink-restart');
const manifests = new ManifestFiles();
const node = lab.host('node', { 'net.ipv4.ip_forward': 1 });
const client = lab.host('client');
const program = (name: string) => fileURLToPath(new URL(`../../../lab/${name}`, import.meta.url));

async function startBackend(name: string, n: number): Promise<Host> {
  const host = lab.host(name);
  lab.connect(host, node, { host: `10.244.${n}.2/24`, router: `10.244.${n}.1/24` });
  const server = lab.start(host, 'node', '--import', 'tsx', program('http-server.ts'), name, '8080');
  await lineOf(server, /listening/);
  return host;
}

async function startProxier(): Promise<ProxierProcess> {
  const proxier = new ProxierProcess([
    ...['run', '--manifests', manifests.path, '--netns', node.netnsPath],
    ...['--cluster-cidr', '10.244.0.0/16'],
  ]);
  lab.track(proxier.child);
  await proxier.programmed();
  return proxier;
}

beforeAll(async () => {
  lab.connect(client, node, { host: '192.0.2.2/24', router: '192.0.2.1/24' });
  await Promise.all(SERVERS.map((name, i) => startBackend(name, i)));
  const addresses = SERVERS.map((_, i) => `10.244.${i}.2`);
  manifests.write('web.json', service('web', [{ port: 80 }]), slice('web', [{ port: 8080 }], addresses));
});

afterAll(async () => {
  await lab.close();
  manifests.remove();
});

test(`${RESTARTS} restarts: no connection fails`, async () => {
  let proxier = await startProxier();
  const address = /it gets (\S+)/.exec(proxier.log)?.[1] ?? 'none';
  const requests = lab.start(
    client,
    ...(['node', '--import', 'tsx', program('http-client.ts'), `http://${address}/`, '8'] as const),
  );
  const answers: Record<string, number> = {};
  const errors: string[] = [];
  let total = 0;
  linesOf(requests).on('line', (line) => {
    const report = JSON.parse(line) as { answers: Record<string, number>; errors: readonly string[] };
    errors.push(...report.errors);
    for (const [server, count] of Object.entries(report.answers)) {
      answers[server] = (answers[server] ?? 0) + count;
      total += count;
    }
  });
  await expect.poll(() => total, { timeout: 20_000 }).toBeGreaterThan(100);
  for (let restart = 0; restart < RESTARTS; restart++) {
    expect(await proxier.end()).toBe(0);
    const before = total;
    // The rules alone forward too.
    await expect.poll(() => total, { timeout: 20_000 }).toBeGreaterThan(before + 50);
    proxier = await startProxier();
    expect(proxier.log).toContain(`it keeps ${address}`);
    expect(proxier.log).not.toMatch(/ERROR|WARN/);
    expect(proxier.log).toContain('programmed already: 1 changed Service, nothing to do in the kernel');
    await sleep(200);
  }
  requests.stdin?.end();
  await once(requests, 'exit');
  expect(await proxier.end()).toBe(0);
  expect(errors).toEqual([]);
  expect(Object.keys(answers).sort()).toEqual(SERVERS);
  expect(total).toBeGreaterThan(1000);
});
