import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { Lab } from '../../lab/lab.ts';
import {
  accept,
  concatType,
  counterFrom,
  drop,
  InvalidArgumentError,
  inetService,
  ipv4Addr,
  ipv6Addr,
  map,
  mark,
  Nftables,
  RequestError,
  SetFullError,
  SetHandle,
  set,
  table,
  verdictMap,
} from '../../src/index.ts';
import { NativeTransport } from '../../src/netlink/native-transport.ts';
import { failureOf } from './failure-of.ts';
import { workBetweenTurns } from './work-between-turns.ts';

/** Sets as wholes: what is added, deleted, replaced and kept equal to a list, at any size. */

const lab = new Lab('nftlink-set-handle');
const host = lab.host('ours');
const netns = { path: host.netnsPath };
const nft = Nftables.open({ netns });
/** What a kernel before 6.3 has is found out by asking; this one is told that it has nothing. */
const transport = new NativeTransport(netns);

afterAll(async () => {
  await nft.close();
  await transport.close();
  await lab.close();
});

const filter = table('ip', 'filter');
const plain = set(filter, 'plain', { key: ipv4Addr });
const timed = set(filter, 'timed', { key: ipv4Addr, timeouts: true });
const hourly = set(filter, 'hourly', { key: ipv4Addr, timeoutMs: 3_600_000 });
const nets = set(filter, 'nets', { key: ipv4Addr, intervals: true });
const merging = set(filter, 'merging', { key: ipv4Addr, intervals: true, autoMerge: true });
const services = set(filter, 'services', { key: concatType(ipv4Addr, inetService), intervals: true });
const toMark = map(filter, 'to-mark', { key: ipv4Addr, data: mark, catchAll: true });
const decide = verdictMap(filter, 'decide', { key: inetService });
const sets = [plain, timed, hourly, nets, merging, services, toMark, decide];

beforeEach(async () => {
  const transaction = nft.transaction();
  for (const there of await nft.listTables()) transaction.delete(there);
  transaction.add(filter);
  for (const each of sets) transaction.add(each);
  await transaction.commit();
});

async function keysOf(of: (typeof sets)[number]): Promise<Set<unknown>> {
  return new Set((await nft.listElements(of)).map(({ key }) => key));
}

/** A handle that believes in no feature, as on Linux 5.10. */
function onAnOldKernel<S extends (typeof sets)[number]>(of: S): SetHandle<S> {
  return new SetHandle(transport, of, () => false, '5.10.0');
}

describe.each([
  ['on this kernel', (of: typeof timed) => nft.set(of)],
  ['where a re-add says nothing and nothing can be destroyed', (of: typeof timed) => onAnOldKernel(of)],
])('%s', (_, handle) => {
  test('adding again gives an element its whole time, or another one', async () => {
    const blocked = handle(timed);
    await blocked.add([{ key: '10.0.0.1', timeoutMs: 60_000 }, '10.0.0.2']);
    await new Promise((done) => setTimeout(done, 120));
    expect((await blocked.get('10.0.0.1'))?.expiresMs).toBeLessThan(59_950);
    await blocked.add([{ key: '10.0.0.1', timeoutMs: 60_000 }]);
    expect((await blocked.get('10.0.0.1'))?.expiresMs).toBeGreaterThan(59_950);
    await blocked.add([
      { key: '10.0.0.1', timeoutMs: 90_000 },
      { key: '10.0.0.2', timeoutMs: 5000 },
    ]);
    expect((await blocked.get('10.0.0.1'))?.expiresMs).toBeGreaterThan(89_000);
    expect((await blocked.get('10.0.0.2'))?.timeoutMs).toBe(5000);
    await blocked.add(['10.0.0.1']);
    expect(await blocked.get('10.0.0.1')).not.toHaveProperty('timeoutMs');
  });

  test('so does a set with a time of its own', async () => {
    const blocked = handle(hourly);
    await blocked.add(['10.0.0.1']);
    await new Promise((done) => setTimeout(done, 120));
    await blocked.add(['10.0.0.1']);
    expect((await blocked.get('10.0.0.1'))?.expiresMs).toBeGreaterThan(3_599_950);
  });

  test('deleting what is not there is nothing, or an error that names it and deletes none', async () => {
    const blocked = handle(plain);
    await blocked.add(['10.0.0.1', '10.0.0.2', '10.0.0.3']);
    await blocked.delete(['10.0.0.1', '10.9.9.9']);
    expect(await keysOf(plain)).toEqual(new Set(['10.0.0.2', '10.0.0.3']));
    const error = await failureOf(blocked.delete(['10.0.0.2', '10.9.9.9'], { missing: 'error' }));
    expect(error.failures.map(({ element }) => element)).toEqual([{ index: 1, key: '10.9.9.9' }]);
    expect(await blocked.has('10.0.0.2')).toBe(true);
  });
});

