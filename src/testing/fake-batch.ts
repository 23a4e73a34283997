import type { FakeMessage } from './fake-message.ts';
import type { FakeChain, FakeRuleset, FakeSet, FakeTable } from './fake-ruleset.ts';
import { Journal } from './journal.ts';
import type { PackedOperation } from './unpack.ts';

/** How a batch is gone through. */
export interface Way {
  /** Operations whose elements are a message each; of others the first element that is refused ends the operation. */
  readonly split: ReadonlySet<PackedOperation>;
  /**
   * Tables whose jumps are followed behind each message that may have made them lead too deep, and with them those that the
   * batch makes: NFT_VALIDATE_DO. Undefined: jumps are followed at the end.
   */
  readonly followed: ReadonlySet<FakeTable> | undefined;
}

/** One change that is committed. */
interface FakeEvent {
  /** What waits until then. */
  readonly apply?: () => void;
  /** For those who listen: as things are at that moment. */
  readonly describe: () => FakeMessage;
}

/** One batch on its way: what it works on, and how it is taken back. */
export interface Batch {
  readonly ruleset: FakeRuleset;
  readonly journal: Journal;
  readonly nowMs: number;
  /** Sets made in this batch, by their number in it. */
  readonly setsById: Map<number, FakeSet>;
  /** Chains made in this batch, by their number in it. */
  readonly chainsById: Map<number, FakeChain>;
  /** Tables whose jumps must be followed before the commit: NFT_VALIDATE_NEED. */
  readonly toValidate: Set<FakeTable>;
  /** Tables that the batch has made. */
  readonly made: Set<FakeTable>;
  /** Tables that were made dormant or awake in this batch: __NFT_TABLE_F_UPDATE. */
  readonly toggled: Set<FakeTable>;
  /** Tables that may not be made dormant or awake any more in this batch: nft_table_pending_update. */
  readonly updated: Set<FakeTable>;
  /** Rules that the batch has deleted, by handle, with their places: until the commit the kernel still finds them. */
  readonly gone: Map<FakeChain, Map<bigint, number>>;
  /** Sets with deleted boundaries, which stay until the commit. */
  readonly toSweep: Set<FakeSet>;
  /** What the kernel does and tells at the commit, one after the other. */
  readonly events: FakeEvent[];
  /** What waits for the end of the commit. */
  readonly atCommit: (() => void)[];
  readonly way: Way;
}

export function beginBatch(ruleset: FakeRuleset, nowMs: number, way: Way): Batch {
  return {
    ruleset,
    journal: new Journal(),
    nowMs,
    setsById: new Map(),
    chainsById: new Map(),
    toValidate: new Set(),
    made: new Set(),
    toggled: new Set(),
    updated: new Set(),
    gone: new Map(),
    toSweep: new Set(),
    events: [],
    atCommit: [],
    way,
  };
}

/** The set of a name, or else of a number within the batch. */
export function findSet(
  batch: Batch,
  table: FakeTable,
  name: string,
  id: number | undefined,
): FakeSet | undefined {
  return table.sets.get(name) ?? (id === undefined ? undefined : batch.setsById.get(id));
}
