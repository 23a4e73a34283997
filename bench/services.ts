import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Nftables } from 'nftlink';
import type { Host, Lab } from '../lab/lab.ts';
import type { PortState, ServiceState } from '../proxier/src/model/frontends.ts';
import { FamilyProgram, type ProgramOptions } from '../proxier/src/sync/family-program.ts';
import { SyncLoop, type SyncReport } from '../proxier/src/sync/sync-loop.ts';
import { floor } from './floor.ts';
import { RecordingTransport } from './recorder.ts';
import { StallMeter } from './stall.ts';
import { line, median, ratio } from './statistics.ts';

const LOADS = 7;
const CHANGES = 2_000;
const WARM_UP = 500;
const LARGE = 30_000;
const SMALL = 1_000;

function octets(i: number): string {
  return `${(i >> 16) & 255}.${(i >> 8) & 255}.${i & 255}`;
}

/** A Service with one port and two endpoints of its own; `version` makes its second endpoint another one. */
function service(i: number, version = 0): ServiceState {
  const endpoints = [
    { address: `11.${octets(2 * i)}`, port: 8080, isLocal: false },
    {
      address: version === 0 ? `11.${octets(2 * i + 1)}` : `12.${octets(version)}`,
      port: 8080,
      isLocal: false,
    },
  ];
  const frontend = {
    kind: 'cluster-ip' as const,
    address: `10.${octets(i)}`,
    port: 80,
    way: 'cluster' as const,
    refusal: undefined,
    allowedSources: undefined,
  };
  const port: PortState = {
    key: `bench/s${i}`,
    family: 'ip',
    protocol: 'tcp',
    affinityMs: undefined,
    cluster: endpoints,
    local: [],
    frontends: [frontend],
    hairpins: [],
    serving: [],
  };
  return { service: `bench/s${i}`, ports: [port] };
}

const services = (count: number) => Array.from({ length: count }, (_, i) => service(i));
/** As nft-proxier has them without arguments. */
const options: ProgramOptions = {
  localTraffic: undefined,
  masqueradeAll: false,
  masqueradeMark: 0x4000,
  nodePortsEverywhere: false,
  serviceCidrs: [],
  affinitySize: 65_536,
};
const diffOptions = { nowMs: 0, graceMs: 0, retireClasses: false };

/** From desired elements in memory to the commit, and the same bytes replayed by the floor. */
export async function benchFullLoad(lab: Lab, host: Host, folder: string): Promise<void> {
  const transport = new RecordingTransport({ path: host.netnsPath });
  const nft = new Nftables(transport);
  const file = join(folder, 'full-load');
  const times: number[] = [];
  const kernel: number[] = [];
  const bare: number[] = [];
  const stalls: number[] = [];
  let elements = 0;
  for (let round = 0; round < LOADS; round++) {
    const program = new FamilyProgram('ip', options);
    await program.load(nft, performance.now());
    program.update(services(LARGE));
    elements = Object.values(program.desired.elements).reduce((sum, { size }) => sum + size, 0);
    globalThis.gc?.();
    await nextTurn();
    const stall = new StallMeter();
    const start = performance.now();
    const transaction = nft.transaction();
    await program.write(transaction, diffOptions, nextTurn);
    transport.isRecording = round === 0;
    transport.isTimed = true;
    const { kernelTimeMs } = await transaction.commit();
    times.push(performance.now() - start);
    program.committed(performance.now());
    await nextTurn();
    stalls.push(stall.stop());
    kernel.push(kernelTimeMs);
    if (round === 0) transport.save(file);
    await removeTable(nft);
    bare.push(...floor(lab, host, file).map((ns) => ns / 1e6));
    await removeTable(nft);
  }
  await nft.close();
  process.stdout.write(
    `\n${LARGE} Services × 2 endpoints (${elements} elements), full load in one transaction\n`,
  );
  line('bare C, the same bytes (floor)', median(bare));
  line('from desired elements to the commit', median(times), `${ratio(median(times), median(bare))} × floor`);
  line('  of it in the kernel', median(kernel), `${ratio(median(kernel), median(bare))} × floor`);
  line('  longest stall of the event loop', Math.max(...stalls), `the longest of ${LOADS} loads`);
}

/** The kernel frees a deleted table after the commit: wait for it, so that the next load does not pay. */
async function removeTable(nft: Nftables): Promise<void> {
  const tables = await nft.listTables('ip');
  const transaction = nft.transaction();
  for (const table of tables) transaction.delete(table);
  await transaction.commit();
  await new Promise((resolve) => setTimeout(resolve, 300));
}

/** One endpoint of one Service replaced: from the change's arrival to the commit. */
export async function benchChanges(host: Host): Promise<void> {
  const small = await measureChanges(host, SMALL);
  const large = await measureChanges(host, LARGE);
  process.stdout.write('\nOne endpoint replaced\n');
  for (const [count, { latency, kernel }] of [
    [SMALL, small],
    [LARGE, large],
  ] as const) {
    line(`at ${count} Services, arrival to commit`, median(latency));
    line('  of it in the kernel', median(kernel));
  }
  line(
    'at 30,000 against 1,000',
    median(large.latency),
    `${ratio(median(large.latency), median(small.latency))} × as long`,
  );
}

function fail(error: Error): never {
  throw error;
}

async function measureChanges(host: Host, count: number) {
  await using nft = Nftables.open({ netns: { path: host.netnsPath } });
  let onCommit: (report: SyncReport) => void = () => undefined;
  const loop = new SyncLoop(nft, [new FamilyProgram('ip', options)], {
    committed: (report) => onCommit(report),
    failed: fail,
    setAside: ({ reason }) => fail(new Error(reason)),
    deaf: fail,
    restored: () => undefined,
    repaired: () => undefined,
  });
  loop.apply(services(count));
  await loop.settled();
  const latency: number[] = [];
  const kernel: number[] = [];
  for (let i = 0; i < CHANGES + WARM_UP; i++) {
    const changed = service((i * 7919) % count, i + 1);
    const start = performance.now();
    const report = await new Promise<SyncReport>((resolve) => {
      onCommit = resolve;
      loop.apply([changed]);
    });
    if (i >= WARM_UP) {
      latency.push(performance.now() - start);
      kernel.push(report.kernelTimeMs);
    }
  }
  await loop.stop();
  await removeTable(nft);
  return { latency, kernel };
}
