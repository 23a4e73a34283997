import type { NativeOutcome } from '../native/contract.ts';
import type { Listening } from '../netlink/listening.ts';
import { ClosedError, PendingError } from '../netlink/socket-error.ts';
import type { ListenOptions, Transport } from '../netlink/transport.ts';
import { type Family, familyNumber } from '../nft/family.ts';
import type { PackedValue } from '../nft/pack/packed-value.ts';
import type { AnySet } from '../nft/set.ts';
import { answer, type Question } from './fake-answers.ts';
import { FakeListening } from './fake-listening.ts';
import { type FakeProcess, generationMessage, packMessage } from './fake-message.ts';
import { type FakeRuleset, type FakeTable, isExpired, tableKey } from './fake-ruleset.ts';
import { type Made, makeTransaction } from './fake-transaction.ts';
import { packAborted } from './refusal.ts';
import { unpack, unpackHeader } from './unpack.ts';

/** How a fake kernel is made. */
export interface FakeKernelOptions {
  /** Its clock, in ms: elements leave by it. Default: `performance.now`. */
  readonly nowMs?: () => number;
  /** Whose transactions those made on it are, for monitors. Default: this process, of the name `fake`. */
  readonly process?: FakeProcess;
}

/** Of asm-generic/errno.h; Node has no name for it. */
const ERESTART = 85;
const KERNEL_TIME_NS = 1000;
/** NFNLGRP_NFTABLES of linux/netfilter/nfnetlink.h, as a bit. */
const GROUP_NFTABLES = 1 << (7 - 1);
const DEFAULT_BUFFER_BYTES = 8 << 20;

/**
 * A kernel in memory, to test programs without root: `new Nftables(new FakeKernel())`. It makes transactions with the
 * kernel's semantics (all or nothing, what is in use stays, ranges don't overlap, handles, timeouts, generations), answers
 * questions with the kernel's messages, so that everything that lists works on it, and tells monitors what was committed.
 * The same random transactions are made on it and on a real kernel, and must have the same outcome and events:
 * test/kernel/fake-agreement.test.ts.
 *
 * The handle of a rule that is replaced is gone at once: that the same transaction deletes it again is refused here alone.
 *
 * It sees no packets: rules may hold any expression, and are checked only for what they lead to; nothing is traced. Whoever
 * waits for an event does not keep the process alive, since only the process itself can cause one.
 */
export class FakeKernel implements Transport {
  readonly #ruleset: FakeRuleset = { tables: new Map(), nextTableHandle: 1n, nextElement: 0, generation: 1 };
  readonly #nowMs: () => number;
  readonly #own: FakeSocket;
  readonly #listening = new Set<FakeListening>();
  /** Every transaction that was committed, packed. */
  readonly committed: Uint8Array[] = [];

  /** An empty kernel. */
  constructor({
    nowMs = () => performance.now(),
    process: of = { id: process.pid, name: 'fake' },
  }: FakeKernelOptions = {}) {
    this.#nowMs = nowMs;
    this.#own = this.#socketOf(of);
  }

  /** The ruleset's generation. */
  get generation(): number {
    return this.#ruleset.generation;
  }

  /** A socket of another process: `new Nftables(kernel.socketOf({ id: 7, name: 'nft' }))`. Closed by itself. */
  socketOf(process: FakeProcess): Transport {
    return this.#socketOf(process);
  }

  /** Throws ClosedError, and PendingError while something asynchronous is under way. */
  transactSync(packed: Uint8Array): NativeOutcome {
    return this.#own.transactSync(packed);
  }

  /** Rejects with ClosedError. */
  transact(packed: Uint8Array): Promise<NativeOutcome> {
    return this.#own.transact(packed);
  }

  /** Rejects with ClosedError. */
  request(message: number, flags: number, family: number, attributes: Uint8Array): Promise<Uint8Array> {
    return this.#own.request(message, flags, family, attributes);
  }

  /** `receiveBufferBytes` bounds what waits for the listener: beyond it there is a gap. */
  listen(groups: number, options: ListenOptions): Listening {
    return this.#own.listen(groups, options);
  }

  /** Later calls throw ClosedError. */
  close(): Promise<void> {
    return this.#own.close();
  }

  /** Names of a table's chains, or undefined when there is no such table. */
  chains(family: Family, table: string): readonly string[] | undefined {
    const found = this.#table(family, table);
    return found === undefined ? undefined : [...found.chains.keys()];
  }

