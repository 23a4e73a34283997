import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, describe, expect, test } from 'vitest';
import { Lab } from '../../lab/lab.ts';
import { ipv4Addr, Nftables, OpenError, set, table } from '../../src/index.ts';

/** Sockets in network namespaces: by path, process and descriptor; and how they are closed. */

const lab = new Lab('nftlink-namespaces');
const one = lab.host('one');
const two = lab.host('two');

afterAll(() => lab.close());

const namesIn = async (nft: Nftables) => (await nft.listTables()).map(({ name }) => name);
const shown = (host: typeof one) => lab.run(host, 'nft', 'list', 'tables');

function openErrorOf(work: () => unknown): OpenError {
  try {
    work();
  } catch (error) {
    if (error instanceof OpenError) return error;
    throw error;
  }
  throw new Error('it was opened');
}

describe('a namespace', () => {
  test('by path, by process and by descriptor is the same one', async () => {
    const sleeper = lab.start(one, 'sleep', '60');
    await once(sleeper, 'spawn');
    // `ip netns exec` enters the namespace after it was started.
    await sleep(200);
    const fd = openSync(one.netnsPath, 'r');
    const { pid } = sleeper;
    if (pid === undefined) throw new Error('sleep has no process id');
    {
      await using byPath = Nftables.open({ netns: { path: one.netnsPath } });
      await using byPid = Nftables.open({ netns: { pid } });
      await using byFd = Nftables.open({ netns: { fd } });
      await byPath.transaction().add(table('ip', 'by-path')).commit();
      await byPid.transaction().add(table('ip', 'by-pid')).commit();
      byFd.transaction().add(table('ip', 'by-fd')).commitSync();
      for (const nft of [byPath, byPid, byFd]) {
        expect(await namesIn(nft)).toEqual(['by-path', 'by-pid', 'by-fd']);
      }
    }
    // The descriptor is the caller's, and still open.
    closeSync(fd);
    expect(shown(one)).toBe('table ip by-path\ntable ip by-pid\ntable ip by-fd\n');
  });

  test('does not see another one, nor does this process', async () => {
    await using here = Nftables.open();
    await using first = Nftables.open({ netns: { path: one.netnsPath } });
    await using second = Nftables.open({ netns: { path: two.netnsPath } });
    await Promise.all([
      first.transaction().add(table('inet', 'only-in-one')).commit(),
      second.transaction().add(table('inet', 'only-in-two')).commit(),
    ]);
    first.transaction().add(table('inet', 'sync-in-one')).commitSync();
    expect(await namesIn(first)).toEqual(expect.arrayContaining(['only-in-one', 'sync-in-one']));
    expect(await namesIn(second)).toEqual(['only-in-two']);
    expect(shown(two)).toBe('table inet only-in-two\n');
    const ours = await namesIn(here);
    for (const name of ['by-path', 'by-pid', 'by-fd', 'only-in-one', 'only-in-two', 'sync-in-one']) {
      expect(ours).not.toContain(name);
    }
  });

  test('may be deleted while a socket is in it: the socket keeps it', async () => {
    await using other = new Lab('nftlink-namespaces');
    const gone = other.host('gone');
    await using nft = Nftables.open({ netns: { path: gone.netnsPath } });
    await other.close();
    await nft.transaction().add(table('ip', 'alone')).commit();
    expect(await namesIn(nft)).toEqual(['alone']);
  });
});

describe('what is no namespace', () => {
  test.each([
    [
      { path: '/run/netns/nftlink-none' },
      'open-netns',
      'ENOENT',
      '/run/netns/nftlink-none',
      'in the network namespace /run/netns/nftlink-none: there is no such file; `ip netns add NAME`',
    ],
    [
      { path: '/etc/hostname' },
      'setns',
      'EINVAL',
      '/etc/hostname',
      'in the network namespace /etc/hostname: it is not a network namespace',
    ],
    [{ path: '/proc/self/ns/mnt' }, 'setns', 'EINVAL', '/proc/self/ns/mnt', 'it is not a network namespace'],
    [
      { pid: 2 ** 22 + 1 },
      'open-netns',
      'ENOENT',
      '/proc/4194305/ns/net',
      'of process 4194305: there is no such process',
    ],
    [
      { fd: 9999 },
      'open-netns',
      'ENOENT',
      '/proc/self/fd/9999',
      'behind descriptor 9999: there is no such open descriptor',
    ],
  ] as const)('%o: an OpenError that says so', (netns, step, code, path, message) => {
    const error = openErrorOf(() => Nftables.open({ netns }));
    expect(error).toMatchObject({ name: 'OpenError', step, code, path });
    expect(error.message).toContain(`cannot open a netfilter socket in `);
    expect(error.message).toContain(message);
    expect(error.message).toMatch(new RegExp(`\\(${step}: ${code}\\)$`));
  });

  test('without CAP_SYS_ADMIN another namespace cannot be entered', () => {
    const script = `
      import { Nftables } from './src/index.ts';
      try { Nftables.open({ netns: { path: '${two.netnsPath}' } }); }
      catch ({ name, step, code, message }) { console.log(JSON.stringify({ name, step, code, message })); }`;
    const caps = ['--bounding-set=-sys_admin', '--inh-caps=-sys_admin'];
    const node = ['node', '--import', 'tsx', '--input-type=module', '-e', script];
    expect(JSON.parse(lab.run(one, 'setpriv', ...caps, ...node))).toMatchObject({
      name: 'OpenError',
      step: 'setns',
      code: 'EPERM',
      message: expect.stringContaining('it takes CAP_SYS_ADMIN'),
    });
  });
});

describe('closing', () => {
  const open = () => Nftables.open({ netns: { path: one.netnsPath } });
  const closed = { code: 'ERR_NFTLINK_CLOSED', message: 'the socket is closed' };

  test('twice is once, at the same time or one after the other', async () => {
    const nft = open();
    await Promise.all([nft.close(), nft.close()]);
    await nft.close();
  });

  test('waits for what is under way', async () => {
    const nft = open();
    const commit = nft.transaction().add(table('ip', 'last')).commit();
    const list = nft.listTables();
    await nft.close();
    await expect(commit).resolves.toMatchObject({ outcome: 'committed' });
    expect((await list).map(({ name }) => name)).toContain('last');
  });

  test('makes every later call fail with a clear error', async () => {
    const nft = open();
    const begun = nft.transaction().add(table('ip', 'never'));
    await nft.close();
    await expect(nft.transaction().add(table('ip', 'never')).commit()).rejects.toMatchObject(closed);
    expect(() => begun.commitSync()).toThrow(expect.objectContaining(closed));
    await expect(nft.listTables()).rejects.toMatchObject(closed);
    await expect(nft.listElements(set(table('ip', 't'), 's', { key: ipv4Addr }))).rejects.toMatchObject(
      closed,
    );
    await expect(nft.generation()).rejects.toMatchObject(closed);
    expect(shown(one)).not.toContain('never');
  });

  test('is what `await using` does', async () => {
    let kept: Nftables;
    {
      await using nft = open();
      kept = nft;
      await nft.generation();
    }
    await expect(kept.generation()).rejects.toMatchObject(closed);
  });
});
