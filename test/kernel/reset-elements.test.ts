import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { Lab } from '../../lab/lab.ts';
import {
  baseChain,
  counter,
  counterFrom,
  eq,
  FeatureMissingError,
  ip,
  ipv4Addr,
  meta,
  Nftables,
  oneOf,
  quota,
  rule,
  SetHandle,
  set,
  type Transport,
  table,
} from '../../src/index.ts';
import { FakeKernel } from '../../src/testing/index.ts';

/** Elements that are read and set back in the same moment: NFT_MSG_GETSETELEM_RESET. */

const lab = new Lab('nftlink-reset-elements');
const host = lab.host('host');
let nft: Nftables;
const t = table('ip', 't');
const output = baseChain(t, 'output', { type: 'filter', hook: 'output', priority: 0 });
/** Not the refusals that come back. */
const isDatagram = eq(meta.l4proto, 'udp');
const peers = set(t, 'peers', { key: ipv4Addr, statements: [counter] });
const nets = set(t, 'nets', { key: ipv4Addr, statements: [counter], intervals: true });

beforeAll(() => {
  nft = Nftables.open({ netns: { path: host.netnsPath } });
});

beforeEach(() =>
  nft
    .transaction()
    .add(t)
    .delete(t)
    .add(t)
    .add(output)
    .add(peers)
    .add(nets)
    .add(rule(output, [isDatagram, oneOf(ip.daddr, peers)]))
    .add(rule(output, [isDatagram, oneOf(ip.daddr, nets)]))
    .commit(),
);

afterAll(async () => {
  await nft.close();
  await lab.close();
});

/** Sends datagrams of 29 bytes. */
function send(count: number, to: string): void {
  const program = `import socket
s = socket.socket(2, 2)
for _ in range(${count}): s.sendto(b'x', ('${to}', 9))`;
  lab.run(host, 'python3', '-c', program);
}

describe('elements are read and set back', () => {
  test('all of a set', async () => {
    await nft.transaction().addElements(peers, ['127.0.0.1', '127.0.0.2']).commit();
    send(3, '127.0.0.1');
    const counts = async () =>
      new Map((await nft.resetElements(peers)).map(({ key, counter: of }) => [key, of?.packets]));
    expect(await counts()).toEqual(
      new Map([
        ['127.0.0.1', 3n],
        ['127.0.0.2', 0n],
      ]),
    );
    send(1, '127.0.0.2');
    expect(await counts()).toEqual(
      new Map([
        ['127.0.0.1', 0n],
        ['127.0.0.2', 1n],
      ]),
    );
  });

  test('ranges too', async () => {
    await nft.transaction().addElements(nets, ['127.0.0.0/30', '127.0.0.4/30']).commit();
    send(2, '127.0.0.2');
    send(1, '127.0.0.5');
    const counts = async () =>
      (await nft.resetElements(nets)).map(({ key, counter: of }) => `${key} ${of?.packets}`).sort();
    expect(await counts()).toEqual(['127.0.0.0/30 2', '127.0.0.4/30 1']);
    expect(await counts()).toEqual(['127.0.0.0/30 0', '127.0.0.4/30 0']);
  });

  test('one of them, by its key or a key in its range', async () => {
    await nft
      .transaction()
      .addElements(peers, [{ key: '127.0.0.1', statements: [counterFrom(5, 420)] }, '127.0.0.2'])
      .addElements(nets, ['127.0.0.8/29'])
      .commit();
    send(1, '127.0.0.2');
    send(1, '127.0.0.9');
    const one = nft.set(peers);
    expect(await one.reset('127.0.0.1')).toMatchObject({ counter: { packets: 5n, bytes: 420n } });
    expect(await one.reset('127.0.0.1')).toMatchObject({ counter: { packets: 0n, bytes: 0n } });
    expect(await one.get('127.0.0.2')).toMatchObject({ counter: { packets: 1n, bytes: 29n } });
    expect(await one.reset('127.0.0.77')).toBeUndefined();
    const range = nft.set(nets);
    expect(await range.reset('127.0.0.12')).toMatchObject({ key: '127.0.0.8/29', counter: { packets: 1n } });
    expect(await range.get('127.0.0.12')).toMatchObject({ counter: { packets: 0n } });
  });

  test('quotas begin again', async () => {
    const fair = set(t, 'fair', { key: ipv4Addr, statements: [quota({ bytes: 1000, over: true })] });
    await nft
      .transaction()
      .add(fair)
      .addElements(fair, ['127.0.0.1'])
      .add(rule(output, [isDatagram, oneOf(ip.daddr, fair)]))
      .commit();
    send(2, '127.0.0.1');
    const consumed = async () => {
      const [element] = await nft.resetElements(fair);
      return element?.statements?.[0]?.fields?.['consumed'];
    };
    expect(await consumed()).toBe(58n);
    expect(await consumed()).toBe(0n);
  });

  test('no packet is lost between resets, also while others change the set', async () => {
    await nft.transaction().addElements(peers, ['127.0.0.1']).commit();
    const packets = 20_000;
    let isSending = true;
    const program = `import socket
s = socket.socket(2, 2)
for _ in range(${packets}): s.sendto(b'x', ('127.0.0.1', 9))`;
    const sender = lab.start(host, 'python3', '-c', program);
    const ended = new Promise<void>((resolve) => {
      sender.on('exit', () => {
        isSending = false;
        resolve();
      });
    });
    let sum = 0n;
    let others = 0;
    const take = async () => {
      for (const { key, counter: of } of await nft.resetElements(peers)) {
        if (key === '127.0.0.1') sum += of?.packets ?? 0n;
      }
    };
    while (isSending) {
      const other = `10.0.${others >> 8}.${others++ & 0xff}`;
      await Promise.all([take(), nft.transaction().addElements(peers, [other]).commit(), take()]);
      await new Promise((resolve) => setImmediate(resolve));
    }
    await ended;
    await take();
    expect(sum).toBe(BigInt(packets));
    expect(others).toBeGreaterThan(10);
  });
});

test('what is not there is said', async () => {
  const none = set(t, 'none', { key: ipv4Addr });
  await expect(nft.resetElements(none)).rejects.toMatchObject({ code: 'ENOENT' });
  await expect(nft.set(none).reset('10.0.0.1')).rejects.toMatchObject({ code: 'ENOENT' });
  const all = set(t, 'all', { key: ipv4Addr, catchAll: true });
  await expect(nft.set(all).reset('*')).rejects.toThrow('key: "*"');
});

test('a kernel before 6.5 is told from one that has it', async () => {
  const old: Transport = new FakeKernel();
  const handle = new SetHandle(old, peers, (feature) => feature !== 'resetElements', '5.15.0');
  await expect(handle.reset('10.0.0.1')).rejects.toThrow(FeatureMissingError);
});
