import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Host, Lab } from '../../../lab/lab.ts';
import { ManifestFiles, service, slice } from './manifest-files.ts';
import { ProxierProcess, runProxier } from './proxier-process.ts';

/** What users see of the program: exit statuses, messages, and what is in the kernel meanwhile. */
const lab = new Lab('nftlink-command-line');
const folders: ManifestFiles[] = [];
const HTTP = [{ name: 'http', port: 80 }];
const TARGET = [{ name: 'http', port: 8080 }];

afterAll(async () => {
  await lab.close();
  for (const folder of folders) folder.remove();
});

function newFolder(): ManifestFiles {
  const folder = new ManifestFiles();
  folders.push(folder);
  return folder;
}

function run(folder: ManifestFiles, host: Host, ...more: readonly string[]): readonly string[] {
  return ['run', '--manifests', folder.path, '--netns', host.netnsPath, '--node-name', 'node-1', ...more];
}

function start(folder: ManifestFiles, host: Host, ...more: readonly string[]): ProxierProcess {
  const proxier = new ProxierProcess(run(folder, host, ...more));
  lab.track(proxier.child);
  return proxier;
}

/** The ruleset's text, its lines sorted, with a line for each element: they come in no order. */
function ruleset(host: Host): readonly string[] {
  const text = lab.run(host, 'nft', 'list', 'ruleset').replace(/elements = \{|[,}]/g, '\n');
  const lines = text.split('\n').map((line) => line.trim());
  return lines.filter((line) => line !== '').sort();
}

/** The elements of all sets and maps, as nft shows them. */
function elements(host: Host): readonly string[] {
  return ruleset(host).filter((line) => /^[\da-f]+[.:]/.test(line));
}

/** The ruleset once it stays as it is: what is stale is deleted a moment after the change. */
async function settledRuleset(host: Host): Promise<readonly string[]> {
  for (let last = ruleset(host); ; ) {
    await sleep(300);
    const now = ruleset(host);
    if (isDeepStrictEqual(now, last)) return now;
    last = now;
  }
}

/** The addresses that the log says Services were given, by `verb`. */
function given(log: string, verb: 'gets' | 'keeps'): Readonly<Record<string, string>> {
  const pattern = new RegExp(`Service (\\S+) has no clusterIP: it ${verb} (\\S+)`, 'g');
  return Object.fromEntries([...log.matchAll(pattern)].map(([, name = '', ip = '']) => [name, ip]));
}

describe('run --once', () => {
  test('programs, ends, and a Service without clusterIP has the same one ever after', async () => {
    const [host, folder] = [lab.host('once'), newFolder()];
    folder.write('web.json', service('web', HTTP), slice('web', TARGET, ['10.244.1.2']));
    folder.write('explicit.json', service('explicit', HTTP, { clusterIP: '10.96.0.77' }));
    const first = await runProxier(run(folder, host, '--once'));
    expect(first.status, first.stderr).toBe(0);
    expect(first.stdout).toBe('');
    expect(first.stderr).toContain('programmed 2 changed Services');
    const address = given(first.stderr, 'gets')['default/web'] ?? 'none';
    expect(Object.keys(given(first.stderr, 'gets'))).toEqual(['default/web']);
    expect(elements(host)).toContain(`${address} . tcp . 80 . 4b52:0 : 10.244.1.2 . 8080`);
    expect(elements(host)).toContain('10.96.0.77 . tcp . 80');

    const again = await runProxier(run(folder, host, '--once'));
    expect(given(again.stderr, 'keeps')).toEqual({ 'default/web': address });
    await runProxier(['cleanup', '--netns', host.netnsPath]);
    const cleaned = await runProxier(run(folder, host, '--once'));
    expect(given(cleaned.stderr, 'keeps')).toEqual({ 'default/web': address });
    rmSync(join(folder.path, '.nft-proxier.json'));
    const forgotten = await runProxier(run(folder, host, '--once'));
    expect(given(forgotten.stderr, 'gets')).toEqual({ 'default/web': address });
    expect(elements(host)).toContain(`${address} . tcp . 80 . 4b52:0 : 10.244.1.2 . 8080`);
  });

  test('gives no address twice, to nobody another one, and none that somebody asked for', async () => {
    const [host, folder] = [lab.host('addresses'), newFolder()];
    const name = (n: number) => `s${n}`;
    const many = (from: number, to: number) =>
      Array.from({ length: to - from }, (_, i) => service(name(from + i), HTTP));
    const options = ['--once', '--service-cidr', '10.96.0.0/24'];
    folder.write('b.json', ...many(0, 100));
    const before = given((await runProxier(run(folder, host, ...options))).stderr, 'gets');
    expect(new Set(Object.values(before)).size).toBe(100);
    // New ones come first by name, and one asks for an address that another one was given.
    const taken = before['default/s3'] ?? 'none';
    folder.write('a.json', ...many(100, 200), service('aaa', HTTP, { clusterIP: taken }));
    const { status, stderr } = await runProxier(run(folder, host, ...options));
    expect(status, stderr).toBe(1);
    expect(stderr).toMatch(
      new RegExp(
        `a\\.json:\\d+: Service default/aaa: spec\\.clusterIP: ${taken} belongs to Service default/s3`,
      ),
    );
    expect(given(stderr, 'keeps')).toEqual(before);
    const all = [...Object.values(before), ...Object.values(given(stderr, 'gets'))];
    expect(new Set(all).size).toBe(200);
  });

  test('a malformed manifest: file, line and field are told, the others work, exit status 1', async () => {
    const [host, folder] = [lab.host('malformed'), newFolder()];
    folder.write('good.json', service('good', HTTP, { clusterIP: '10.96.0.10' }));
    folder.writeText('bad.yaml', badService(70000));
    folder.writeText('broken.yaml', 'apiVersion: v1\nmetadata: [1');
    const { status, stderr, stdout } = await runProxier(run(folder, host, '--once'));
    expect(status).toBe(1);
    expect(stdout).toBe('');
    expect(stderr).toContain(
      'bad.yaml:14: Service default/bad: spec.ports[0].port: 70000 is not a port number (1 to 65535)',
    );
    expect(stderr).toContain('broken.yaml:2: cannot be parsed');
    const now = elements(host);
    expect(now).toContain('10.96.0.10 . tcp . 80');
    // The same file's other object.
    expect(now).toContain('10.96.0.21 . tcp . 80');
    expect(now.join('\n')).not.toContain('10.96.0.20');
  });
});

