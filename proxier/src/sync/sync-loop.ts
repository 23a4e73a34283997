import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { type Committed, type Nftables, RequestError, TransactionError } from 'nftlink';
import { TABLE_NAME } from '../layout/sets.ts';
import type { ServiceState } from '../model/frontends.ts';
import { Arrivals } from './arrivals.ts';
import { culpritsOf } from './culprits.ts';
import { Drift } from './drift.ts';
import type { FamilyProgram } from './family-program.ts';
import { Quarantine, type SetAside } from './quarantine.ts';

/** How long what became stale stays in the kernel: a packet needs microseconds between two lookups. */
const GRACE_MS = 10;
/** Quiet time after which leftovers are deleted. */
const IDLE_MS = 50;
const FIRST_RETRY_MS = 1_000;
const LAST_RETRY_MS = 30_000;

export interface SyncReport {
  /** Services whose state changed since the last commit. */
  readonly services: number;
  /** 0: the kernel had all of it already. */
  readonly operations: number;
  readonly kernelTimeMs: number;
  /** From the first change's arrival, at the start from the last one's, to the commit. */
  readonly latencyMs: number;
}

export interface SyncListener {
  committed(report: SyncReport): void;
  /** A sync failed and will be tried again after reading what the kernel has. */
  failed(error: Error, retryMs: number): void;
  /** The kernel refuses a Service: all others are programmed without it. */
  setAside(refused: SetAside): void;
  /** A Service that was set aside is programmed now. */
  restored(service: string): void;
  /** Somebody else had changed our tables: so many operations put that right. */
  repaired(operations: number): void;
  /** Changes by others are noticed later than they could be: the kernel's events can't be listened to. */
  deaf(error: Error): void;
}

export interface SyncOptions {
  /** At least so long lies between the starts of two transactions; default 0: as fast as the kernel takes them. */
  readonly minSyncPeriodMs?: number;
  /** A Service's state at present: asked for when one that was set aside is tried again. */
  readonly stateOf?: (service: string) => ServiceState;
  /** Called after each commit with the Services whose state it brought, one call after the other. `settled` waits for it. */
  readonly afterCommit?: (states: readonly ServiceState[]) => Promise<void>;
}

/**
 * Brings changes into the kernel, one transaction after the other. What arrives while one is under way makes the next
 * one, so a slow kernel coalesces by itself and an idle one is told at once.
 */
export class SyncLoop {
  readonly #nft: Nftables;
  readonly #programs: readonly FamilyProgram[];
  readonly #listener: SyncListener;
  readonly #options: SyncOptions;
  readonly #stopping = new AbortController();
  readonly #quarantine = new Quarantine();
  readonly #arrivals = new Arrivals();
  #firstArrivalMs = 0;
  #lastStartMs = Number.NEGATIVE_INFINITY;
  #wake: (() => void) | undefined;
  #settled: (() => void)[] = [];
  #retryMs = FIRST_RETRY_MS;
  /** A sync is due even if nothing changed: the first one, and the one after a failure. */
  #mustSync = true;
  #prepared: Promise<unknown> | undefined;
  #running: Promise<void> | undefined;
  readonly #drift: Drift;
  #isVerifying = false;
  #afterwards: Promise<void> = Promise.resolve();

