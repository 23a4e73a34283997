import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createConnection } from 'node:net';
import { afterAll, describe, expect, test } from 'vitest';
import { type Host, Lab } from '../../../lab/lab.ts';
import { defaultSocketPath } from '../../src/status/socket.ts';
import type { Status } from '../../src/status/status.ts';
import { ManifestFiles, service, slice } from './manifest-files.ts';
import { type Ended, ProxierProcess, runProxier } from './proxier-process.ts';

/** What `status` says of a table that is well, of one that somebody has changed, and of a daemon. */
const lab = new Lab('nftlink-status');
const manifests = new ManifestFiles();
const HTTP = [{ name: 'http', port: 80 }];
const TARGET = [{ name: 'http', port: 8080 }];

manifests.write(
  'web.json',
  service('web', HTTP, { clusterIP: '10.96.0.10' }),
  slice('web', TARGET, ['10.244.1.2', '10.244.2.2']),
);
manifests.write(
  'login.json',
  service('login', [{ name: 'http', port: 80, nodePort: 30080 } as never], {
    type: 'NodePort',
    clusterIP: '10.96.0.11',
    sessionAffinity: 'ClientIP',
  }),
  slice('login', TARGET, ['10.244.1.3', '10.244.2.2']),
);
manifests.write('idle.json', service('idle', HTTP, { clusterIP: '10.96.0.12' }));

afterAll(async () => {
  await lab.close();
  manifests.remove();
});

let changes = 0;

function runArgs(host: Host, ...more: readonly string[]): readonly string[] {
  return ['run', '--manifests', manifests.path, '--netns', host.netnsPath, '--node-ip', '192.0.2.1', ...more];
}

/** A host with the table of a proxier that has ended. */
async function programmed(name: string, ...more: readonly string[]): Promise<Host> {
  const host = lab.host(name);
  const { status, stderr } = await runProxier(runArgs(host, '--once', ...more));
  expect(status, stderr).toBe(0);
  return host;
}

async function statusOf(
  host: Host,
  ...more: readonly string[]
): Promise<Status & { readonly exit: Ended['status'] }> {
  const { status, stdout, stderr } = await runProxier([
    'status',
    '--json',
    '--netns',
    host.netnsPath,
    ...more,
  ]);
  if (stdout === '') throw new Error(`status ended with ${status}: ${stderr}`);
  return { exit: status, ...JSON.parse(stdout) };
}

function problemsOf({ tables }: Status): readonly string[] {
  return tables.flatMap(({ problems }) => problems);
}