/** Two Services; the port of the first stands in line 14. */
function badService(port: number): string {
  return `apiVersion: v1
kind: Service
metadata: {name: other}
spec:
  clusterIP: 10.96.0.21
  ports: [{port: 80}]
---
apiVersion: v1
kind: Service
metadata: {name: bad}
spec:
  clusterIP: 10.96.0.20
  ports:
  - port: ${port}
`;
}

describe('run', () => {
  let host: Host;
  let folder: ManifestFiles;
  let proxier: ProxierProcess;
  const web = service('web', HTTP, { clusterIP: '10.96.0.10' });
  const writeWeb = (...endpoints: readonly string[]) =>
    folder.write('web.json', web, slice('web', TARGET, endpoints));

  beforeAll(async () => {
    host = lab.host('run');
    folder = newFolder();
    lab.load(
      host,
      `table ip other {
        chain c {
          type nat hook prerouting priority -100
          tcp dport 1 counter
        }
      }
      table inet kube-proxy {
        set s {
          type ipv4_addr
          elements = { 192.0.2.1 }
        }
      }`,
    );
    writeWeb('10.244.1.2', '10.244.2.2');
    folder.writeText('bad.yaml', badService(90));
    proxier = start(folder, host);
    await proxier.programmed();
  });

  test('a change is a minimal transaction', async () => {
    writeWeb('10.244.1.2', '10.244.3.2');
    // The endpoint of one index: deleted, added.
    expect(await proxier.programmed()).toBe(2);
    expect(elements(host).join('\n')).toMatch(
      /10\.96\.0\.10 \. tcp \. 80 \. 4b52:\d : 10\.244\.3\.2 \. 8080/,
    );
    expect(elements(host).join('\n')).not.toContain('10.244.2.2');

    // Another index; the class deleted and added; a chain, its two rules, and the way to it.
    writeWeb('10.244.1.2', '10.244.3.2', '10.244.2.2');
    expect(await proxier.programmed()).toBe(7);

    // A Service of that class: its index, class and address.
    const addresses = ['10.244.1.2', '10.244.2.2', '10.244.3.2'];
    folder.write(
      'shop.json',
      service('shop', HTTP, { clusterIP: '10.96.0.11' }),
      slice('shop', TARGET, addresses),
    );
    expect(await proxier.programmed()).toBe(3);

    // Nothing that matters: no transaction. So the next one is that of the change after it.
    const annotated = { ...web, metadata: { name: 'web', annotations: { note: 'hello' } } };
    folder.write('web.json', annotated, slice('web', TARGET, addresses));
    folder.write('none.json', service('none', HTTP, { clusterIP: '10.96.0.12' }));
    expect(await proxier.programmed()).toBe(2);
  });

  test('a deleted file takes its Service with it', async () => {
    expect(elements(host).join('\n')).toContain('10.96.0.11');
    folder.delete('shop.json');
    // Frontend and address at once, the indexes a moment later.
    expect(await proxier.programmed()).toBe(2);
    expect((await settledRuleset(host)).join('\n')).not.toContain('10.96.0.11');
  });

  test('a file that becomes malformed loses nothing; mended, it is told and used', async () => {
    const before = await settledRuleset(host);
    expect(before).toContain('10.96.0.20 . tcp . 90');
    folder.writeText('bad.yaml', badService(70000));
    const complaint = 'bad.yaml:14: Service default/bad: spec.ports[0].port: 70000 is not a port number';
    expect(await proxier.line(/ERROR/)).toContain(complaint);
    folder.writeText('web.json', '{"kind": "Service", "metadata": ');
    expect(await proxier.line(/ERROR/)).toMatch(/web\.json:1: cannot be parsed/);
    expect(ruleset(host)).toEqual(before);

    folder.writeText('bad.yaml', badService(91));
    expect(await proxier.line(/resolved/)).toContain(complaint);
    // Another refused frontend; the one before it goes a moment later.
    expect(await proxier.programmed()).toBe(1);
    expect(await settledRuleset(host)).toEqual(
      before.map((line) => (line === '10.96.0.20 . tcp . 90' ? '10.96.0.20 . tcp . 91' : line)),
    );
    writeWeb('10.244.9.2');
    expect(await proxier.line(/resolved/)).toMatch(/web\.json:1: cannot be parsed/);
    await proxier.programmed();
    expect(elements(host).join('\n')).toContain('10.244.9.2 . 8080');
  });

  test('SIGTERM: ends at once, with 0, and the rules stay; the next start replaces them', async () => {
    const before = await settledRuleset(host);
    expect(before.join('\n')).not.toContain('10.244.1.2');
    const loggedBefore = proxier.log.split('\n').length;
    expect(await proxier.end()).toBe(0);
    // Nothing is read, resolved or programmed any more.
    expect(proxier.log.split('\n').slice(loggedBefore)).toEqual([
      expect.stringContaining('SIGTERM: ending; the rules stay in place'),
    ]);
    expect(ruleset(host)).toEqual(before);

    folder.delete('bad.yaml');
    proxier = start(folder, host);
    await proxier.programmed();
    expect(proxier.log).not.toMatch(/ERROR|WARN/);
    expect(elements(host).join('\n')).toContain('10.244.9.2 . 8080');
    expect((await settledRuleset(host)).join('\n')).not.toContain('10.96.0.20');
    expect(await proxier.end('SIGINT')).toBe(0);
  });

  test('cleanup removes our two tables, says so, and has nothing against doing it again', async () => {
    const cleanup = ['cleanup', '--netns', host.netnsPath];
    const tables = () => lab.run(host, 'nft', 'list', 'tables').trim().split('\n').sort();
    const others = ['table inet kube-proxy', 'table ip other'];
    expect(tables()).toEqual([...others, 'table ip kube-proxy', 'table ip6 kube-proxy'].sort());
    const first = await runProxier(cleanup);
    expect(first.stderr).toMatch(/table ip kube-proxy: removed\n.*table ip6 kube-proxy: removed\n$/);
    expect(first.status).toBe(0);
    expect(tables()).toEqual(others);
    expect(elements(host)).toContain('192.0.2.1');
    expect(ruleset(host)).toContain('tcp dport 1 counter packets 0 bytes 0');
    const second = await runProxier(cleanup);
    expect(second.stderr.match(/was not there/g)).toHaveLength(2);
    expect(second.status).toBe(0);
  });
});