test('an old kernel deletes from maps and ranges what is there', async () => {
  await nft.set(toMark).add([
    ['10.0.0.1', 1],
    ['*', 2],
  ]);
  await onAnOldKernel(toMark).delete(['10.0.0.1', '10.0.0.9', '*']);
  expect(await keysOf(toMark)).toEqual(new Set());
  await nft.set(nets).add(['10.0.0.0/8', '11.0.0.0/8']);
  await onAnOldKernel(nets).delete(['10.0.0.0/8', '12.0.0.0/8']);
  expect(await keysOf(nets)).toEqual(new Set(['11.0.0.0/8']));
});

describe('has and get', () => {
  test('ask the kernel for one element', async () => {
    await nft.set(plain).add([{ key: '10.0.0.1', statements: [counterFrom(5, 420)], comment: 'one' }]);
    expect(await nft.set(plain).has('10.0.0.1')).toBe(true);
    expect(await nft.set(plain).has('10.0.0.2')).toBe(false);
    expect(await nft.set(plain).get('10.0.0.1')).toMatchObject({
      key: '10.0.0.1',
      comment: 'one',
      counter: { packets: 5n, bytes: 420n },
    });
    await nft.set(toMark).add([
      ['10.0.0.1', 1],
      ['*', 2],
    ]);
    expect(await nft.set(toMark).get('*')).toEqual({ key: '*', value: 2 });
    expect((await nft.set(toMark).get('10.0.0.1'))?.value).toBe(1);
  });

  test('find keys and ranges within ranges', async () => {
    const handle = nft.set(nets);
    await handle.add(['10.0.0.0/8', '11.0.0.0/8', { from: '240.0.0.5', to: '255.255.255.255' }]);
    const answers = Object.fromEntries(
      await Promise.all(
        ['10.1.2.3', '10.0.0.0/8', '10.0.0.0/7', '9.255.255.255', '12.0.0.0', '255.1.1.1', '0.0.0.0/0'].map(
          async (key) => [key, await handle.has(key)] as const,
        ),
      ),
    );
    expect(answers).toEqual({
      '10.1.2.3': true,
      '10.0.0.0/8': true,
      '10.0.0.0/7': false,
      '9.255.255.255': false,
      '12.0.0.0': false,
      '255.1.1.1': true,
      '0.0.0.0/0': false,
    });
    expect((await handle.get('10.1.2.3'))?.key).toBe('10.0.0.0/8');
    expect((await handle.get('250.0.0.1'))?.key).toEqual({ from: '240.0.0.5', to: '255.255.255.255' });
    await nft.set(services).add([['10.0.0.0/8', { from: 80, to: 90 }]]);
    expect(await nft.set(services).has(['10.1.1.1', 85])).toBe(true);
    expect(await nft.set(services).has(['10.1.1.1', 91])).toBe(false);
  });

  test('of a set that is not there fail', async () => {
    const nowhere = nft.set(set(filter, 'nowhere', { key: ipv4Addr }));
    await expect(nowhere.has('10.0.0.1')).rejects.toThrow(RequestError);
    await expect(nowhere.sync(['10.0.0.1'])).rejects.toThrow(RequestError);
    await expect(nft.set(plain).has('nonsense')).rejects.toThrow(InvalidArgumentError);
  });
});

