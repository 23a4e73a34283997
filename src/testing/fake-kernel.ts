import type { NativeOutcome } from '../native/contract.ts';
import { ClosedError, PendingError } from '../netlink/socket-error.ts';
import type { Transport } from '../netlink/transport.ts';
import { type Family, familyNumber } from '../nft/family.ts';
import type { PackedValue } from '../nft/pack/packed-value.ts';
import type { AnySet } from '../nft/set.ts';
import { answer } from './fake-answers.ts';
import { applyOperation } from './fake-application.ts';
import { beginBatch } from './fake-batch.ts';
import { type FakeRuleset, type FakeTable, isExpired, tableKey } from './fake-ruleset.ts';
import { leadsTooDeep } from './fake-validation.ts';
import { type OperationRefusal, packAborted } from './refusal.ts';
import { type PackedOperation, unpack, unpackHeader } from './unpack.ts';

/** How a fake kernel is made. */
export interface FakeKernelOptions {
  /** Its clock, in ms: elements leave by it. Default: `performance.now`. */
  readonly nowMs?: () => number;
}

/** Of asm-generic/errno.h; Node has no name for it. */
const ERESTART = 85;
const KERNEL_TIME_NS = 1000;

/**
 * A kernel in memory, to test programs without root: `new Nftables(new FakeKernel())`. It makes transactions with the
 * kernel's semantics (all or nothing, what is in use stays, handles, timeouts, generations) and answers questions with the
 * kernel's messages, so that everything that lists works on it. The same random transactions are made on it and on a real
 * kernel, and must have the same outcome: test/kernel/fake-agreement.test.ts.
 *
 * It sees no packets: rules may hold any expression, and are checked only for what they lead to. Ranges of a set are
 * kept as they come; that two of them overlap goes unnoticed.
 */
export class FakeKernel implements Transport {
  readonly #ruleset: FakeRuleset = { tables: new Map(), nextTableHandle: 1n, generation: 1 };
  readonly #nowMs: () => number;
  #pending = 0;
  #closed = false;
  /** Every transaction that was committed, packed. */
  readonly committed: Uint8Array[] = [];

  /** An empty kernel. */
  constructor({ nowMs = () => performance.now() }: FakeKernelOptions = {}) {
    this.#nowMs = nowMs;
  }

  /** The ruleset's generation. */
  get generation(): number {
    return this.#ruleset.generation;
  }

  /** Throws ClosedError, and PendingError while something asynchronous is under way. */
  transactSync(packed: Uint8Array): NativeOutcome {
    if (this.#closed) throw new ClosedError();
    if (this.#pending > 0) throw new PendingError();
    return this.#transact(packed);
  }

  /** Rejects with ClosedError. */
  transact(packed: Uint8Array): Promise<NativeOutcome> {
    return this.#later(() => this.#transact(packed));
  }

  /** Rejects with ClosedError. */
  request(message: number, flags: number, family: number, attributes: Uint8Array): Promise<Uint8Array> {
    const question = { message, flags, family, attributes };
    return this.#later(() => answer(this.#ruleset, this.#nowMs(), question));
  }

  /** Later calls throw ClosedError. */
  async close(): Promise<void> {
    this.#closed = true;
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

  #transact(packed: Uint8Array): NativeOutcome {
    // A copy: what is kept of it must not change when its owner goes on writing.
    const copy = packed.slice();
    const { generation, isCheck } = unpackHeader(copy);
    if (generation !== 0 && generation !== this.#ruleset.generation) {
      return packAborted([{ operation: undefined, refusal: { errno: ERESTART } }]);
    }
    const made = this.#make(unpack(copy));
    if (made.refusals.length > 0) return packAborted(made.refusals);
    if (isCheck) {
      made.revert();
      return KERNEL_TIME_NS;
    }
    if (made.changes > 0) this.#ruleset.generation = (this.#ruleset.generation % 0xffffffff) + 1;
    this.committed.push(copy);
    return KERNEL_TIME_NS;
  }

  /** As the kernel and the addon do together: when a message of several elements was refused, one message for each. */
  #make(operations: readonly PackedOperation[]): Made {
    const made = this.#send(operations, false);
    const several = made.refusals.some(({ operation, refusal: { path = [] } }) => {
      const isOfElements = path.length === 0 || path[0]?.attribute === ELEMENTS;
      return isOfElements && (operations[operation ?? 0]?.count ?? 0) > 1;
    });
    if (!several) return made;
    return { ...made, refusals: unite(made.refusals, this.#send(operations, true).refusals) };
  }

  /** The kernel follows jumps at the end; when they lead too deep it does all of it again and follows them each time. */
  #send(operations: readonly PackedOperation[], eachElement: boolean): Made {
    const made = this.#apply(operations, eachElement, false);
    return made.leadsTooDeep ? this.#apply(operations, eachElement, true) : made;
  }

  /** Makes the operations, and takes them back when one is refused. */
  #apply(operations: readonly PackedOperation[], eachElement: boolean, followEach: boolean): Made {
    const batch = beginBatch(this.#ruleset, this.#nowMs(), { eachElement, followEach });
    const { journal } = batch;
    const refusals: OperationRefusal[] = [];
    for (const [index, operation] of operations.entries()) {
      for (const refusal of applyOperation(batch, operation)) refusals.push({ operation: index, refusal });
    }
    if (refusals.length === 0) for (const finish of batch.atCommit) finish();
    const made = {
      refusals,
      changes: journal.length,
      leadsTooDeep:
        refusals.length === 0 && [...batch.toValidate].some((table) => leadsTooDeep(batch, table)),
      revert: () => journal.revert(),
    };
    if (refusals.length > 0 || made.leadsTooDeep) made.revert();
    return made;
  }
}

const ELEMENTS = 3;

/** What became of a batch. With refusals it is taken back. */
interface Made {
  readonly refusals: readonly OperationRefusal[];
  readonly changes: number;
  readonly leadsTooDeep: boolean;
  readonly revert: () => void;
}

/** Both, in the order of operations and elements. */
function unite(
  first: readonly OperationRefusal[],
  second: readonly OperationRefusal[],
): readonly OperationRefusal[] {
  const all = new Map<string, OperationRefusal>();
  for (const each of [...first, ...second]) {
    const key = `${each.operation} ${each.refusal.element}`;
    if (!all.has(key)) all.set(key, each);
  }
  const place = ({ operation, refusal }: OperationRefusal) =>
    (operation ?? -1) * 2 ** 32 + (refusal.element ?? 2 ** 32 - 1);
  return [...all.values()].sort((a, b) => place(a) - place(b));
}
