import {
  accept,
  chain,
  counter,
  eq,
  ip,
  ipv4Addr,
  type ListedRule,
  Nftables,
  rule,
  set,
  table,
  tcp,
} from 'nftlink';
import type { Host, Lab } from '../lab/lab.ts';
import { bareReader } from './floor.ts';
import { StallMeter } from './stall.ts';
import { line, median, ratio } from './statistics.ts';

const RULES = 10_000;
const ELEMENTS = 100_000;
const MANY = 1_000_000;
const ROUNDS = 15;
const MANY_ROUNDS = 2;

const owner = table('ip', 'bench');
const rules = chain(owner, 'rules');
const some = set(owner, 'some', { key: ipv4Addr, size: ELEMENTS });
const many = set(owner, 'many', { key: ipv4Addr, size: MANY });
const address = (i: number) => `10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`;

/** Lists of rules and elements, and a C program that only counts the bytes (`reader.c`). */
export async function benchListing(lab: Lab, host: Host): Promise<void> {
  const nft = Nftables.open({ netns: { path: host.netnsPath } });
  const bare = (what: 'rules' | 'elements', name: string) => bareReader(lab, host, what, name);
  const transaction = nft.transaction().add(owner).delete(owner).add(owner).add(rules).add(some);
  for (let i = 0; i < RULES; i++) {
    const statements = [eq(ip.saddr, address(i)), eq(tcp.dport, 1 + (i % 60_000)), counter, accept];
    transaction.add(rule(rules, statements, i % 10 === 0 ? { comment: `rule ${i}` } : {}));
  }
  transaction.addElements(
    some,
    Array.from({ length: ELEMENTS }, (_, i) => address(i)),
  );
  await transaction.commit();

  process.stdout.write(`\nListing ${RULES} rules\n`);
  await compare(ROUNDS, () => bare('rules', 'rules'), {
    'listRules(chain)': async () => (await nft.listRules(rules)).length,
    '  and every field of every expression': async () => fieldsOf(await nft.listRules(rules)),
    'listRules(chain, { expressions: false })': async () =>
      (await nft.listRules(rules, { expressions: false })).length,
    'snapshot()': async () => (await nft.snapshot()).rules.length,
  });
  process.stdout.write(`\nListing ${ELEMENTS} elements\n`);
  await compare(ROUNDS, () => bare('elements', 'some'), {
    'listElements(set)': async () => (await nft.listElements(some)).length,
    'for await … of elements(set)': () => count(nft.elements(some)),
  });

  const added = nft.transaction().add(many);
  for (let from = 0; from < MANY; from += 50_000) {
    const slice = Array.from({ length: 50_000 }, (_, i) => address(from + i));
    added.addElements(many, slice);
  }
  await added.commit();
  process.stdout.write(`\nListing ${MANY} elements\n`);
  await compare(MANY_ROUNDS, () => bare('elements', 'many'), {
    'for await … of elements(set)': () => count(nft.elements(many)),
  });
  await nft.transaction().delete(owner).commit();
  await nft.close();
}

async function count(elements: AsyncIterable<unknown>): Promise<number> {
  let sum = 0;
  for await (const _ of elements) sum++;
  return sum;
}

/** Expressions are read when somebody looks: this looks at all of them. */
function fieldsOf(listed: readonly ListedRule[]): number {
  let sum = 0;
  for (const { expressions } of listed) for (const { fields } of expressions) if (fields !== undefined) sum++;
  return sum;
}

/** Interleaved rounds of the bare reader and of each way to list; times, the longest stall, and what memory grew by. */
async function compare(
  rounds: number,
  bare: () => number,
  ways: Readonly<Record<string, () => Promise<number>>>,
): Promise<void> {
  const floor: number[] = [];
  const runs = Object.entries(ways).map(([name, list]) => ({
    name,
    list,
    times: [] as number[],
    stallMs: 0,
    memoryMb: 0,
  }));
  for (let round = 0; round < rounds; round++) {
    floor.push(bare());
    for (const run of runs) {
      globalThis.gc?.();
      const before = process.memoryUsage().rss;
      const stall = new StallMeter();
      const start = performance.now();
      await run.list();
      run.times.push(performance.now() - start);
      const stallMs = stall.stop();
      // The first rounds are the compiler's.
      if (round > 0 || rounds < 3) run.stallMs = Math.max(run.stallMs, stallMs);
      run.memoryMb = Math.max(run.memoryMb, (process.memoryUsage().rss - before) / 2 ** 20);
    }
  }
  line('bare C, counts the bytes (floor)', median(floor));
  for (const { name, times, stallMs, memoryMb } of runs) {
    const relation = `${ratio(median(times), median(floor))} × floor`;
    const more = `longest stall ${stallMs.toFixed(0)} ms, memory +${memoryMb.toFixed(0)} MB`;
    line(name, median(times), `${relation}; ${more}`);
  }
}