describe('the tables', () => {
  test('what is in them', async () => {
    const host = await programmed('well');
    lab.run(host, 'nft', 'add element ip kube-proxy affinity { 10.244.9.9 . 4b51:1 timeout 1h : 5000:0 }');
    const { exit, daemon, tables } = await statusOf(host);
    expect([exit, daemon]).toEqual([0, undefined]);
    expect(
      tables.map(({ family, layout, problems, leftovers }) => [family, layout, problems, leftovers]),
    ).toEqual([
      ['ip', 2, [], []],
      ['ip6', 2, [], []],
    ]);
    expect(tables[0]?.counts).toMatchObject({
      clusterIPs: 3,
      frontends: 2,
      nodePorts: 1,
      refused: 1,
      dropped: 0,
      endpoints: 3,
      classChains: 1,
      stickyChains: 3,
    });
    expect(tables[0]?.stickies).toEqual([
      { service: 'default/login:http', timeoutMs: 10_800_000, endpoints: 2, clients: 1 },
    ]);
    expect(tables[0]?.sets.find(({ name }) => name === 'endpoints')).toEqual({
      name: 'endpoints',
      elements: 2,
      size: 1024,
    });
    expect(tables[1]?.counts).toMatchObject({ clusterIPs: 0, endpoints: 0 });
  });

  test('as text', async () => {
    const host = await programmed('text');
    const { status, stdout } = await runProxier(['status', '--netns', host.netnsPath]);
    expect(status).toBe(0);
    expect(stdout).toMatch(/^daemon: none answers at \/run\/nft-proxier\/\d+\.sock\n/);
    expect(stdout).toContain('table ip kube-proxy: layout 2');
    expect(stdout).toContain('3 cluster IPs; 2 frontends and 1 node ports that lead to 3 endpoints');
    expect(stdout).toContain('sticky: default/login:http: 0 clients remembered for 3 h, 2 endpoints');
    expect(stdout).toMatch(/^ {2}services +2 of 1024$/m);
    expect(stdout).not.toContain('PROBLEM');
  });

  test.each([
    ['cidr', ['--cluster-cidr', '10.244.0.0/16,fd00:10:244::/48']],
    ['odd-cidr', ['--cluster-cidr', '10.240.0.0/13,fd00:10:240::/45']],
    ['bridge', ['--pod-bridge-interface', 'cni0']],
    ['prefix', ['--pod-interface-name-prefix', 'veth']],
    ['all', ['--masquerade-all', '--nodeport-addresses', '0.0.0.0/0,::/0']],
  ])('options are told from the rules: %s', async (name, options) => {
    const host = await programmed(name, ...options);
    expect(problemsOf(await statusOf(host))).toEqual([]);
  });

  test.each([
    [
      'a flushed chain',
      'flush chain ip kube-proxy pick-2',
      'chain pick-2 has other rules than nft-proxier writes',
    ],
    [
      'another rule',
      'insert rule ip6 kube-proxy filter-forward accept',
      'chain filter-forward has other rules than nft-proxier writes',
    ],
    [
      'another masquerade rule',
      'insert rule ip kube-proxy nat-postrouting meta mark and 0x10 != 0 accept',
      'chain nat-postrouting has other rules than nft-proxier writes',
    ],
    [
      'a base chain that is gone',
      'flush chain ip kube-proxy filter-input; delete chain ip kube-proxy filter-input',
      'chain filter-input is missing',
    ],
    [
      'a base chain that is not ours',
      'add chain ip kube-proxy mine { type filter hook input priority 5; }',
      'base chain mine does not belong here',
    ],
    [
      'an endpoint that is gone',
      'delete element ip kube-proxy endpoints { 10.96.0.10 . tcp . 80 . 4b52:1 }',
      'services 10.96.0.10 . tcp . 80 has no endpoint 1 in endpoints',
    ],
    [
      'a slot that is gone',
      'delete element ip kube-proxy sticky-slots { 4c00:1 }',
      'default/login:http has no slot 1 in sticky-slots',
    ],
    [
      "a sticky Service's endpoint that is gone",
      'delete element ip kube-proxy sticky-endpoints { 5000:1 }',
      'default/login:http has no endpoint 1 in sticky-endpoints',
    ],
  ])('changed by hand: %s', async (_what, command, problem) => {
    const host = await programmed(`changed-${++changes}`);
    lab.run(host, 'nft', command);
    const found = await statusOf(host);
    expect(problemsOf(found)).toContain(problem);
    expect(found.exit).toBe(1);
  });

  test('a class that is gone, and what is left over', async () => {
    const host = await programmed('gone-class');
    const dispatch = lab.run(host, 'nft', 'list', 'map', 'ip', 'kube-proxy', 'dispatch');
    const mark = /(4b50:\w+) : goto pick-2/.exec(dispatch)?.[1];
    lab.run(host, 'nft', `delete element ip kube-proxy dispatch { ${mark} }; add chain ip kube-proxy mine`);
    const found = await statusOf(host);
    expect(problemsOf(found)).toContain(
      'services 10.96.0.10 . tcp . 80 has a class that dispatch does not know',
    );
    expect(found.tables[0]?.leftovers).toEqual(['chain mine']);
  });

  test("kube-proxy's own table, and none at all", async () => {
    const host = lab.host('foreign');
    const none = await statusOf(host);
    expect([none.exit, none.tables]).toEqual([0, []]);
    lab.run(host, 'nft', 'add table ip kube-proxy; add chain ip kube-proxy services');
    const found = await statusOf(host);
    expect(found.exit).toBe(1);
    expect(found.tables).toMatchObject([{ family: 'ip' }]);
    expect(found.tables[0]?.layout).toBeUndefined();
    expect(problemsOf(found)).toEqual([expect.stringContaining('not of this version')]);
  });
});