test('a ConfigMap mount: the link ..data is turned over', async () => {
  const [host, folder] = [lab.host('configmap'), newFolder()];
  const write = (version: number, ...endpoints: readonly string[]) => {
    const objects = [service('web', HTTP, { clusterIP: '10.96.0.10' }), slice('web', TARGET, endpoints)];
    const data = `..${version}`;
    mkdirSync(join(folder.path, data));
    writeFileSync(join(folder.path, data, 'web.json'), JSON.stringify({ kind: 'List', items: objects }));
    symlinkSync(data, join(folder.path, '..data_tmp'));
    renameSync(join(folder.path, '..data_tmp'), join(folder.path, '..data'));
    rmSync(join(folder.path, `..${version - 1}`), { recursive: true, force: true });
  };
  write(1, '10.244.1.2');
  symlinkSync('..data/web.json', join(folder.path, 'web.json'));
  const proxier = start(folder, host);
  await proxier.programmed();
  expect(elements(host)).toContain('10.96.0.10 . tcp . 80 . 4b52:0 : 10.244.1.2 . 8080');
  for (const version of [2, 3]) {
    write(version, `10.244.${version}.2`);
    expect(await proxier.programmed()).toBe(2);
    expect(elements(host)).toContain(`10.96.0.10 . tcp . 80 . 4b52:0 : 10.244.${version}.2 . 8080`);
  }
  expect(await proxier.end()).toBe(0);
  expect(proxier.log).not.toMatch(/ERROR|WARN/);
});

