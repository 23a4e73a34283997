import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { type Committed, type Nftables, TransactionError } from 'nftlink';
import type { ServiceState } from '../model/frontends.ts';
import type { FamilyProgram } from './family-program.ts';

/** How long what became stale stays in the kernel: a packet needs microseconds between two lookups. */
const GRACE_MS = 10;
/** Quiet time after which leftovers are deleted. */
const IDLE_MS = 50;
const FIRST_RETRY_MS = 1_000;
const LAST_RETRY_MS = 30_000;

export interface SyncReport {
  /** Services whose state changed since the last commit. */
  readonly services: number;
  readonly operations: number;
  readonly kernelTimeMs: number;
  /** From the first change's arrival to the commit. */
  readonly latencyMs: number;
}

export interface SyncListener {
  committed(report: SyncReport): void;
  /** A sync failed and will be tried again, from scratch. */
  failed(error: TransactionError, retryMs: number): void;
}

/**
 * Brings changes into the kernel, one transaction after the other. What arrives while one is under way makes the next
 * one, so a slow kernel coalesces by itself and an idle one is told at once.
 */
export class SyncLoop {
  readonly #nft: Nftables;
  readonly #programs: readonly FamilyProgram[];
  readonly #listener: SyncListener;
  readonly #stopping = new AbortController();
  #queue = new Map<string, ServiceState>();
  #firstArrivalMs = 0;
  #wake: (() => void) | undefined;
  #settled: (() => void)[] = [];
  #retryMs = FIRST_RETRY_MS;
  /** A sync is due even if nothing changed: the first one, and the one after a failure. */
  #mustSync = true;
  #running: Promise<void> | undefined;

  constructor(nft: Nftables, programs: readonly FamilyProgram[], listener: SyncListener) {
    this.#nft = nft;
    this.#programs = programs;
    this.#listener = listener;
  }

  /** Takes Services' new states. The first call also makes the tables, so it may be empty. */
  apply(states: Iterable<ServiceState>): void {
    if (this.#queue.size === 0) this.#firstArrivalMs = performance.now();
    for (const state of states) this.#queue.set(state.service, state);
    this.#running ??= this.#run();
    this.#wake?.();
  }

  /** Resolves when everything that was applied is in the kernel, leftovers deleted. */
  settled(): Promise<void> {
    return new Promise((resolve) => {
      this.#settled.push(resolve);
      this.#wake?.();
    });
  }

  /** Lets the transaction under way end, and starts no other. The rules stay. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#wake?.();
    await this.#running;
  }

  async #run(): Promise<void> {
    while (!this.#stopping.signal.aborted) {
      if (this.#queue.size > 0 || this.#mustSync) await this.#syncOrWait(false);
      else if (this.#programs.some((program) => program.hasLeftovers)) await this.#clean();
      else await this.#rest();
    }
  }

  /** Makes one transaction; when it fails, reports and waits. The loop then tries again. */
  async #syncOrWait(retireClasses: boolean): Promise<void> {
    const failure = await this.#sync(retireClasses);
    if (failure === undefined) {
      this.#retryMs = FIRST_RETRY_MS;
      return;
    }
    this.#listener.failed(failure, this.#retryMs);
    await sleep(this.#retryMs, undefined, { signal: this.#stopping.signal }).catch(() => undefined);
    this.#retryMs = Math.min(2 * this.#retryMs, LAST_RETRY_MS);
  }

  /** Deletes what had to wait, once nothing else is going on. */
  async #clean(): Promise<void> {
    if (await this.#quiet(IDLE_MS)) await this.#syncOrWait(true);
  }

  async #rest(): Promise<void> {
    for (const resolve of this.#settled.splice(0)) resolve();
    await this.#quiet(undefined);
  }

  /** Waits for a change; true when none came for so long. */
  async #quiet(durationMs: number | undefined): Promise<boolean> {
    const woken = new Promise<boolean>((resolve) => {
      this.#wake = () => resolve(false);
    });
    const changed = this.#queue.size > 0 || this.#stopping.signal.aborted;
    if (changed) return false;
    if (durationMs === undefined) return woken;
    const timer = new AbortController();
    const quiet = sleep(durationMs, true, { signal: timer.signal }).catch(() => false);
    const result = await Promise.race([woken, quiet]);
    timer.abort();
    return result;
  }

  /** Makes one transaction of all that waits. Gives the error when it was not committed. */
  async #sync(retireClasses: boolean): Promise<TransactionError | undefined> {
    const states = this.#queue;
    const arrivalMs = this.#firstArrivalMs;
    this.#queue = new Map();
    for (const program of this.#programs) program.update(states.values());
    const options = { nowMs: performance.now(), graceMs: GRACE_MS, retireClasses };
    const transaction = this.#nft.transaction();
    for (const program of this.#programs) await program.write(transaction, options, nextTurn);
    let committed: Committed;
    try {
      committed = await transaction.commit();
    } catch (error) {
      if (!(error instanceof TransactionError)) throw error;
      for (const program of this.#programs) program.invalidate();
      this.#mustSync = true;
      return error;
    }
    this.#mustSync = false;
    const nowMs = performance.now();
    for (const program of this.#programs) program.committed(nowMs);
    if (transaction.size > 0) {
      this.#listener.committed({
        services: states.size,
        operations: transaction.size,
        kernelTimeMs: committed.kernelTimeMs,
        latencyMs: states.size > 0 ? nowMs - arrivalMs : 0,
      });
    }
    return undefined;
  }
}
