import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { Nftables, table } from 'nftlink';
import type { Host, Lab } from '../lab/lab.ts';
import { bareReader } from './floor.ts';
import type { ClusterSize } from './proxier/cluster.ts';
import { measureKubeProxy } from './proxier/kube-proxy.ts';
import type { Findings, Step, Work } from './proxier/process.ts';
import { line, median, percentile, ratio } from './statistics.ts';

const SIZES: readonly ClusterSize[] = [
  { services: 1_000, endpoints: 2 },
  { services: 10_000, endpoints: 2 },
  { services: 30_000, endpoints: 2 },
  { services: 5_000, endpoints: 50 },
];
const LARGEST: ClusterSize = { services: 100_000, endpoints: 10 };
const BESIDE_KUBE_PROXY: ClusterSize = { services: 5_000, endpoints: 2 };
const CHANGES = 1_000;
const KUBE_PROXY_CHANGES = 5;
/** At the size that there is a bar for. */
const IDLE = { services: 30_000, durationMs: 60_000 };
/** As docs/proxier.md advises. */
const FLAGS = ['--v8-pool-size=1'];

/** The proxier in a process of its own: full load, restart, changes, repairs, memory and CPU, at several sizes. */
export async function benchProxier(lab: Lab): Promise<void> {
  const changed = new Map<number, number>();
  for (const size of SIZES) {
    const host = lab.host(`p${size.services}`);
    const loaded = run(host, { size, changes: 0, idleMs: 0 });
    const bare = await bareDump(lab, host);
    const idleMs = size.services === IDLE.services ? IDLE.durationMs : 0;
    const restarted = run(host, { size, changes: CHANGES, idleMs });
    report(size, loaded, restarted, bare);
    if (size.endpoints === 2) changed.set(size.services, median(walls(restarted.replaced)));
  }
  const small = changed.get(1_000) ?? Number.NaN;
  const large = changed.get(30_000) ?? Number.NaN;
  process.stdout.write('\n');
  line('one endpoint replaced at 30,000 against 1,000', large, `${ratio(large, small)} × as long`);
}

/** 100,000 Services with 1,000,000 endpoints: that it loads, and what one change costs then. */
export function benchLargest(lab: Lab): void {
  const host = lab.host('largest');
  const loaded = run(host, { size: LARGEST, changes: 100, idleMs: 0 }, '--max-old-space-size=6144');
  const { load, replaced, memory } = loaded;
  title(LARGEST, load);
  line('full load, from objects to the commit', whole(loaded));
  arrival(loaded);
  step('  since the last objects came', load);
  steps('one endpoint replaced', replaced);
  text('memory', `${memory.loadedMb.toFixed(0)} MB, at most ${memory.peakMb.toFixed(0)} MB`);
}

/** The real kube-proxy 1.36 with the same cluster, one after the other. */
export async function benchKubeProxy(lab: Lab): Promise<void> {
  const size = BESIDE_KUBE_PROXY;
  const ours = run(lab.host('ours'), { size, changes: CHANGES, idleMs: 0 });
  const theirs = await measureKubeProxy(lab.host('theirs').netnsPath, size, KUBE_PROXY_CHANGES);
  process.stdout.write(
    `\n${size.services} Services × ${size.endpoints} endpoints, beside the real kube-proxy\n`,
  );
  line('full load, since all objects are there: nft-proxier', ours.load.wallMs);
  arrival(ours);
  const times = `${ratio(theirs.fullMs, ours.load.wallMs)} × nft-proxier, ${ratio(theirs.fullMs, whole(ours))} × with what it did before`;
  line('full load, since all objects are there: kube-proxy', theirs.fullMs, times);
  const one = median(walls(ours.replaced));
  line('one endpoint replaced: nft-proxier', one);
  line(
    'one endpoint replaced: kube-proxy',
    median(theirs.changeMs),
    `${ratio(median(theirs.changeMs), one)} × nft-proxier`,
  );
}

