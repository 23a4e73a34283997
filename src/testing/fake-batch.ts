import type { FakeChain, FakeRuleset, FakeSet, FakeTable } from './fake-ruleset.ts';
import { Journal } from './journal.ts';

/** How a batch is gone through. */
export interface Way {
  /** Each element is a message of its own; otherwise the first that is refused ends its operation. */
  readonly eachElement: boolean;
  /** Follow jumps behind each message that may have made them lead too deep: NFT_VALIDATE_DO. */
  readonly followEach: boolean;
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
  /** Tables that were made dormant or awake in this batch: __NFT_TABLE_F_UPDATE. */
  readonly toggled: Set<FakeTable>;
  /** Tables that may not be made dormant or awake any more in this batch: nft_table_pending_update. */
  readonly updated: Set<FakeTable>;
  /** What waits for the commit. */
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
    toggled: new Set(),
    updated: new Set(),
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
