import { setImmediate } from 'node:timers/promises';
import { EventStream } from '../netlink/event-stream.ts';
import { type Listening, listenTo, notifications } from '../netlink/listening.ts';
import type { ListenOptions, Transport } from '../netlink/transport.ts';
import type { AnySet } from '../nft/set.ts';
import { type Snapshot, takeSnapshot } from '../read/snapshot.ts';
import { Assembler, type RawTransaction } from './assembler.ts';
import { type Change, readChanges } from './change.ts';
import { KnownSets, listAllSets } from './known-sets.ts';
import { GROUP } from './uapi.ts';

/** A transaction that somebody committed, this program included. */
export interface CommittedTransaction {
  readonly kind: 'transaction';
  /** The ruleset's generation that it made. */
  readonly generation: number;
  /** Of the thread that committed: in a program with one thread, its process id. */
  readonly processId: number;
  /** The thread's: at most 15 bytes: `'nft'`. */
  readonly processName: string;
  /** In the order in which the kernel made them. */
  readonly changes: readonly Change[];
}

/** Events were lost: the kernel's buffer was full. What follows tells how things stand. */
export interface Gap {
  readonly kind: 'gap';
}

/** A snapshot is without elements: `nft.listElements(set)` gives those. */
export type MonitorEvent = CommittedTransaction | Gap | Snapshot;

/** How {@link Nftables.monitor} listens. */
export interface MonitorOptions extends ListenOptions {
  /** Begins with a snapshot, so that what is there and what becomes of it are one sequence. Default: false. */
  readonly snapshot?: boolean;
}

/** Changes that are decoded without a pause: some ten milliseconds. */
const DECODED_AT_ONCE = 4096;

/** Subscribes at once. Throws OpenError. */
export function openMonitor(transport: Transport, options: MonitorOptions): EventStream<MonitorEvent> {
  const listening = listenTo(transport, GROUP.nftables, options);
  // Asked for now, since a set that is known later may have been deleted by then.
  const start = options.snapshot === true ? wholeSnapshot(transport) : listAllSets(transport);
  start.catch(() => undefined); // whoever waits for the first event gets it
  return new EventStream(listening, monitor(listening, transport, start), options.signal);
}

/** The transactions that `listening` hears of; after a gap a snapshot, then those that are newer. */
async function* monitor(
  listening: Listening,
  transport: Transport,
  start: Promise<Snapshot | readonly AnySet[]>,
): AsyncGenerator<MonitorEvent> {
  const known = new KnownSets();
  const assembler = new Assembler();
  const begin = (snapshot: Snapshot) => {
    known.replace(snapshot.sets);
    assembler.continueAfter(snapshot.generation);
    return snapshot;
  };
  const first = await start;
  if ('kind' in first) yield begin(first);
  else known.replace(first);
  for await (const batch of notifications(listening, 'monitoring')) {
    for (const notification of batch) {
      if (notification === 'gap') {
        yield { kind: 'gap' };
        // What is still queued from before the gap is not newer than this.
        yield begin(await wholeSnapshot(transport));
        continue;
      }
      const transaction = assembler.add(notification);
      if (transaction !== undefined) yield await read(transaction, known);
    }
  }
}

/** By default rules have their expressions, which the type of `takeSnapshot` leaves open. */
function wholeSnapshot(transport: Transport): Promise<Snapshot> {
  return takeSnapshot(transport) as Promise<Snapshot>;
}

async function read(
  { messages, ...transaction }: RawTransaction,
  known: KnownSets,
): Promise<CommittedTransaction> {
  const changes: Change[] = [];
  for (const [index, message] of messages.entries()) {
    if (index > 0 && index % DECODED_AT_ONCE === 0) await setImmediate();
    changes.push(...readChanges(message, known));
  }
  return { kind: 'transaction', ...transaction, changes };
}
