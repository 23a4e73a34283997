import type { ProxierListener } from '../proxier.ts';
import type { SyncReport } from '../sync/sync-loop.ts';

/** What a running daemon knows, as it tells it on its socket. */
export interface DaemonStatus {
  readonly pid: number;
  readonly version: string;
  /** ISO 8601, like all times here. */
  readonly startedAt: string;
  readonly nodeName: string;
  /** Services that have anything to be programmed. */
  readonly services: number;
  /** Services that the kernel refuses. */
  readonly setAside: readonly {
    readonly service: string;
    readonly reason: string;
    readonly retryInMs: number;
  }[];
  /** Frontends that a Service asks for and an older one has. */
  readonly conflicts: readonly {
    readonly service: string;
    readonly frontend: string;
    readonly owner: string;
  }[];
  /** Transactions so far, and the last of them, newest first. */
  readonly syncs: number;
  readonly lastSyncs: readonly SyncRecord[];
  /** How many times changes by others were put right. */
  readonly repairs: number;
  /** The last sync that failed, unless one has been committed since. */
  readonly failure: { readonly at: string; readonly message: string } | undefined;
}

export interface SyncRecord extends SyncReport {
  readonly at: string;
}

const KEPT = 10;

/** Keeps the last of what a proxy tells. */
export class SyncHistory {
  #syncs = 0;
  #repairs = 0;
  #last: readonly SyncRecord[] = [];
  #failure: DaemonStatus['failure'];

  /** A listener that takes notes and passes everything on. */
  listening(listener: ProxierListener): ProxierListener {
    return {
      ...listener,
      committed: (report) => {
        this.#committed(report);
        listener.committed(report);
      },
      failed: (error, retryMs) => {
        this.#failure = { at: new Date().toISOString(), message: error.message };
        listener.failed(error, retryMs);
      },
      repaired: (operations) => {
        this.#repairs++;
        listener.repaired(operations);
      },
    };
  }

  get now(): Pick<DaemonStatus, 'syncs' | 'lastSyncs' | 'repairs' | 'failure'> {
    return { syncs: this.#syncs, lastSyncs: this.#last, repairs: this.#repairs, failure: this.#failure };
  }

  #committed(report: SyncReport): void {
    this.#syncs++;
    this.#failure = undefined;
    this.#last = [{ at: new Date().toISOString(), ...report }, ...this.#last.slice(0, KEPT - 1)];
  }
}