describe('replace', () => {
  test('puts a list in the place of another, ranges too', async () => {
    await nft.set(plain).add(['10.0.0.1', '10.0.0.2']);
    await nft.set(plain).replace(['10.0.0.2', '10.0.0.3']);
    expect(await keysOf(plain)).toEqual(new Set(['10.0.0.2', '10.0.0.3']));
    await nft.set(merging).add(['10.0.0.0/8']);
    const { merged } = await nft.set(merging).replace(['10.0.0.0/9', '10.128.0.0/9', '0.0.0.0/5']);
    expect(merged).toEqual([{ into: '10.0.0.0/8', of: ['10.0.0.0/9', '10.128.0.0/9'] }]);
    expect(await keysOf(merging)).toEqual(new Set(['0.0.0.0/5', '10.0.0.0/8']));
  });

  test('that the kernel refuses leaves what was there', async () => {
    await nft.set(plain).add(['10.0.0.1']);
    const small = set(filter, 'small', { key: ipv4Addr, size: 2 });
    await nft.transaction().add(small).addElements(small, ['10.0.0.1']).commit();
    const error = await failureOf(nft.set(small).replace(['10.0.0.7', '10.0.0.8', '10.0.0.9']));
    expect(error.code).toBe('ENFILE');
    expect(error).toBeInstanceOf(SetFullError);
    expect(error).toMatchObject({ set: small, size: 2 });
    expect((await nft.listElements(small)).map(({ key }) => key)).toEqual(['10.0.0.1']);
  });
});

describe('a set whose size the library chose', () => {
  const keys = (from: number, count: number) =>
    Array.from({ length: count }, (_, i) => `10.0.${(from + i) >> 8}.${(from + i) & 255}`);
  const sizeNow = async () => (await nft.listSets(filter)).find(({ name }) => name === 'own')?.size;
  const own = set(filter, 'own', { key: ipv4Addr });
  /** A full set; made with a size here, so that a small one will do. */
  const fill = async (size: number) => {
    const transaction = nft.transaction().add({ ...own, size });
    await transaction.addElements(own, keys(0, size)).commit();
  };

  test('grows when elements are added, replaced or compared', async () => {
    await fill(100);
    await nft.set(own).add(keys(100, 50));
    expect(await sizeNow()).toBeGreaterThanOrEqual(150);
    expect(await keysOf(own)).toEqual(new Set(keys(0, 150)));
    const full = (await sizeNow()) ?? 0;
    await nft.set(own).replace(keys(1000, full + 1));
    expect(await keysOf(own)).toEqual(new Set(keys(1000, full + 1)));
    const fuller = (await sizeNow()) ?? 0;
    expect(fuller).toBeGreaterThan(full);
    expect(await nft.set(own).sync(keys(1000, fuller + 1))).toMatchObject({ added: fuller - full });
    expect(await sizeNow()).toBeGreaterThan(fuller);
  });

  test('stays as it is where it may not grow', async () => {
    await fill(100);
    const fixed = set(filter, 'own', { key: ipv4Addr, autoSize: false });
    const error = await failureOf(nft.set(fixed).add(['10.9.0.1']));
    expect(error).toBeInstanceOf(SetFullError);
    expect(error).toMatchObject({ set: fixed, size: undefined, outcome: 'aborted' });
    expect(error.failures[0]?.message).toContain('the set is full (its size)');
    expect(await sizeNow()).toBe(100);
  });

  test('is not grown for what is refused for another reason', async () => {
    await fill(100);
    const both = nft.transaction().addElements(own, ['10.9.0.1']).create(own);
    expect(await failureOf(both.commit())).not.toBeInstanceOf(SetFullError);
  });
});

