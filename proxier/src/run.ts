import { Nftables } from 'nftlink';
import { Conntrack } from 'nftlink/conntrack';
import { ClusterIPAllocator } from './kube/cluster-ip-allocator.ts';
import type { ManifestBatch } from './kube/manifests/catalogue.ts';
import { ManifestFolder } from './kube/manifests/folder.ts';
import type { RunOptions } from './options.ts';
import { Proxier } from './proxier.ts';
import { type Logger, makeLogger } from './serve/log.ts';
import { logListener, logProblems } from './serve/reports.ts';
import { SyncHistory } from './status/daemon-status.ts';
import { serveStatus } from './status/serve.ts';

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
    const where = options.netns === undefined ? {} : { netns: { path: options.netns } };
    await using nft = Nftables.open(where);
    await using conntrack = Conntrack.open(where);
    await follow(folder, nft, conntrack, options, log);
  } finally {
    process.off('SIGTERM', stop).off('SIGINT', stop);
    folder.close();
  }
}

/** Programs what the folder has, and then what changes in it until it is closed. */
async function follow(
  folder: ManifestFolder,
  nft: Nftables,
  conntrack: Conntrack,
  options: RunOptions,
  log: Logger,
): Promise<void> {
  const failed = new AbortController();
  const listener = { ...logListener(log, options.once), failed: noteFailure };
  function noteFailure(error: Error, retryMs: number): void {
    failed.abort();
    const next = options.once ? '' : `; trying again in ${retryMs / 1000} s`;
    log.error(`${error.message}\nwhat was programmed before stays${next}`);
  }
  const history = new SyncHistory();
  const proxier = new Proxier(nft, options.proxier, history.listening(listener), conntrack);
  let malformed = 0;
  const take = async (
    allocator: ClusterIPAllocator,
    { services, endpointSlices, problems }: ManifestBatch,
  ): Promise<void> => {
    const allocated = await allocator.apply(services);
    malformed += logProblems(log, problems) + logProblems(log, allocated.problems);
    for (const note of allocated.notes) log.info(note);
    proxier.apply({ services: allocated.services, endpointSlices });
  };
  const { netns, statusSocket: path } = options;
  const { nodeName } = options.proxier;
  const served = { proxier, history, nodeName, netns, path };
  // Before anything is programmed: what keeps that from working can be asked for then.
  await using _socket = options.once ? undefined : await serveStatus(served, log);
  try {
    void proxier.prepare();
    const first = await folder.open();
    const allocator = await ClusterIPAllocator.open({
      cidrs: options.serviceCidrs,
      stateFile: options.stateFile,
      place: (id) => folder.place(id),
    });
    await take(allocator, first);
    if (options.once) {
      await Promise.race([proxier.settled(), once(failed.signal)]);
      const isRefused = failed.signal.aborted || proxier.setAside().length > 0;
      process.exitCode = malformed > 0 || isRefused ? 1 : 0;
      return;
    }
    for await (const batch of folder.changes()) await take(allocator, batch);
  } finally {
    await proxier.stop();
  }
}

function once(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}