  constructor(
    nft: Nftables,
    programs: readonly FamilyProgram[],
    listener: SyncListener,
    options: SyncOptions = {},
  ) {
    this.#nft = nft;
    this.#programs = programs;
    this.#listener = listener;
    this.#options = options;
    this.#drift = new Drift(
      nft,
      TABLE_NAME,
      () => this.#wake?.(),
      (error) => listener.deaf(error),
    );
  }

  /** Reads what the kernel has while the first states are still on their way: they need not wait for it then. */
  async prepare(): Promise<void> {
    // What fails is tried again, and told, when there is something to be programmed.
    this.#prepared ??= this.#prepare();
    await this.#prepared;
  }

  /** Takes states while others are still on their way: nothing is written before the first `apply`. */
  gather(states: Iterable<ServiceState>): void {
    for (const state of states) this.#arrivals.gather(state);
    this.#arrivals.giveEarly(this.#programs);
  }

  /** Takes Services' new states. The first call also makes the tables, so it may be empty. */
  apply(states: Iterable<ServiceState>): void {
    // What was gathered has waited for the rest.
    if (this.#arrivals.isEmpty || this.#running === undefined) this.#firstArrivalMs = performance.now();
    for (const state of states) {
      this.#arrivals.add(state);
      this.#quarantine.try(state.service);
    }
    this.#running ??= this.#run();
    this.#wake?.();
  }

  /** What the kernel has may be something else than we left there: reads it, and mends what differs. */
  verify(): void {
    for (const program of this.#programs) program.invalidate();
    this.#mustSync = true;
    this.#isVerifying = true;
    this.#wake?.();
  }

  /** Services that the kernel refuses. */
  setAside(): readonly SetAside[] {
    return this.#quarantine.list();
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
    await this.#prepared;
    await this.#running;
    await this.#afterwards;
    await this.#drift.close();
  }

  async #run(): Promise<void> {
    await this.#prepared;
    while (!this.#stopping.signal.aborted) {
      this.#releaseDue();
      if (this.#drift.dueInMs === 0) this.verify();
      if (!this.#arrivals.isEmpty || this.#mustSync) await this.#syncOrWait(false);
      else if (this.#programs.some((program) => program.hasLeftovers)) await this.#clean();
      else await this.#rest();
    }
  }

  #releaseDue(): void {
    const { stateOf } = this.#options;
    if (stateOf === undefined) return;
    const due = this.#quarantine.release(performance.now());
    if (due.length > 0) this.apply(due.map(stateOf));
  }

  /** Makes one transaction; when it fails, reports and waits. The loop then tries again. */
  async #syncOrWait(retireClasses: boolean): Promise<void> {
    await this.#keepPeriod();
    const failure = await this.#sync(retireClasses);
    if (failure === undefined) {
      this.#retryMs = FIRST_RETRY_MS;
      return;
    }
    this.#listener.failed(failure, this.#retryMs);
    await sleep(this.#retryMs, undefined, { signal: this.#stopping.signal }).catch(() => undefined);
    this.#retryMs = Math.min(2 * this.#retryMs, LAST_RETRY_MS);
  }

  async #keepPeriod(): Promise<void> {
    const waitMs = this.#lastStartMs + (this.#options.minSyncPeriodMs ?? 0) - performance.now();
    if (waitMs > 0) await sleep(waitMs, undefined, { signal: this.#stopping.signal }).catch(() => undefined);
    this.#lastStartMs = performance.now();
  }

  /** Deletes what had to wait, once nothing else is going on. */
  async #clean(): Promise<void> {
    if (await this.#quiet(IDLE_MS)) await this.#syncOrWait(true);
  }

  async #rest(): Promise<void> {
    await this.#afterwards;
    await this.#drift.rest();
    if (!this.#arrivals.isEmpty || this.#mustSync || this.#drift.dueInMs === 0) return;
    for (const resolve of this.#settled.splice(0)) resolve();
    const { nextTrialMs } = this.#quarantine;
    const trialInMs = nextTrialMs === undefined ? [] : [Math.max(0, nextTrialMs - performance.now())];
    const waits = [...trialInMs, ...(this.#drift.dueInMs === undefined ? [] : [this.#drift.dueInMs])];
    await this.#quiet(waits.length === 0 ? undefined : Math.min(...waits));
  }

  /** Waits for a change; true when none came for so long. */
  #quiet(durationMs: number | undefined): Promise<boolean> {
    return new Promise((resolve) => {
      const timer = durationMs === undefined ? undefined : setTimeout(() => resolve(true), durationMs);
      this.#wake = () => {
        clearTimeout(timer);
        resolve(false);
      };
      const hasChanged =
        !this.#arrivals.isEmpty ||
        this.#mustSync ||
        this.#drift.dueInMs === 0 ||
        this.#stopping.signal.aborted;
      if (hasChanged) this.#wake();
    });
  }

  /** Makes one transaction of all that waits. Gives the error when it was not committed and is not worth an immediate retry. */
  async #sync(retireClasses: boolean): Promise<Error | undefined> {
    const wasJustRead = await this.#prepare();
    if (wasJustRead instanceof Error) return wasJustRead;
    const arrivalMs = this.#firstArrivalMs;
    this.#mustSync = false;
    const states = this.#arrivals.give(this.#programs);
    // What changes now is not what has been idle for a while.
    const isIdle = retireClasses && states.size === 0;
    const options = { nowMs: performance.now(), graceMs: GRACE_MS, retireClasses: isIdle };
    const transaction = this.#nft.transaction();
    let elements = 0;
    for (const program of this.#programs) elements += await program.write(transaction, options, nextTurn);
    await this.#drift.begin(elements);
    let committed: Committed;
    try {
      committed = await transaction.commit();
    } catch (error) {
      if (!(error instanceof TransactionError)) throw error;
      return this.#refused(error, wasJustRead, [...states.values()]);
    }
    const committedMs = performance.now();
    this.#committed(transaction.size, wasJustRead);
    if (transaction.size + states.size > 0) {
      this.#listener.committed({
        services: states.size,
        operations: transaction.size,
        kernelTimeMs: committed.kernelTimeMs,
        latencyMs: states.size > 0 ? committedMs - arrivalMs : 0,
      });
    }
    const { afterCommit } = this.#options;
    if (afterCommit !== undefined && states.size > 0) {
      this.#afterwards = this.#afterwards.then(() => afterCommit([...states.values()]));
    }
    return undefined;
  }

  /** Sees to it that every family knows what the kernel has. Says whether that had to be read. */
  async #prepare(): Promise<boolean | RequestError> {
    try {
      await this.#drift.lookSometimes();
      if (this.#drift.dueInMs === 0) this.verify();
      return await this.#load();
    } catch (error) {
      if (error instanceof RequestError) return error;
      throw error;
    }
  }

  #committed(operations: number, wasJustRead: boolean): void {
    const nowMs = performance.now();
    for (const program of this.#programs) program.committed(nowMs);
    if (operations > 0) this.#drift.committed();
    if (wasJustRead) this.#drift.endReading();
    if (this.#isVerifying && operations > 0) this.#listener.repaired(operations);
    this.#isVerifying = false;
    for (const service of this.#quarantine.acquit()) this.#listener.restored(service);
  }

  /** Reads what the kernel has, for families that don't know. */
  async #load(): Promise<boolean> {
    const unknown = this.#programs.filter((program) => !program.isLoaded);
    if (unknown.length > 0) await this.#drift.beginReading();
    for (const program of unknown) await program.load(this.#nft, performance.now());
    return unknown.length > 0;
  }

  /**
   * Either the kernel has something else than we thought: it is read, and then tried again. Or it refuses Services: they are set
   * aside. Or nobody can tell: the error is given back.
   */
  #refused(
    error: TransactionError,
    wasJustRead: boolean,
    states: readonly ServiceState[],
  ): TransactionError | undefined {
    this.#mustSync = true;
    const isNewer = this.#arrivals.services();
    this.#arrivals.giveBack(states);
    if (error.outcome === 'aborted' && !wasJustRead) {
      for (const program of this.#programs) program.invalidate();
      return undefined;
    }
    const culprits = error.outcome === 'aborted' ? culpritsOf(error, this.#programs) : undefined;
    if (culprits === undefined) {
      for (const program of this.#programs) program.invalidate();
      return error;
    }
    const nowMs = performance.now();
    for (const [service, reason] of culprits) {
      this.#listener.setAside(this.#quarantine.add(service, reason, nowMs));
    }
    for (const service of culprits.keys()) if (!isNewer.has(service)) this.#arrivals.drop(service);
    const nothing = [...culprits.keys()].map((service): ServiceState => ({ service, ports: [] }));
    for (const program of this.#programs) {
      program.abandon();
      program.update(nothing);
    }
    return undefined;
  }
}
