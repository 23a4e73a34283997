import { ipv4Addr, Nftables, set, table } from 'nftlink';
import type { Host, Lab } from '../lab/lab.ts';
import { bareReader } from './floor.ts';
import { StallMeter } from './stall.ts';
import { line, median, ratio } from './statistics.ts';

const ELEMENTS = 1_000_000;
const CHANGED = ELEMENTS / 100;
const ROUNDS = 3;

const owner = table('ip', 'bench');
const many = set(owner, 'many', { key: ipv4Addr });
const address = (i: number) => `10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`;

/** `sync` with a list of which one hundredth is other than what is there, and a C program that only reads the set. */
export async function benchSync(lab: Lab, host: Host): Promise<void> {
  const nft = Nftables.open({ netns: { path: host.netnsPath } });
  await nft.transaction().add(owner).commit();
  const handle = nft.set(many);
  await handle.create(Array.from({ length: ELEMENTS }, (_, i) => address(i)));
  const bare: number[] = [];
  const ours: number[] = [];
  const kernel: number[] = [];
  const stalls: number[] = [];
  for (let round = 1; round <= ROUNDS; round++) {
    bare.push(bareReader(lab, host, 'elements', 'many'));
    const list = Array.from({ length: ELEMENTS }, (_, i) => address(i + round * (CHANGED / 2)));
    globalThis.gc?.();
    const stall = new StallMeter();
    const start = performance.now();
    const { added, removed, kernelTimeMs } = await handle.sync(list);
    ours.push(performance.now() - start);
    stalls.push(stall.stop());
    kernel.push(kernelTimeMs);
    if (added + removed !== CHANGED) throw new Error(`sync: ${added} came, ${removed} went`);
  }
  await nft.transaction().delete(owner).commit();
  await nft.close();
  const least = median(bare) + median(kernel);
  process.stdout.write(`\nsync of ${ELEMENTS} elements, ${CHANGED} of them other ones\n`);
  line('bare C, counts the bytes of a dump', median(bare));
  line("the changes, inside the kernel's sendmsg", median(kernel));
  line('sync(list)', median(ours), `${ratio(median(ours), least)} × both`);
  line('  longest stall of the event loop', Math.max(...stalls), `the longest of ${ROUNDS} rounds`);
}
