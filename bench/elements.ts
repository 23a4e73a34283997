import { execFileSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { type AnySet, ipv4Addr, ipv6Addr, Nftables, set, table } from 'nftlink';
import type { Host, Lab } from '../lab/lab.ts';
import { floor } from './floor.ts';
import { googleNftables } from './peers.ts';
import { RecordingTransport } from './recorder.ts';
import { StallMeter } from './stall.ts';
import { line, median, ratio } from './statistics.ts';

const ELEMENTS = 1_000_000;
const ROUNDS = 5;

const owner = table('ip', 'bench');
/** Described without a size, as a user would: the library gives it one, nft and google/nftables do not. */
const blocked = set(owner, 'blocked', { key: ipv4Addr });

const address = (i: number) => `10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`;

/** A file for `nft -f` that makes the set and fills it. */
function script(addresses: readonly string[], size: string): string {
  const head = ['table ip bench {', 'set blocked {', 'type ipv4_addr', size, 'elements = {'];
  return `${head.join('\n')}\n${addresses.join(',\n')}\n}\n}\n}\n`;
}

/** A million addresses into a set in one transaction, from texts in memory to the commit. */
export async function benchElements(lab: Lab, host: Host, folder: string): Promise<void> {
  const transport = new RecordingTransport({ path: host.netnsPath });
  const nft = new Nftables(transport);
  const addresses = Array.from({ length: ELEMENTS }, (_, i) => address(i));
  const file = join(folder, 'elements');
  const scripts = [join(folder, 'elements.nft'), join(folder, 'sized.nft')] as const;
  writeFileSync(scripts[0], script(addresses, ''));
  writeFileSync(scripts[1], script(addresses, `size ${ELEMENTS}`));
  const spawnNft = (path: string) => {
    const start = performance.now();
    execFileSync('nsenter', [`--net=${host.netnsPath}`, 'nft', '-f', path]);
    return performance.now() - start;
  };

  const ours: number[] = [];
  const bare: number[] = [];
  const spawned: number[] = [];
  const sized: number[] = [];
  const google: number[] = [];
  const stalls: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    await emptyTable(nft);
    transport.isRecording = round === 0;
    transport.isTimed = true;
    const { ms, stallMs } = await timed(() => nft.set(blocked).create(addresses));
    ours.push(ms);
    stalls.push(stallMs);
    if (round === 0) transport.save(file);
    transport.isRecording = false;
    await emptyTable(nft);
    bare.push(...floor(lab, host, file).map((ns) => ns / 1e6));
    await emptyTable(nft);
    spawned.push(spawnNft(scripts[0]));
    await emptyTable(nft);
    sized.push(spawnNft(scripts[1]));
    await emptyTable(nft);
    google.push(googleNftables(lab, host, 'elements', ELEMENTS));
  }
  await emptyTable(nft);
  const program = fileURLToPath(new URL('load-alone.mjs', import.meta.url));
  const peakMb = execFileSync(process.execPath, [program, host.netnsPath], { encoding: 'utf8' }).trim();
  rmSync(file);
  process.stdout.write(`\n${ELEMENTS} addresses into a new set described without a size, one transaction\n`);
  line('bare C, the same bytes (floor)', median(bare));
  line(
    'set.create(addresses), from texts to the commit',
    median(ours),
    `${ratio(median(ours), median(bare))} × floor`,
  );
  line('  longest stall of the event loop', Math.max(...stalls), `the longest of ${ROUNDS} loads`);
  process.stdout.write(`  a process that does just this had ${peakMb} MiB at most\n`);
  const times = (peer: readonly number[]) => `${ratio(median(peer), median(ours))} × ours`;
  line('google/nftables (Go)', median(google), times(google));
  line('nft -f, started for it', median(spawned), times(spawned));
  line('nft -f, its file gives the set a size', median(sized), times(sized));
  await benchOthers(nft);
  await emptyTable(nft);
  await nft.close();
}

/** Loads that take more of JavaScript: how long, and how long the event loop waits. */
async function benchOthers(nft: Nftables): Promise<void> {
  const network = (i: number) => `2001:${(i >> 16).toString(16)}:${(i & 0xffff).toString(16)}::/48`;
  const withOptions = (i: number) => ({ key: address(i), timeoutMs: 3_600_000 + i, comment: `host ${i}` });
  await benchLoad(
    nft,
    'IPv6 networks, a set with intervals',
    set(owner, 'networks', { key: ipv6Addr, intervals: true }),
    network,
  );
  await benchLoad(
    nft,
    'addresses with a timeout and a comment each',
    set(owner, 'options', { key: ipv4Addr, timeouts: true }),
    withOptions,
  );
}

async function benchLoad(
  nft: Nftables,
  what: string,
  into: AnySet,
  element: (i: number) => unknown,
): Promise<void> {
  await emptyTable(nft);
  const list = Array.from({ length: ELEMENTS }, (_, i) => element(i));
  const { ms, stallMs, result } = await timed(() => nft.set(into).create(list as never));
  const relation = `${result.kernelTimeMs.toFixed(0)} ms of it in the kernel, longest stall ${stallMs.toFixed(0)} ms`;
  line(`${ELEMENTS} ${what}`, ms, relation);
}

async function timed<T>(work: () => Promise<T>) {
  globalThis.gc?.();
  await nextTurn();
  const stall = new StallMeter();
  const start = performance.now();
  const result = await work();
  const ms = performance.now() - start;
  return { ms, stallMs: stall.stop(), result };
}

/** The kernel frees a deleted table after the commit: wait for it, so that the next load does not pay. */
async function emptyTable(nft: Nftables): Promise<void> {
  await nft.transaction().add(owner).delete(owner).add(owner).commit();
  await new Promise((resolve) => setTimeout(resolve, 700));
}
