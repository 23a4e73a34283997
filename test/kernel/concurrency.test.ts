import { afterAll, beforeEach, expect, test } from 'vitest';
import { Lab } from '../../lab/lab.ts';
import { ipv4Addr, map, mark, Nftables, set, table } from '../../src/index.ts';
import { workBetweenTurns } from './work-between-turns.ts';

/** Many commits at once, big ones beside other work, and memory that stays where it is. */

const lab = new Lab('nftlink-concurrency');
const host = lab.host('host');
const nft = Nftables.open({ netns: { path: host.netnsPath } });

afterAll(async () => {
  await nft.close();
  await lab.close();
});

const busy = table('ip', 'busy');
const current = map(busy, 'current', { key: ipv4Addr, data: mark });
const addresses = set(busy, 'addresses', { key: ipv4Addr, size: 200_000 });
const address = (i: number) => `10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`;

beforeEach(() => nft.transaction().destroy(busy).add(busy).add(current).add(addresses).commit());

test('10,000 commits without waiting between them are made in their order', async () => {
  await nft
    .transaction()
    .addElements(current, [['10.0.0.1', 0]])
    .commit();
  const before = await nft.generation();
  const settled: number[] = [];
  const commits = Array.from({ length: 10_000 }, (_, i) =>
    // Refused if any other came between: the element with the last number must be the one to go.
    nft
      .transaction()
      .deleteElements(current, ['10.0.0.1'])
      .createElements(current, [['10.0.0.1', i + 1]])
      .createElements(addresses, [address(i)])
      .commit()
      .then(({ outcome }) => {
        settled.push(i);
        return outcome;
      }),
  );
  const outcomes = await Promise.all(commits);
  expect(new Set(outcomes)).toEqual(new Set(['committed']));
  expect(settled).toEqual(Array.from({ length: 10_000 }, (_, i) => i));
  expect(await nft.listElements(current)).toEqual([{ key: '10.0.0.1', value: 10_000 }]);
  expect(await nft.listElements(addresses)).toHaveLength(10_000);
  expect((await nft.generation()) - before).toBe(10_000);
});

test('commits that are awaited in a loop leave the event loop its turns', async () => {
  const most = await workBetweenTurns(async (count) => {
    for (let i = 0; i < 1000; i++) {
      // Small and quick: its completion is looked out for.
      await nft
        .transaction()
        .addElements(addresses, [address(i)])
        .commit();
      count();
    }
  });
  expect(most).toBeLessThan(30);
});

test('one that is refused does not keep the others from being made', async () => {
  const results = await Promise.allSettled(
    Array.from({ length: 100 }, (_, i) =>
      nft
        .transaction()
        .createElements(addresses, [address(i % 50)])
        .commit(),
    ),
  );
  expect(results.map(({ status }) => status)).toEqual([
    ...new Array<string>(50).fill('fulfilled'),
    ...new Array<string>(50).fill('rejected'),
  ]);
});

test('a list stands in the queue with the commits: it sees those before it, and not those after', async () => {
  const [, listed] = await Promise.all([
    nft.transaction().addElements(addresses, ['10.0.0.1']).commit(),
    nft.listElements(addresses),
    nft.transaction().addElements(addresses, ['10.0.0.2']).commit(),
  ]);
  expect(listed.map(({ key }) => key)).toEqual(['10.0.0.1']);
});

test('commitSync while something is under way throws, sends nothing, and can be repeated', async () => {
  const pending = nft.transaction().addElements(addresses, ['10.0.0.1']).commit();
  const sync = nft
    .transaction()
    .deleteElements(addresses, ['10.0.0.1'])
    .createElements(addresses, ['10.0.0.2']);
  expect(() => sync.commitSync()).toThrow(
    expect.objectContaining({
      code: 'ERR_NFTLINK_PENDING',
      message: 'requests are pending on this socket: await them, then commit',
    }),
  );
  await pending;
  expect((await nft.listElements(addresses)).map(({ key }) => key)).toEqual(['10.0.0.1']);
  expect(sync.commitSync().outcome).toBe('committed');
  expect((await nft.listElements(addresses)).map(({ key }) => key)).toEqual(['10.0.0.2']);
  expect(() => sync.commitSync()).toThrow('this transaction was committed already');
});

/** How often the event loop turned until `work` had settled. */
async function turnsDuring(work: Promise<unknown>): Promise<number> {
  let turns = 0;
  let isRunning = true;
  const turn = () => {
    turns++;
    if (isRunning) setImmediate(turn);
  };
  setImmediate(turn);
  await work;
  isRunning = false;
  return turns;
}

test('a commit of 100,000 elements leaves the event loop free', async () => {
  const keys = Array.from({ length: 100_000 }, (_, i) => address(i));
  // A commit on this thread would be over before the loop turned at all, each time; one on another thread may be so when this
  // thread had no CPU meanwhile. How long a turn takes is the benchmark's to say.
  const wasFree = { adding: false, flushing: false };
  for (let attempt = 0; attempt < 20 && !(wasFree.adding && wasFree.flushing); attempt++) {
    const added = nft.transaction().addElements(addresses, keys);
    wasFree.adding = (await turnsDuring(added.commit())) > 0 || wasFree.adding;
    expect(await nft.listElements(addresses)).toHaveLength(100_000);
    wasFree.flushing =
      (await turnsDuring(nft.transaction().flush(addresses).commit())) > 0 || wasFree.flushing;
  }
  expect(wasFree).toEqual({ adding: true, flushing: true });
});

test('memory stays where it is over 20,000 commits of one element, sync and async', async () => {
  let value = 0;
  const round = async (commits: number) => {
    for (let i = 0; i < commits; i += 2) {
      value = (value + 1) % 0xffff;
      await nft
        .transaction()
        .addElements(addresses, [address(value)])
        .commit();
      nft
        .transaction()
        .deleteElements(addresses, [address(value)])
        .commitSync();
    }
    return process.memoryUsage().rss / 2 ** 20;
  };
  const warm = await round(10_000);
  expect((await round(20_000)) - warm).toBeLessThan(20);
  expect(await nft.listElements(addresses)).toEqual([]);
});
