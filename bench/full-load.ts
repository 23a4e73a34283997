import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Nftables, table } from 'nftlink';
import type { Host, Lab } from '../lab/lab.ts';
import { Cluster } from '../proxier/src/model/cluster.ts';
import type { ServiceState } from '../proxier/src/model/frontends.ts';
import { AFFINITY_SIZE } from '../proxier/src/proxier.ts';
import { FamilyProgram, type ProgramOptions } from '../proxier/src/sync/family-program.ts';
import { floor } from './floor.ts';
import { allObjects } from './proxier/objects.ts';
import { RecordingTransport } from './recorder.ts';
import { StallMeter } from './stall.ts';
import { line, median, ratio } from './statistics.ts';

const LOADS = 7;
const SERVICES = 30_000;
const OPTIONS: ProgramOptions = {
  localTraffic: undefined,
  masqueradeAll: false,
  masqueradeMark: 0x4000,
  nodePortsEverywhere: false,
  serviceCidrs: [],
  affinitySize: AFFINITY_SIZE,
};
const DIFF_OPTIONS = { nowMs: 0, graceMs: 0, retireClasses: false };

/** From desired elements in memory to the commit, and the same bytes replayed by the floor. */
export async function benchFullLoad(lab: Lab, host: Host, folder: string): Promise<void> {
  const transport = new RecordingTransport({ path: host.netnsPath });
  const nft = new Nftables(transport);
  const file = join(folder, 'full-load');
  const { states } = new Cluster({ nodeName: 'bench' }).apply(
    allObjects({ services: SERVICES, endpoints: 2 }),
  );
  const times: number[] = [];
  const kernel: number[] = [];
  const bare: number[] = [];
  const stalls: number[] = [];
  const dumps: number[] = [];
  const restarts: number[] = [];
  let elements = 0;
  for (let round = 0; round < LOADS; round++) {
    const program = new FamilyProgram('ip', OPTIONS);
    await program.load(nft, performance.now());
    program.update(states);
    globalThis.gc?.();
    await nextTurn();
    const stall = new StallMeter();
    const start = performance.now();
    const transaction = nft.transaction();
    elements = await program.write(transaction, DIFF_OPTIONS, nextTurn);
    transport.isRecording = round === 0;
    transport.isTimed = true;
    const { kernelTimeMs } = await transaction.commit();
    times.push(performance.now() - start);
    program.committed(performance.now());
    await nextTurn();
    stalls.push(stall.stop());
    kernel.push(kernelTimeMs);
    if (round === 0) transport.save(file);
    dumps.push(await dump(nft));
    restarts.push(await restart(nft, states));
    await removeTable(nft);
    bare.push(...floor(lab, host, file).map((ns) => ns / 1e6));
    await removeTable(nft);
  }
  await nft.close();
  process.stdout.write(
    `\n${SERVICES} Services × 2 endpoints (${elements} elements), full load in one transaction\n`,
  );
  line('bare C, the same bytes (floor)', median(bare));
  line('from desired elements to the commit', median(times), `${ratio(median(times), median(bare))} × floor`);
  line('  of it in the kernel', median(kernel), `${ratio(median(kernel), median(bare))} × floor`);
  line('  longest stall of the event loop', Math.max(...stalls), `the longest of ${LOADS} loads`);
  line('reading all its elements (dump)', median(dumps));
  const relation = `${ratio(median(restarts), median(dumps))} × dump, no transaction`;
  line('restart with everything in place, from desired elements', median(restarts), relation);
}

async function dump(nft: Nftables): Promise<number> {
  const start = performance.now();
  for (const set of await nft.listSets(table('ip', 'kube-proxy'))) {
    if (set.kind !== 'verdict map' && !set.intervals) await nft.listPackedElements(set);
  }
  return performance.now() - start;
}

/** A new program finds what the last one has left: reads it, compares it, and has nothing to send. */
async function restart(nft: Nftables, states: readonly ServiceState[]): Promise<number> {
  const program = new FamilyProgram('ip', OPTIONS);
  program.update(states);
  globalThis.gc?.();
  await nextTurn();
  const start = performance.now();
  await program.load(nft, performance.now());
  const transaction = nft.transaction();
  await program.write(transaction, DIFF_OPTIONS, nextTurn);
  const tookMs = performance.now() - start;
  if (transaction.size > 0) throw new Error(`${transaction.size} operations where everything is in place`);
  return tookMs;
}

/** The kernel frees a deleted table after the commit: wait for it, so that the next load does not pay. */
async function removeTable(nft: Nftables): Promise<void> {
  await nft.transaction().delete(table('ip', 'kube-proxy')).commit();
  await new Promise((resolve) => setTimeout(resolve, 300));
}