/** Runs `proxier/process.ts`, compiled: what loads TypeScript would take memory too. */
function run(host: Host, work: Omit<Work, 'netnsPath'>, ...more: readonly string[]): Findings {
  const flags = [...FLAGS, ...more];
  const program = fileURLToPath(new URL('out/proxier/bench/proxier/process.js', import.meta.url));
  const whole: Work = { ...work, netnsPath: host.netnsPath };
  const output = execFileSync(process.execPath, [...flags, program, JSON.stringify(whole)], {
    encoding: 'utf8',
    maxBuffer: 1 << 28,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  return JSON.parse(output) as Findings;
}

/** A C program that dumps the elements of all sets and counts the bytes. */
async function bareDump(lab: Lab, host: Host): Promise<number> {
  await using nft = Nftables.open({ netns: { path: host.netnsPath } });
  const sets = await nft.listSets(table('ip', 'kube-proxy'));
  return sets.reduce((sum, { name }) => sum + bareReader(lab, host, 'elements', name, 'kube-proxy'), 0);
}

function report(size: ClusterSize, loaded: Findings, restarted: Findings, bareDumpMs: number): void {
  title(size, loaded.load);
  line('full load, from objects to the commit', whole(loaded));
  arrival(loaded);
  step('  since the last objects came', loaded.load);
  const isEmpty = restarted.load.isGenerationSame ? 'no transaction' : 'CHANGED THE KERNEL';
  const dumps = (ms: number) => `${ratio(ms, restarted.dumpMs)} × dump, ${ratio(ms, bareDumpMs)} × bare dump`;
  line('  listPackedElements of all sets (dump)', restarted.dumpMs);
  line('  bare C, counts the bytes (bare dump)', bareDumpMs);
  const compared = restarted.prepareMs + restarted.load.wallMs;
  line('restart: reading, while the objects come', restarted.prepareMs, dumps(restarted.prepareMs));
  arrival(restarted);
  line('  since the last objects came', restarted.load.wallMs, isEmpty);
  line('  reading and this', compared, dumps(compared));
  steps('one endpoint replaced', restarted.replaced);
  steps('one Service added', restarted.added);
  steps('one Service deleted', restarted.deleted);
  steps('1 % of the Services changed at once', restarted.churned);
  const { repaired, memory, idleCpuMsPerMinute } = restarted;
  if (repaired !== undefined) {
    const loads = (ms: number) => `${ratio(ms, whole(loaded))} × full load`;
    const { elementMs, ruleMs, tableMs } = repaired;
    line('somebody deletes an element: put right after', elementMs, loads(elementMs));
    line('somebody deletes a rule: put right after', ruleMs, loads(ruleMs));
    line('somebody deletes the table: put right after', tableMs, loads(tableMs));
  }
  const { startMb, loadedMb, peakMb } = loaded.memory;
  const mb = (value: number) => `${value.toFixed(0)} MB`;
  text(
    'memory (RSS)',
    `${mb(loadedMb)} loaded, at most ${mb(peakMb)}; ${mb(startMb)} before; ${mb(memory.restMb)} after changes`,
  );
  if (idleCpuMsPerMinute !== undefined) {
    text('CPU while nothing changes', `${idleCpuMsPerMinute.toFixed(1)} ms a minute`);
  }
}

/** All that was done from the first object on, the waiting for others left out. */
function whole({ load: { gatherMs, wallMs } }: Findings): number {
  return gatherMs + wallMs;
}

function arrival({ load: { gatherMs, arrivalMs } }: Findings): void {
  line('  while others were still to come', gatherMs, `with JSON ${arrivalMs.toFixed(0)} ms`);
}

function title({ services, endpoints }: ClusterSize, { operations }: Step): void {
  process.stdout.write(`\n${services} Services × ${endpoints} endpoints (${operations} operations)\n`);
}

function text(what: string, value: string): void {
  process.stdout.write(`  ${what.padEnd(58)} ${value}\n`);
}

function step(what: string, { wallMs, kernelMs, cpuMs }: Step): void {
  line(what, wallMs, `kernel ${kernelMs.toFixed(0)} ms, CPU ${cpuMs.toFixed(0)} ms`);
}

/** The median, and what the kernel, the slowest and the process's CPU took. */
function steps(what: string, all: readonly Step[]): void {
  const kernel = all.map(({ kernelMs }) => kernelMs);
  const cpu = all.map(({ cpuMs }) => cpuMs);
  const p99 = percentile(walls(all), 0.99).toFixed(2);
  line(
    what,
    median(walls(all)),
    `p99 ${p99} ms, kernel ${median(kernel).toFixed(3)} ms, CPU ${median(cpu).toFixed(2)} ms`,
  );
}

function walls(all: readonly Step[]): readonly number[] {
  return all.map(({ wallMs }) => wallMs);
}
