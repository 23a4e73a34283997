/**
 * A proxier in a process of its own, as `nft-proxier run` with an API server would be: objects come out of JSON, everything else is the
 * real thing. Does one piece of work and prints what it saw as JSON.   Usage: process WORK(JSON)
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { Nftables, table } from 'nftlink';
import { Conntrack } from 'nftlink/conntrack';
import { Proxier, type ProxierConfig } from '../../proxier/src/proxier.ts';
import type { SyncReport } from '../../proxier/src/sync/sync-loop.ts';
import { type ClusterSize, serviceName, sliceManifests } from './cluster.ts';
import { changes, objectPages, serviceObject, sliceObjects } from './objects.ts';

/** What the process is asked to do. */
export interface Work {
  readonly netnsPath: string;
  readonly size: ClusterSize;
  /** So many endpoints are replaced one by one, and a third as many Services added and deleted; 0: none of what follows the load. */
  readonly changes: number;
  /** How long CPU time is counted while nothing changes; 0: not at all. */
  readonly idleMs: number;
}

/** One change or a load: times in ms. */
export interface Step {
  /** From the objects' arrival, the last ones' of a load, to the commit. */
  readonly wallMs: number;
  readonly kernelMs: number;
  /** Of the whole process, user and system. */
  readonly cpuMs: number;
  readonly operations: number;
}

export interface Findings {
  /** Reading what the kernel has, while the objects are still to come. */
  readonly prepareMs: number;
  readonly load: Step & {
    /** What was done about objects while others were still to come. */
    readonly gatherMs: number;
    /** The same, with reading them out of JSON. */
    readonly arrivalMs: number;
    readonly isGenerationSame: boolean;
  };
  /** All of the table's elements read by `listPackedElements`. */
  readonly dumpMs: number;
  readonly replaced: readonly Step[];
  readonly added: readonly Step[];
  readonly deleted: readonly Step[];
  /** One Service in a hundred has another endpoint, all at once. */
  readonly churned: readonly Step[];
  /** From what somebody else broke to the commit that mends it. */
  readonly repaired:
    | { readonly elementMs: number; readonly ruleMs: number; readonly tableMs: number }
    | undefined;
  readonly memory: {
    readonly startMb: number;
    readonly loadedMb: number;
    /** After all changes. */
    readonly restMb: number;
    readonly peakMb: number;
    readonly heapMb: number;
  };
  readonly idleCpuMsPerMinute: number | undefined;
}

const NODE: ProxierConfig = {
  nodeName: 'node-7',
  nodeIPs: ['192.0.2.7', '2001:db8::7'],
  zone: 'zone-1',
  detectLocal: { mode: 'ClusterCIDR', cidrs: ['11.0.0.0/8'] },
  masqueradeAll: false,
  masqueradeBit: 14,
  nodePortAddresses: ['primary'],
  serviceCidrs: ['10.0.0.0/8'],
  interfaceAddresses: () => [],
};
const CHURNS = 5;
/** Changes that are not measured: V8 compiles what a process runs for the first thousand times. */
const WARM_UP = 500;
const ADDITIONS_SHARE = 3;
/** Some 70 s after the last load V8 gives memory back, in three collections of 0.1 s. */
const SETTLE_MS = 80_000;
const MB = 2 ** 20;

class Subject {
  readonly #nft: Nftables;
  readonly #conntrack: Conntrack;
  readonly #proxier: Proxier;
  #reports: SyncReport[] = [];
  #onRepaired: () => void = () => undefined;

  constructor({ netnsPath }: Work) {
    this.#nft = Nftables.open({ netns: { path: netnsPath } });
    this.#conntrack = Conntrack.open({ netns: { path: netnsPath } });
    const unexpected = (what: unknown) => {
      throw what instanceof Error ? what : new Error(JSON.stringify(what));
    };
    this.#proxier = new Proxier(
      this.#nft,
      NODE,
      {
        committed: (report) => this.#reports.push(report),
        failed: unexpected,
        setAside: unexpected,
        restored: unexpected,
        repaired: () => this.#onRepaired(),
        deaf: unexpected,
        conflicts: unexpected,
        flowsEnded: unexpected,
        flowsFailed: unexpected,
      },
      this.#conntrack,
    );
  }

  get nft(): Nftables {
    return this.#nft;
  }

  async prepare(): Promise<number> {
    const start = performance.now();
    await this.#proxier.prepare();
    return performance.now() - start;
  }

  gather(objects: ReturnType<typeof changes>): void {
    this.#proxier.gather(objects);
  }

  /** Applies changes and waits for the first commit (or that there is none), then until all is at rest. */
  async step(objects: ReturnType<typeof changes>): Promise<Step> {
    this.#reports = [];
    const cpu = process.cpuUsage();
    const start = performance.now();
    this.#proxier.apply(objects);
    const modelMs = performance.now() - start;
    await this.#proxier.settled();
    const { user, system } = process.cpuUsage(cpu);
    const endMs = performance.now() - start;
    const { latencyMs = endMs - modelMs, kernelTimeMs = 0, operations = 0 } = this.#reports[0] ?? {};
    return { wallMs: modelMs + latencyMs, kernelMs: kernelTimeMs, cpuMs: (user + system) / 1000, operations };
  }

  /** Waits until something that `damage` does is mended, and until all is at rest. */
  async repair(damage: () => Promise<unknown>): Promise<number> {
    const repaired = new Promise<void>((resolve) => {
      this.#onRepaired = resolve;
    });
    await damage();
    const start = performance.now();
    await repaired;
    const tookMs = performance.now() - start;
    await this.#proxier.settled();
    return tookMs;
  }

  async close(): Promise<void> {
    await this.#proxier.stop();
    await this.#conntrack.close();
    await this.#nft.close();
  }
}

