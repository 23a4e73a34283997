import type { Proxier } from '../proxier.ts';
import type { Logger } from '../serve/log.ts';
import { ownVersion } from '../version.ts';
import type { DaemonStatus, SyncHistory } from './daemon-status.ts';
import { defaultSocketPath, StatusSocket } from './socket.ts';

/** What a daemon tells about itself, and where. */
export interface Served {
  readonly proxier: Proxier;
  readonly history: SyncHistory;
  readonly nodeName: string;
  readonly netns: string | undefined;
  /** `none`: nowhere; undefined: where `nft-proxier status` looks for it. */
  readonly path: string | undefined;
}

/** Serves the daemon's status until it is disposed of. Where that fails it is told: the daemon works without. */
export async function serveStatus(served: Served, log: Logger): Promise<StatusSocket | undefined> {
  if (served.path === 'none') return undefined;
  const startedAt = new Date().toISOString();
  try {
    const path = served.path ?? (await defaultSocketPath(served.netns));
    return await StatusSocket.open(path, () => statusOf(served, startedAt));
  } catch (error) {
    log.warn(`the status is not served: ${error instanceof Error ? error.message : String(error)}`);
    return undefined;
  }
}

function statusOf({ proxier, history, nodeName }: Served, startedAt: string): DaemonStatus {
  const nowMs = performance.now();
  return {
    pid: process.pid,
    version: ownVersion(),
    startedAt,
    nodeName,
    services: [...proxier.cluster.states()].length,
    setAside: proxier.setAside().map(({ service, reason, retryAtMs }) => ({
      service,
      reason,
      retryInMs: Math.max(0, Math.round(retryAtMs - nowMs)),
    })),
    conflicts: proxier.cluster.conflicts(),
    ...history.now,
  };
}
