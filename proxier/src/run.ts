import { Nftables } from 'nftlink';
import { ClusterIPAllocator } from './kube/cluster-ip-allocator.ts';
import type { ManifestBatch } from './kube/manifests/catalogue.ts';
import { ManifestFolder } from './kube/manifests/folder.ts';
import { objectName } from './kube/objects.ts';
import { formatProblem, type ProblemChanges } from './kube/problem.ts';
import { Cluster } from './model/cluster.ts';
import { FAMILIES } from './model/family.ts';
import type { RunOptions } from './options.ts';
import { type Logger, makeLogger } from './serve/log.ts';
import { FamilyProgram } from './sync/family-program.ts';
import { SyncLoop } from './sync/sync-loop.ts';

/** Wires the stages together: manifests → cluster IPs → model → sync. Ends at SIGTERM or SIGINT, or when done (`once`). */
export async function run(options: RunOptions): Promise<void> {
  const log = makeLogger(options);
  const folder = new ManifestFolder(options.manifests);
  const stop = (signal: NodeJS.Signals) => {
    log.info(`${signal}: ending; the rules stay in place`);
    folder.close();
  };
  process.once('SIGTERM', stop).once('SIGINT', stop);
  try {
    await using nft = Nftables.open(options.netns === undefined ? {} : { netns: { path: options.netns } });
    await follow(folder, nft, options, log);
  } finally {
    process.off('SIGTERM', stop).off('SIGINT', stop);
    folder.close();
  }
}

/** Programs what the folder has, and then what changes in it until it is closed. */
async function follow(
  folder: ManifestFolder,
  nft: Nftables,
  options: RunOptions,
  log: Logger,
): Promise<void> {
  const first = await folder.open();
  const allocator = await ClusterIPAllocator.open({
    cidrs: options.serviceCidrs,
    stateFile: options.stateFile,
    place: (id) => folder.place(id),
  });
  const cluster = new Cluster({ nodeName: options.nodeName, nodeIPs: options.nodeIPs });
  const failed = new AbortController();
  const loop = makeLoop(nft, options, log, failed);
  let malformed = 0;
  const take = async ({ services, endpointSlices, problems }: ManifestBatch): Promise<void> => {
    const allocated = await allocator.apply(services);
    const states = cluster.apply({ services: allocated.services, endpointSlices });
    malformed += report(log, problems) + report(log, allocated.problems);
    for (const note of allocated.notes) log.info(note);
    for (const name of allocated.services.upserted.map(objectName)) {
      for (const limit of cluster.limits(name)) log.warn(`Service ${name}: ${limit}`);
    }
    loop.apply(states);
  };
  try {
    await take(first);
    if (options.once) {
      await Promise.race([loop.settled(), once(failed.signal)]);
      process.exitCode = malformed > 0 || failed.signal.aborted ? 1 : 0;
      return;
    }
    for await (const batch of folder.changes()) await take(batch);
  } finally {
    await loop.stop();
  }
}

function makeLoop(nft: Nftables, options: RunOptions, log: Logger, failed: AbortController): SyncLoop {
  const programs = FAMILIES.map(
    (family) => new FamilyProgram(family, { clusterCidr: options.clusterCidrs[family] }),
  );
  return new SyncLoop(nft, programs, {
    committed({ services, operations, kernelTimeMs, latencyMs }) {
      if (services === 0) return;
      const what = `${count(services, 'changed Service')} in one transaction of ${count(operations, 'operation')}`;
      const times = `${latencyMs.toFixed(1)} ms, ${kernelTimeMs.toFixed(3)} ms of it in the kernel`;
      log.info(`programmed ${what}: ${times}`);
    },
    failed(error, retryMs) {
      failed.abort();
      const next = options.once ? '' : `; trying again in ${retryMs / 1000} s`;
      log.error(`${error.message}\nwhat was programmed before stays${next}`);
    },
  });
}

function count(n: number, what: string): string {
  return `${n} ${what}${n === 1 ? '' : 's'}`;
}

/** Tells what is wrong and what is no longer; gives the number of new errors. */
function report(log: Logger, { appeared, resolved }: ProblemChanges): number {
  for (const problem of resolved) log.info(`resolved: ${formatProblem(problem)}`);
  for (const problem of appeared) {
    if (problem.severity === 'error') log.error(formatProblem(problem));
    else log.info(formatProblem(problem));
  }
  return appeared.filter(({ severity }) => severity === 'error').length;
}

function once(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}