async function measure(work: Work): Promise<Findings> {
  const { size } = work;
  const startMb = process.memoryUsage.rss() / MB;
  const subject = new Subject(work);
  const generation = await subject.nft.generation();
  const prepareMs = await subject.prepare();
  const load = await loadAll(subject, size);
  const isGenerationSame = (await subject.nft.generation()) === generation;
  const loadedMb = process.memoryUsage.rss() / MB;
  const peakMb = process.resourceUsage().maxRSS / 1024;
  const replaced: Step[] = [];
  const added: Step[] = [];
  const deleted: Step[] = [];
  const churned: Step[] = [];
  const replace = (n: number) => {
    const i = (n * 7919) % size.services;
    return subject.step(changes([], sliceObjects(i, size.endpoints, n).slice(-1)));
  };
  for (let n = 1; work.changes > 0 && n <= WARM_UP; n++) await replace(n);
  for (let n = 1; n <= work.changes; n++) replaced.push(await replace(WARM_UP + n));
  for (let n = 0; n < work.changes / ADDITIONS_SHARE; n++) {
    const i = size.services + n;
    added.push(await subject.step(changes([serviceObject(i)], sliceObjects(i, size.endpoints))));
    const slices = sliceManifests(i, size.endpoints).map(
      ({ metadata: { namespace, name } }) => `${namespace}/${name}`,
    );
    deleted.push(await subject.step(changes([], [], { services: [serviceName(i)], endpointSlices: slices })));
  }
  for (let n = 1; work.changes > 0 && n <= CHURNS; n++) {
    const some = Array.from({ length: size.services / 100 }, (_, k) => (k * 100 + n * 7) % size.services);
    const version = 100_000 * n;
    const slices = some.flatMap((i) => sliceObjects(i, size.endpoints, version + i).slice(-1));
    churned.push(await subject.step(changes([], slices)));
  }
  const idleCpuMsPerMinute = await idle(work.idleMs);
  const { rss, heapUsed } = process.memoryUsage();
  const dumpMs = await dump(subject.nft);
  const repaired = work.changes > 0 ? await repairs(subject, work) : undefined;
  await subject.close();
  const memory = {
    startMb,
    loadedMb,
    restMb: rss / MB,
    peakMb,
    heapMb: heapUsed / MB,
  };
  return {
    prepareMs,
    load: { ...load, isGenerationSame },
    ...{ dumpMs, replaced, added, deleted, churned, repaired, memory, idleCpuMsPerMinute },
  };
}

/** All objects, page after page. In a function of its own: they stay only where the proxier keeps them. */
async function loadAll(subject: Subject, size: ClusterSize) {
  const start = performance.now();
  let gatherMs = 0;
  let last = changes([], []);
  for (const page of objectPages(size)) {
    const since = performance.now();
    subject.gather(last);
    gatherMs += performance.now() - since;
    last = page;
  }
  const arrivalMs = performance.now() - start;
  return { ...(await subject.step(last)), gatherMs, arrivalMs };
}

/** Somebody else deletes an endpoint, a rule and then everything. */
async function repairs(subject: Subject, { netnsPath }: Work): Promise<Findings['repaired']> {
  await using other = Nftables.open({ netns: { path: netnsPath } });
  const owner = table('ip', 'kube-proxy');
  const endpoints = (await other.listSets(owner)).find(({ name }) => name.startsWith('endpoints'));
  if (endpoints === undefined) throw new Error('nothing to damage');
  const [key] = (await other.listPackedElements(endpoints)).keys();
  if (key === undefined) throw new Error('no endpoint to delete');
  const elementMs = await subject.repair(() =>
    other.transaction().deletePackedElements(endpoints, [key]).commit(),
  );
  // Listed only now: a set that is too large to be read is replaced, and the rules that use it with it.
  const [rule] = await other.listRules(owner);
  if (rule === undefined) throw new Error('no rule to delete');
  const ruleMs = await subject.repair(() => other.transaction().delete(rule).commit());
  const tableMs = await subject.repair(() => other.transaction().delete(owner).commit());
  return { elementMs, ruleMs, tableMs };
}

async function dump(nft: Nftables): Promise<number> {
  const start = performance.now();
  const sets = await nft.listSets(table('ip', 'kube-proxy'));
  for (const set of sets) {
    if (set.kind !== 'verdict map' && !set.intervals) await nft.listPackedElements(set);
  }
  return performance.now() - start;
}

/** CPU time of a minute in which nothing changes, once what came before is tidied away. */
async function idle(durationMs: number): Promise<number | undefined> {
  if (durationMs === 0) return undefined;
  await sleep(SETTLE_MS);
  const before = process.cpuUsage();
  await sleep(durationMs);
  const { user, system } = process.cpuUsage(before);
  return ((user + system) / 1000 / durationMs) * 60_000;
}

const findings = await measure(JSON.parse(process.argv[2] ?? '') as Work);
process.stdout.write(JSON.stringify(findings));
