import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { Lab } from '../../lab/lab.ts';
import {
  accept,
  baseChain,
  ClosedError,
  chain,
  concatType,
  counter,
  counterObject,
  drop,
  eq,
  flowtable,
  inetService,
  ip,
  ipv4Addr,
  jump,
  limitObject,
  map,
  mark,
  Nftables,
  objectMap,
  PendingError,
  packValue,
  quotaObject,
  RequestError,
  rule,
  set,
  table,
  verdictMap,
} from '../../src/index.ts';
import { FakeKernel } from '../../src/testing/index.ts';
import { workBetweenTurns } from './work-between-turns.ts';

/** Snapshots, rules without expressions, elements one at a time, and signals that end all of these. */

const lab = new Lab('nftlink-reading');
const host = lab.host('host');
const nft = Nftables.open({ netns: { path: host.netnsPath } });

afterAll(async () => {
  await nft.close();
  await lab.close();
});

beforeEach(async () => {
  const transaction = nft.transaction();
  for (const there of await nft.listTables()) transaction.delete(there);
  await transaction.commit();
});

const filter = table('ip', 'filter', { comment: 'ours' });
const other = table('inet', 'filter');
const input = baseChain(filter, 'input', { type: 'filter', hook: 'input', priority: 0, policy: 'drop' });
const ssh = chain(filter, 'ssh');
const blocked = set(filter, 'blocked', { key: ipv4Addr, timeouts: true });
const marks = map(filter, 'marks', { key: inetService, data: mark });

function prepare() {
  return nft
    .transaction()
    .add(filter)
    .add(other)
    .add(chain(other, 'input'))
    .add(input)
    .add(ssh)
    .add(blocked)
    .add(marks)
    .addElements(blocked, ['10.0.0.1', { key: '10.0.0.2', timeoutMs: 60_000, comment: 'for a minute' }])
    .addElements(marks, [[80, 7]])
    .add(rule(input, [eq(ip.saddr, '10.0.0.9'), counter, jump(ssh)], { comment: 'first' }))
    .add(rule(ssh, [accept]))
    .add(rule(chain(other, 'input'), [drop]))
    .commit();
}

describe('packed elements', () => {
  test.each(['the kernel', 'the fake kernel'])('are those that were added: %s', async (which) => {
    const kernel = which === 'the kernel' ? nft : new Nftables(new FakeKernel());
    const of = table('inet', 'packed');
    const plain = set(of, 'plain', { key: ipv4Addr, timeouts: true });
    const wide = map(of, 'wide', { key: concatType(ipv4Addr, inetService), data: mark, catchAll: true });
    await kernel
      .transaction()
      .add(of)
      .add(plain)
      .add(wide)
      .addElements(plain, ['10.0.0.1', { key: '10.0.0.2', timeoutMs: 60_000, comment: 'for a minute' }])
      .addElements(wide, [
        [['10.0.0.1', 80], 7],
        [['10.0.0.2', 443], 0xfffffffe],
        ['*', 9],
      ])
      .commit();
    expect(await kernel.listPackedElements(plain)).toEqual(
      new Map(['10.0.0.1', '10.0.0.2'].map((key) => [packValue(plain.key, key), ''])),
    );
    const expected = new Map([
      [packValue(wide.key, ['10.0.0.1', 80]), packValue(mark, 7)],
      [packValue(wide.key, ['10.0.0.2', 443]), packValue(mark, 0xfffffffe)],
    ]);
    const listed = await kernel.listPackedElements(wide);
    expect(listed).toEqual(expected);
    const again = map(of, 'again', { key: wide.key, data: mark });
    await kernel
      .transaction()
      .add(again)
      .addPackedElements(again, [...listed.keys()], [...listed.values()])
      .commit();
    expect(await kernel.listPackedElements(again)).toEqual(expected);
  });

  test('are all there, of many', async () => {
    const of = table('inet', 'packed');
    const many = set(of, 'many', { key: ipv4Addr });
    const keys = Array.from({ length: 20_000 }, (_, i) => `10.0.${i >> 8}.${i & 255}`);
    await nft.transaction().add(of).add(many).addElements(many, keys).commit();
    const found = await nft.listPackedElements(many);
    expect(new Set(found.keys())).toEqual(new Set(keys.map((key) => packValue(ipv4Addr, key))));
  });

  test('are not those of ranges, verdicts and objects', async () => {
    const of = table('inet', 'packed');
    for (const each of [
      set(of, 'ranges', { key: ipv4Addr, intervals: true }),
      verdictMap(of, 'verdicts', { key: inetService }),
      objectMap(of, 'objects', { key: inetService, object: 'counter' }),
    ]) {
      await expect(nft.listPackedElements(each)).rejects.toThrow('a set or a map of data');
    }
    const gone = set(of, 'nowhere', { key: ipv4Addr });
    await expect(nft.listPackedElements(gone)).rejects.toThrow(RequestError);
    await expect(nft.listPackedElements(gone, { signal: AbortSignal.abort() })).rejects.toThrow('aborted');
  });
});