describe('sync', () => {
  test('sends what differs and says what it did', async () => {
    const handle = nft.set(plain);
    await handle.add(['10.0.0.1', '10.0.0.2', '10.0.0.3']);
    const before = await nft.generation();
    expect(await handle.sync(['10.0.0.2', '10.0.0.3', '10.0.0.4', '10.0.0.4'])).toMatchObject({
      added: 1,
      removed: 1,
      updated: 0,
      kept: 2,
      merged: [],
    });
    expect(await nft.generation()).toBe(before + 1);
    expect(await keysOf(plain)).toEqual(new Set(['10.0.0.2', '10.0.0.3', '10.0.0.4']));
    expect(await handle.sync(['10.0.0.2', '10.0.0.3', '10.0.0.4'])).toMatchObject({ added: 0, kept: 3 });
    expect(await nft.generation()).toBe(before + 1);
  });

  test('changes data, verdicts, timeouts and the element *', async () => {
    await nft.set(toMark).add([
      ['10.0.0.1', 1],
      ['10.0.0.2', 2],
      ['*', 9],
    ]);
    const report = await nft.set(toMark).sync([
      ['10.0.0.1', 1],
      ['10.0.0.2', 3],
      ['*', 8],
    ]);
    expect(report).toMatchObject({ added: 0, removed: 0, updated: 2, kept: 1 });
    expect(new Map((await nft.listElements(toMark)).map(({ key, value }) => [key, value]))).toEqual(
      new Map<unknown, unknown>([
        ['10.0.0.1', 1],
        ['10.0.0.2', 3],
        ['*', 8],
      ]),
    );
    expect(await nft.set(toMark).sync([['10.0.0.1', 1]])).toMatchObject({ removed: 2, kept: 1 });

    await nft.set(decide).add([
      [22, accept],
      [23, drop],
    ]);
    expect(
      await nft.set(decide).sync([
        [22, accept],
        [23, accept],
      ]),
    ).toMatchObject({ updated: 1, kept: 1 });

    await nft.set(timed).add([
      { key: '10.0.0.1', timeoutMs: 60_000 },
      { key: '10.0.0.2', timeoutMs: 60_000 },
    ]);
    expect(
      await nft.set(timed).sync([
        { key: '10.0.0.1', timeoutMs: 60_000 },
        { key: '10.0.0.2', timeoutMs: 90_000 },
      ]),
    ).toMatchObject({ updated: 1, kept: 1 });
  });

  test('of ranges knows them by both ends', async () => {
    const handle = nft.set(nets);
    await handle.add(['10.0.0.0/8', '11.0.0.0/8', '192.168.0.0/24']);
    expect(await handle.sync(['10.0.0.0/9', '11.0.0.0/8', '255.0.0.0/8'])).toMatchObject({
      added: 2,
      removed: 2,
      kept: 1,
    });
    expect(await keysOf(nets)).toEqual(new Set(['10.0.0.0/9', '11.0.0.0/8', '255.0.0.0/8']));
    await nft.set(services).add([
      ['10.0.0.0/8', 80],
      ['10.0.0.0/8', { from: 90, to: 99 }],
    ]);
    expect(
      await nft.set(services).sync([
        ['10.0.0.0/8', 80],
        ['11.0.0.0/8', 80],
      ]),
    ).toMatchObject({
      added: 1,
      removed: 1,
      kept: 1,
    });
  });

  test('holds against others that write at the same time', async () => {
    const handle = nft.set(plain);
    const other = Nftables.open({ netns });
    const numbers = Array.from({ length: 2000 }, (_, i) => `10.1.${i >> 8}.${i & 255}`);
    await handle.add(numbers);
    const disturb = (async () => {
      for (const address of numbers.slice(0, 50)) await other.set(plain).delete([address]);
    })();
    for (let round = 0; round < 5; round++) await handle.sync(numbers);
    await disturb;
    await handle.sync(numbers);
    expect(await keysOf(plain)).toEqual(new Set(numbers));
    await other.close();
  });
});