test('--log-format json: each line is an object', async () => {
  const [host, folder] = [lab.host('json'), newFolder()];
  folder.write('web.json', service('web', HTTP));
  folder.writeText('bad.yaml', badService(70000));
  const { status, stdout, stderr } = await runProxier(run(folder, host, '--once', '--log-format', 'json'));
  expect(status).toBe(1);
  expect(stdout).toBe('');
  const lines = stderr
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as { level: number; msg: string });
  expect(lines.map(({ level, msg }) => `${level} ${msg}`)).toEqual([
    expect.stringMatching(/^50 bad\.yaml:14: Service default\/bad: /),
    expect.stringMatching(/^30 Service default\/web has no clusterIP: it gets 10\./),
    expect.stringMatching(/^30 programmed 2 changed Services in one transaction of \d+ operations/),
  ]);
});

describe('what it says when it cannot', () => {
  const host = lab.host('refused');
  const folder = newFolder();
  folder.write('web.json', service('web', HTTP, { clusterIP: '10.96.0.10' }));
  const cases: readonly (readonly [string, readonly string[], RegExp])[] = [
    ['an unknown option', run(folder, host, '--bogus'), /^error: unknown option '--bogus'/],
    ['no folder given', ['run'], /^error: required option '--manifests <dir>' not specified/],
    [
      'a bad --service-cidr',
      run(folder, host, '--service-cidr', '10.96.0.0'),
      /^error: option '--service-cidr .*"10\.96\.0\.0" is not like 10\.96\.0\.0\/12/,
    ],
    [
      'a bad --cluster-cidr',
      run(folder, host, '--cluster-cidr', '10.244.0.0/16,10.245.0.0/16'),
      /^error: option '--cluster-cidr .* expected one CIDR, or one of each IP family/,
    ],
    ['a bad --node-ip', run(folder, host, '--node-ip', 'here'), /^error: .*"here" is not an IP address/],
    [
      'a missing folder',
      ['run', '--manifests', '/nowhere', '--netns', host.netnsPath],
      /^nft-proxier: .*\/nowhere: it does not exist/,
    ],
    [
      'a missing namespace',
      ['run', '--manifests', folder.path, '--netns', '/run/netns/nowhere'],
      /^nft-proxier: cannot open .*\/run\/netns\/nowhere: .*(?:no such|does not exist)/i,
    ],
    ['an unknown command', ['walk'], /^error: unknown command 'walk'/],
  ];

  test.each(cases)('%s', async (_what, args, message) => {
    const { status, stdout, stderr } = await runProxier(args);
    expect(stderr).toMatch(message);
    // The message is not lost in a page of help, and there is no stack.
    expect(stderr.trimEnd().split('\n').length).toBeLessThan(5);
    expect(stdout).toBe('');
    expect(status).toBe(1);
  });

  test.each([
    ['run', ['run', '--manifests', folder.path, '--once']],
    ['cleanup', ['cleanup']],
  ])('%s without the capability', async (_command, args) => {
    const before = [
      ...['ip', 'netns', 'exec', host.name],
      ...['setpriv', '--bounding-set', '-net_admin', '--inh-caps', '-net_admin'],
    ];
    const { status, stdout, stderr } = await runProxier(args, { before });
    expect(stderr).toMatch(/EPERM.*CAP_NET_ADMIN/);
    expect(stderr).not.toContain('trying again');
    expect(stdout).toBe('');
    expect(status).toBe(1);
  });

  test('a damaged state file', async () => {
    const state = join(folder.path, 'state');
    writeFileSync(state, '{');
    const { status, stderr } = await runProxier(run(folder, host, '--once', '--state', state));
    expect(stderr).toContain(`the state file ${state} is damaged`);
    expect(status).toBe(1);
    expect(ruleset(host)).toEqual([]);
  });
});

test.each([
  [['--help'], /^Usage: nft-proxier .*cleanup/s],
  [['run', '--help'], /^Usage: nft-proxier run .*--service-cidr .*\(default: 10\.96\.0\.0\/12\)/s],
  [['cleanup', '--help'], /^Usage: nft-proxier cleanup .*--netns/s],
])('%s', async (args, help) => {
  const { status, stdout, stderr } = await runProxier(args);
  expect(stdout).toMatch(help);
  expect(stdout).not.toMatch(/undefined|\[object|default: \{/);
  expect(stderr).toBe('');
  expect(status).toBe(0);
});