describe('the daemon', () => {
  function start(host: Host, ...more: readonly string[]): ProxierProcess {
    const proxier = new ProxierProcess(runArgs(host, ...more));
    lab.track(proxier.child);
    return proxier;
  }

  test('tells what it knows, and takes its socket away when it ends', async () => {
    const host = lab.host('daemon');
    const proxier = start(host, '--node-name', 'node-1');
    await proxier.programmed();
    const path = await defaultSocketPath(host.netnsPath);
    const { exit, daemon, socket } = await statusOf(host);
    expect([exit, socket]).toEqual([0, path]);
    expect(daemon).toMatchObject({
      pid: proxier.child.pid,
      nodeName: 'node-1',
      services: 3,
      setAside: [],
      conflicts: [],
    });
    expect(daemon?.lastSyncs.at(-1)).toMatchObject({ services: 3 });
    expect(daemon?.syncs).toBeGreaterThanOrEqual(1);
    manifests.write('more.json', service('more', HTTP, { clusterIP: '10.96.0.13' }));
    await proxier.programmed();
    expect((await statusOf(host)).daemon).toMatchObject({ services: 4 });
    manifests.delete('more.json');
    await proxier.programmed();
    expect(await proxier.end()).toBe(0);
    expect(existsSync(path)).toBe(false);
  });

  test('a killed one leaves its socket: the next one takes it over, a third one is told', async () => {
    const host = lab.host('killed');
    const path = await defaultSocketPath(host.netnsPath);
    const first = start(host);
    await first.programmed();
    await first.end('SIGKILL');
    expect(existsSync(path)).toBe(true);
    expect((await statusOf(host)).daemon).toBeUndefined();
    const second = start(host);
    while ((await statusOf(host)).daemon?.pid !== second.child.pid);
    const third = start(host);
    expect(await third.line(/status is not served/)).toContain('another nft-proxier serves');
    expect((await statusOf(host)).daemon?.pid).toBe(second.child.pid);
    await third.end();
    expect((await statusOf(host)).daemon?.pid).toBe(second.child.pid);
    await second.end();
  });

  test('on a path of its own; none; and nobody who asks and goes away can hurt it', async () => {
    const host = lab.host('elsewhere');
    const path = `${manifests.path}/own.sock`;
    const proxier = start(host, '--status-socket', path);
    await proxier.programmed();
    const rude = createConnection(path);
    await once(rude, 'connect');
    rude.destroy();
    expect((await statusOf(host, '--status-socket', path)).daemon?.pid).toBe(proxier.child.pid);
    expect((await statusOf(host)).daemon).toBeUndefined();
    await proxier.end();
    const silent = start(host, '--status-socket', 'none');
    // What was programmed before is right: there is nothing to say.
    manifests.write('more.json', service('more', HTTP, { clusterIP: '10.96.0.13' }));
    await silent.programmed();
    manifests.delete('more.json');
    expect((await statusOf(host)).daemon).toBeUndefined();
    await silent.end();
  });

  test('without a place for the socket it is told, and works', async () => {
    const host = lab.host('nowhere');
    const proxier = start(host, '--status-socket', '/proc/nowhere/status.sock');
    expect(await proxier.line(/status is not served/)).toContain('/proc/nowhere');
    await proxier.programmed();
    expect(await proxier.end()).toBe(0);
  });
});