describe('a set that merges', () => {
  test('takes in what touches what is there, and says so', async () => {
    const handle = nft.set(merging);
    await handle.add(['10.0.0.0/9', '192.168.0.0/24']);
    const { merged } = await handle.add(['10.128.0.0/9', '192.168.0.7', '1.1.1.1']);
    expect(merged).toEqual([
      { into: '10.0.0.0/8', of: ['10.0.0.0/9', '10.128.0.0/9'] },
      { into: '192.168.0.0/24', of: ['192.168.0.0/24', '192.168.0.7'] },
    ]);
    expect(await keysOf(merging)).toEqual(new Set(['1.1.1.1', '10.0.0.0/8', '192.168.0.0/24']));
  });

  test('gives up parts of ranges', async () => {
    const handle = nft.set(merging);
    await handle.add(['10.0.0.0/8', '1.1.1.1']);
    await handle.delete(['10.0.0.0/9', '10.255.255.255', '7.7.7.7']);
    expect(await keysOf(merging)).toEqual(new Set(['1.1.1.1', { from: '10.128.0.0', to: '10.255.255.254' }]));
    await expect(handle.delete(['1.1.1.1', '2.2.2.2'], { missing: 'error' })).rejects.toThrow(
      'keys[1]: "2.2.2.2" is not in set merging',
    );
    expect(await handle.has('1.1.1.1')).toBe(true);
  });
});

describe('many elements', () => {
  const address = (i: number) => `10.${(i >> 16) & 255}.${(i >> 8) & 255}.${i & 255}`;
  function* addresses(count: number) {
    for (let i = 0; i < count; i++) yield address(i);
  }

  test.each([4095, 4096, 8190, 8191, 10_000, 65_536])(
    '%i come from a generator, all of them',
    async (count) => {
      await nft.set(plain).add(addresses(count));
      expect((await keysOf(plain)).size).toBe(count);
      await nft.set(plain).delete(addresses(count), { missing: 'error' });
      expect((await keysOf(plain)).size).toBe(0);
    },
  );

  test('come over time, and a refused one is named by its place', async () => {
    async function* slowly() {
      for (let i = 0; i < 20_000; i++) yield i === 17_000 ? 'nonsense' : address(i);
    }
    await expect(nft.set(plain).add(slowly())).rejects.toThrow('elements[17000].key: "nonsense"');
    await nft.set(plain).add([address(15_000)]);
    const map = nft.set(toMark);
    await map.add([[address(15_000), 1]]);
    const error = await failureOf(map.add([...addresses(20_000)].map((key) => [key, 2] as const)));
    expect(error.failures.map(({ operation, element }) => [operation, element])).toEqual([
      [0, { index: 15_000, key: address(15_000) }],
    ]);
  });

  test('give a new set a size, with room for more', async () => {
    const count = 3000;
    const big = set(filter, 'big', { key: ipv4Addr });
    const own = set(filter, 'own', { key: ipv4Addr, autoSize: false });
    const v6 = set(filter, 'v6', { key: ipv6Addr });
    await nft
      .transaction()
      .add(big)
      .add(own)
      .add(v6)
      .addElements(big, addresses(count))
      .addElements(own, addresses(count))
      .addElements(v6, ['fd00::1'])
      .commit();
    const sizes = new Map((await nft.listSets(filter)).map(({ name, size }) => [name, size]));
    expect([sizes.get('big'), sizes.get('own'), sizes.get('v6')]).toEqual([6144, undefined, undefined]);
    await nft.set(big).add(addresses(6144));
    const another = nft.set(set(filter, 'another', { key: ipv4Addr }));
    await another.create(addresses(count));
    expect((await nft.listSets(filter)).find(({ name }) => name === 'another')?.size).toBe(6144);
    expect((await failureOf(another.create([]))).code).toBe('EEXIST');
  });

  test('do not keep the event loop waiting', async () => {
    const cidrs = Array.from(
      { length: 100_000 },
      (_, i) => `${1 + (i >> 16)}.${(i >> 8) & 255}.${i & 255}.0/25`,
    );
    const most = await workBetweenTurns(async (count) => {
      /** Elements that tell when they are read. */
      const counted = (keys: readonly string[]) =>
        keys.map((key) => ({
          get key() {
            count();
            return key;
          },
        }));
      const list = counted([...addresses(300_000)]);
      await nft.set(plain).replace(list);
      await nft.set(merging).replace(counted(cidrs));
      await nft.set(plain).sync(list.slice(1000));
    });
    expect((await keysOf(plain)).size).toBe(299_000);
    // A part is 4,095 elements, each of which is read a few times.
    expect(most).toBeGreaterThan(4000);
    expect(most).toBeLessThan(20_000);
  });
});
