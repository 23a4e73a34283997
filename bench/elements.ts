import { execFileSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { ipv4Addr, Nftables, set, table } from 'nftlink';
import type { Host, Lab } from '../lab/lab.ts';
import { floor } from './floor.ts';
import { googleNftables } from './peers.ts';
import { RecordingTransport } from './recorder.ts';
import { StallMeter } from './stall.ts';
import { line, median, ratio } from './statistics.ts';

const ELEMENTS = 1_000_000;
const ROUNDS = 3;
/** Packed in slices, with a turn of the event loop between them. */
const SLICE = 50_000;

const owner = table('ip', 'bench');
const blocked = set(owner, 'blocked', { key: ipv4Addr, size: ELEMENTS });

/** A million addresses into a set in one transaction, from texts in memory to the commit. */
export async function benchElements(lab: Lab, host: Host, folder: string): Promise<void> {
  const transport = new RecordingTransport({ path: host.netnsPath });
  const nft = new Nftables(transport);
  const addresses = Array.from({ length: ELEMENTS }, (_, i) => `10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`);
  const remove = async () => {
    await nft.transaction().add(owner).delete(owner).commit();
    await new Promise((resolve) => setTimeout(resolve, 500));
  };
  const file = join(folder, 'elements');
  const script = join(folder, 'elements.nft');
  const lines = ['table ip bench {', 'set blocked {', 'type ipv4_addr', 'elements = {'];
  writeFileSync(script, `${lines.join('\n')}\n${addresses.join(',\n')}\n}\n}\n}\n`);

  const ours: number[] = [];
  const bare: number[] = [];
  const spawned: number[] = [];
  const google: number[] = [];
  const stalls: number[] = [];
  const memory: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    globalThis.gc?.();
    await nextTurn();
    const before = process.memoryUsage().rss;
    const stall = new StallMeter();
    transport.isRecording = round === 0;
    transport.isTimed = true;
    const start = performance.now();
    const transaction = nft.transaction().add(owner).add(blocked);
    for (let from = 0; from < ELEMENTS; from += SLICE) {
      transaction.addElements(blocked, addresses.slice(from, from + SLICE));
      await nextTurn();
    }
    await transaction.commit();
    ours.push(performance.now() - start);
    stalls.push(stall.stop());
    if (round > 0) memory.push((process.memoryUsage().rss - before) / 2 ** 20);
    if (round === 0) transport.save(file);
    await remove();
    bare.push(...floor(lab, host, file).map((ns) => ns / 1e6));
    await remove();
    const spawn = performance.now();
    execFileSync('nsenter', [`--net=${host.netnsPath}`, 'nft', '-f', script]);
    spawned.push(performance.now() - spawn);
    await remove();
    google.push(googleNftables(lab, host, 'elements', ELEMENTS));
    await remove();
  }
  await nft.close();
  rmSync(file);
  process.stdout.write(`\n${ELEMENTS} addresses into a set, one transaction\n`);
  line('bare C, the same bytes (floor)', median(bare));
  line('from texts to the commit', median(ours), `${ratio(median(ours), median(bare))} × floor`);
  line('  longest stall of the event loop', Math.max(...stalls), `the longest of ${ROUNDS} loads`);
  line(
    'google/nftables (Go), set without a size',
    median(google),
    `${ratio(median(google), median(ours))} × ours`,
  );
  line(
    'nft -f, started for it, set without a size',
    median(spawned),
    `${ratio(median(spawned), median(ours))} × ours`,
  );
  process.stdout.write(`  memory that the load took: ${Math.max(...memory).toFixed(0)} MB\n`);
}