  /** A set's elements: packed key to packed data, to the chain of a verdict, or to `''`. */
  elements(set: AnySet): ReadonlyMap<PackedValue, PackedValue> {
    const { family, name } = set.table;
    const found = this.#table(family, name)?.sets.get(set.name);
    if (found === undefined) throw new Error(`no ${set.kind} ${family} ${name} ${set.name}`);
    const nowMs = this.#nowMs();
    const present = [...found.elements].filter(([, element]) => !isExpired(element, nowMs));
    return new Map(present.map(([key, { data, chain }]) => [key, data ?? chain?.name ?? '']));
  }

  #table(family: Family, name: string): FakeTable | undefined {
    return this.#ruleset.tables.get(tableKey(familyNumber(family), name));
  }

  #socketOf(process: FakeProcess): FakeSocket {
    return new FakeSocket({
      transact: (packed) => this.#transact(packed, process),
      answer: (question) => answer({ ruleset: this.#ruleset, nowMs: this.#nowMs(), process }, question),
      listen: (groups, limitBytes) => this.#listen(groups, limitBytes),
    });
  }

  #listen(groups: number, limitBytes: number): Listening {
    const listening = new FakeListening(limitBytes, (stopped) => this.#listening.delete(stopped));
    if ((groups & GROUP_NFTABLES) !== 0) this.#listening.add(listening);
    return listening;
  }

  #transact(packed: Uint8Array, process: FakeProcess): NativeOutcome {
    // A copy: what is kept of it must not change when its owner goes on writing.
    const copy = packed.slice();
    const { generation, isCheck } = unpackHeader(copy);
    if (generation !== 0 && generation !== this.#ruleset.generation) {
      return packAborted([{ operation: undefined, refusal: { errno: ERESTART } }]);
    }
    const made = makeTransaction(this.#ruleset, this.#nowMs(), unpack(copy));
    if (made.refusals.length > 0) return packAborted(made.refusals);
    if (isCheck) {
      made.revert();
      return KERNEL_TIME_NS;
    }
    this.committed.push(copy);
    this.#commit(made, process);
    return KERNEL_TIME_NS;
  }

  #commit(made: Made, process: FakeProcess): void {
    if (!made.isChange) {
      made.commit(false);
      return;
    }
    this.#ruleset.generation = (this.#ruleset.generation % 0xffffffff) + 1;
    const { generation } = this.#ruleset;
    const isHeard = this.#listening.size > 0;
    const told = made.commit(isHeard);
    if (!isHeard) return;
    const messages = [...told, generationMessage(generation, process)].map((message) =>
      packMessage(message, generation),
    );
    for (const listening of this.#listening) {
      for (const message of messages) listening.tell(message);
      listening.flush();
    }
  }
}

/** What a socket asks of its kernel. */
interface Kernel {
  readonly transact: (packed: Uint8Array) => NativeOutcome;
  readonly answer: (question: Question) => Uint8Array;
  readonly listen: (groups: number, limitBytes: number) => Listening;
}

/** What a process holds of a fake kernel: pending, and closed, by itself. */
class FakeSocket implements Transport {
  readonly #kernel: Kernel;
  #pending = 0;
  #closed = false;

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
  }

  transactSync(packed: Uint8Array): NativeOutcome {
    if (this.#closed) throw new ClosedError();
    if (this.#pending > 0) throw new PendingError();
    return this.#kernel.transact(packed);
  }

  transact(packed: Uint8Array): Promise<NativeOutcome> {
    return this.#later(() => this.#kernel.transact(packed));
  }

  request(message: number, flags: number, family: number, attributes: Uint8Array): Promise<Uint8Array> {
    return this.#later(() => this.#kernel.answer({ message, flags, family, attributes }));
  }

  listen(groups: number, { receiveBufferBytes = DEFAULT_BUFFER_BYTES }: ListenOptions): Listening {
    return this.#kernel.listen(groups, receiveBufferBytes);
  }

  async close(): Promise<void> {
    this.#closed = true;
  }

  /** Done at once, told later: like a worker thread that was faster. */
  async #later<T>(work: () => T): Promise<T> {
    if (this.#closed) throw new ClosedError();
    this.#pending++;
    try {
      return await Promise.resolve(work());
    } finally {
      this.#pending--;
    }
  }
}