describe('a snapshot', () => {
  test('has tables, chains, sets and rules as the lists have them, and its generation', async () => {
    await prepare();
    const snapshot = await nft.snapshot();
    expect(snapshot.generation).toBe(await nft.generation());
    expect(snapshot.tables).toEqual(await nft.listTables());
    const chains = [...(await nft.listChains(filter)), ...(await nft.listChains(other))];
    expect(snapshot.chains).toEqual(chains);
    expect(JSON.stringify(snapshot.sets)).toEqual(JSON.stringify(await nft.listSets(filter)));
    expect(snapshot.rules.map(({ comment, handle }) => [comment, handle])).toEqual(
      [...(await nft.listRules(filter)), ...(await nft.listRules(other))].map(({ comment, handle }) => [
        comment,
        handle,
      ]),
    );
    expect(snapshot.rules[0]).toEqual((await nft.listRules(input))[0]);
    expect(snapshot.elements).toBeUndefined();
  });

  test('has objects with what they have counted, of all tables', async () => {
    await prepare();
    const objects = [
      counterObject(filter, 'hits', { packets: 3n, bytes: 252n, comment: 'since May' }),
      quotaObject(filter, 'fair', { bytes: 500 }),
      limitObject(other, 'hits', { rate: 5, per: 'second' }),
    ];
    const transaction = nft.transaction();
    for (const each of objects) transaction.add(each);
    await transaction.commit();
    const snapshot = await nft.snapshot();
    expect(snapshot.objects).toEqual([...(await nft.listObjects(filter)), ...(await nft.listObjects(other))]);
    expect(snapshot.objects.map(({ kind, name, table: { family } }) => `${family} ${kind} ${name}`)).toEqual([
      `${filter.family} counter hits`,
      `${filter.family} quota fair`,
      `${other.family} limit hits`,
    ]);
    expect(snapshot.objects[0]).toMatchObject({ packets: 3n, bytes: 252n, comment: 'since May' });
    // This kernel has no flowtables: those that there are, are on the fake one.
    expect(snapshot.flowtables).toEqual([]);
    expect(Object.isFrozen(snapshot.objects[0])).toBe(true);
  });

  test('has flowtables, on a kernel that has them', async () => {
    const fake = new Nftables(new FakeKernel());
    const fast = flowtable(filter, 'fast', { priority: 5, devices: ['eth0', 'eth1'], counter: true });
    await fake.transaction().add(filter).add(fast).add(counterObject(filter, 'hits')).commit();
    const snapshot = await fake.snapshot();
    expect(snapshot.flowtables).toEqual([fast]);
    expect(snapshot.objects).toMatchObject([{ kind: 'counter', name: 'hits' }]);
  });

  test('of one family, with elements of some sets, without expressions', async () => {
    await prepare();
    expect((await nft.snapshot({ family: 'inet' })).tables.map(({ family }) => family)).toEqual(['inet']);
    const { elements } = await nft.snapshot({ elements: ({ name }) => name === 'marks' });
    expect(elements?.map(({ set: { name }, elements: of }) => [name, of])).toEqual([
      ['marks', [{ key: 80, value: 7 }]],
    ]);
    expect((await nft.snapshot({ elements: true })).elements?.map(({ elements: of }) => of.length)).toEqual([
      2, 1,
    ]);
    const { rules } = await nft.snapshot({ expressions: false });
    expect(rules.map((each) => [each.comment, 'expressions' in each])).toEqual([
      ['first', false],
      [undefined, false],
      [undefined, false],
    ]);
  });

  test('is frozen', async () => {
    await prepare();
    const snapshot = await nft.snapshot({ elements: true });
    const parts = [snapshot, snapshot.tables, snapshot.tables[0], snapshot.chains[0], snapshot.sets[0]];
    for (const part of [...parts, snapshot.rules[0], snapshot.elements?.[0]?.elements[0]]) {
      expect(Object.isFrozen(part)).toBe(true);
    }
  });

  test('of nothing is empty', async () => {
    expect(await nft.snapshot({ elements: true })).toMatchObject({
      tables: [],
      chains: [],
      sets: [],
      rules: [],
    });
  });

  test('is of one moment while another process commits all the time', async () => {
    const pair = table('ip', 'pair');
    const numbers = set(pair, 'numbers', { key: inetService });
    await nft.transaction().add(pair).add(numbers).commit();
    // Each commit moves chain, rule and element together.
    const writer = `
      import { accept, chain, inetService, Nftables, rule, set, table } from './src/index.ts';
      import { setTimeout as sleep } from 'node:timers/promises';
      const nft = Nftables.open();
      const pair = table('ip', 'pair');
      const numbers = set(pair, 'numbers', { key: inetService });
      const named = (n) => chain(pair, 'c' + n);
      await nft.transaction().add(named(0)).add(rule(named(0), [accept], { comment: '0' })).addElements(numbers, [0]).commit();
      console.log('begun');
      for (let n = 1; ; n++) {
        await nft.transaction().flush(named(n - 1)).delete(named(n - 1)).deleteElements(numbers, [n - 1])
          .add(named(n)).add(rule(named(n), [accept], { comment: String(n) })).addElements(numbers, [n]).commit();
        await sleep(2);
      }`;
    const child = lab.start(host, 'node', '--import', 'tsx', '--input-type=module', '-e', writer);
    try {
      if (child.stdout === null) throw new Error('the writer has no output');
      await once(child.stdout, 'data');
      const seen = new Set<string>();
      for (let i = 0; i < 200; i++) {
        const { chains, rules, elements } = await nft.snapshot({ elements: true });
        expect(chains).toHaveLength(1);
        const name = chains[0]?.name ?? '';
        expect(rules.map(({ comment }) => `c${comment}`)).toEqual([name]);
        expect(elements?.flatMap(({ elements: of }) => of.map(({ key }) => `c${key}`))).toEqual([name]);
        seen.add(name);
      }
      expect(seen.size).toBeGreaterThan(5);
    } finally {
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
  });
});

test('rules without expressions: the same handles and comments', async () => {
  await prepare();
  const whole = await nft.listRules(filter);
  const short = await nft.listRules(filter, { expressions: false });
  expect(short).toEqual(whole.map(({ expressions: _, ...rest }) => rest));
});

describe('elements one at a time', () => {
  test('are those of the list', async () => {
    await prepare();
    for (const each of [blocked, marks]) {
      const lazily: unknown[] = [];
      for await (const element of nft.elements(each)) lazily.push(element);
      expect(lazily.map(withoutExpiry)).toEqual((await nft.listElements(each)).map(withoutExpiry));
    }
  });

  test('of a set that is not there reject when the first is asked for', async () => {
    await prepare();
    const missing = nft.elements(set(filter, 'missing', { key: mark }));
    await expect(missing[Symbol.asyncIterator]().next()).rejects.toThrow(RequestError);
  });

  test('200,000 of them: no long stall, and no 200,000 objects', async () => {
    const many = set(filter, 'many', { key: ipv4Addr, size: 200_000 });
    const keys = Array.from({ length: 200_000 }, (_, i) => `10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`);
    await nft.transaction().add(filter).add(many).addElements(many, keys).commit();
    let count = 0;
    let last: unknown;
    const most = await workBetweenTurns(async (counted) => {
      for await (const element of nft.elements(many)) {
        counted();
        count++;
        last = element;
      }
    });
    expect(most).toBeLessThan(100);
    expect(count).toBe(200_000);
    expect(last).toMatchObject({ value: undefined });
  });
});

describe('a signal', () => {
  const aborted = () => AbortSignal.abort();
  const abortError = expect.objectContaining({ name: 'AbortError' });

  test('that is aborted already: nothing is asked and nothing is sent', async () => {
    await prepare();
    const signal = aborted();
    await expect(nft.listTables('ip', { signal })).rejects.toEqual(abortError);
    await expect(nft.listChains(filter, { signal })).rejects.toEqual(abortError);
    await expect(nft.listSets(filter, { signal })).rejects.toEqual(abortError);
    await expect(nft.listRules(filter, { signal })).rejects.toEqual(abortError);
    await expect(nft.listElements(blocked, { signal })).rejects.toEqual(abortError);
    await expect(nft.snapshot({ signal })).rejects.toEqual(abortError);
    await expect(nft.generation({ signal })).rejects.toEqual(abortError);
    await expect(nft.elements(blocked, { signal })[Symbol.asyncIterator]().next()).rejects.toEqual(
      abortError,
    );
    const before = await nft.generation();
    const transaction = nft.transaction().delete(filter);
    await expect(transaction.commit({ signal })).rejects.toEqual(abortError);
    await expect(transaction.check({ signal })).rejects.toEqual(abortError);
    expect(await nft.generation()).toBe(before);
    // It was not sent, so it can be.
    await transaction.commit();
  });

  test('its own reason is what the list rejects with, while it waits too', async () => {
    await prepare();
    const controller = new AbortController();
    const listed = nft.snapshot({ elements: true, signal: controller.signal });
    const reason = new Error('no longer wanted');
    controller.abort(reason);
    await expect(listed).rejects.toBe(reason);
    await expect(nft.listTables('ip', { signal: AbortSignal.timeout(1000) })).resolves.toHaveLength(1);
  });

  test("after the transaction was sent: the outcome is the kernel's, not the signal's", async () => {
    const controller = new AbortController();
    const commit = nft.transaction().add(filter).commit({ signal: controller.signal });
    controller.abort();
    await expect(commit).resolves.toMatchObject({ outcome: 'committed' });
    expect(await nft.listTables('ip')).toHaveLength(1);
  });

  test('ends an iteration in its midst', async () => {
    const many = set(filter, 'many', { key: ipv4Addr, size: 50_000 });
    const keys = Array.from({ length: 50_000 }, (_, i) => `10.0.${(i >> 8) & 255}.${i & 255}`);
    await nft.transaction().add(filter).add(many).addElements(many, keys).commit();
    const controller = new AbortController();
    let seen = 0;
    const iterate = async () => {
      for await (const _ of nft.elements(many, { signal: controller.signal })) {
        if (++seen === 10) controller.abort();
        if (seen % 1000 === 0) await sleep(1);
      }
    };
    await expect(iterate()).rejects.toEqual(abortError);
    expect(seen).toBeLessThan(50_000);
  });
});

describe('errors have names', () => {
  test('a closed socket: ClosedError', async () => {
    const short = Nftables.open({ netns: { path: host.netnsPath } });
    await short.close();
    await expect(short.transaction().add(filter).commit()).rejects.toThrow(ClosedError);
    await expect(short.listTables()).rejects.toThrow(ClosedError);
    expect(() => short.transaction().add(filter).commitSync()).toThrow(ClosedError);
  });

  test('something is under way: PendingError', async () => {
    const listed = nft.listTables();
    const transaction = nft.transaction().add(filter);
    expect(() => transaction.commitSync()).toThrow(PendingError);
    await listed;
    transaction.commitSync();
  });
});

function withoutExpiry(element: unknown): unknown {
  return { ...(element as object), expiresMs: undefined };
}
