import { applyOperation } from './fake-application.ts';
import { type Batch, beginBatch, type Way } from './fake-batch.ts';
import type { FakeMessage } from './fake-message.ts';
import type { FakeRuleset, FakeTable } from './fake-ruleset.ts';
import { tablesToFollow } from './fake-validation.ts';
import type { OperationRefusal } from './refusal.ts';
import type { PackedOperation } from './unpack.ts';

/** What became of a batch. With refusals it is taken back. */
export interface Made {
  readonly refusals: readonly OperationRefusal[];
  /** Whether there is anything to commit: without it there is no new generation. */
  readonly isChange: boolean;
  /** Does what waits for the commit, and gives what those are told who listen, where somebody does. */
  readonly commit: (isHeard: boolean) => readonly FakeMessage[];
  readonly revert: () => void;
}

const ELEMENTS = 3;
const NONE: ReadonlySet<PackedOperation> = new Set();

/**
 * Makes a transaction as the kernel and the addon do together: while a message of several elements was refused, all of it is
 * tried again with one message for each of those elements. What then remains is real.
 */
export function makeTransaction(
  ruleset: FakeRuleset,
  nowMs: number,
  operations: readonly PackedOperation[],
): Made {
  const split = new Set<PackedOperation>();
  let made = send(ruleset, nowMs, operations, NONE);
  for (;;) {
    const { refusals } = made;
    const shortened = operations.filter(
      (operation, index) => !split.has(operation) && isShortened(operation, index, refusals),
    );
    const [first] = shortened;
    if (first === undefined) return made;
    for (const each of shortened) split.add(each);
    const certain = refusals.filter((each) => (each.operation ?? -1) <= operations.indexOf(first));
    const again = send(ruleset, nowMs, operations, split);
    made = { ...again, refusals: unite(certain, again.refusals) };
  }
}

/** Whether an operation was left at a bad element, with others that the kernel did not come to. */
function isShortened(
  { count = 0 }: PackedOperation,
  index: number,
  refusals: readonly OperationRefusal[],
): boolean {
  return (
    count > 1 &&
    refusals.some(({ operation, refusal: { path = [] } }) => {
      return operation === index && (path.length === 0 || path[0]?.attribute === ELEMENTS);
    })
  );
}

/** The kernel follows jumps at the end; when they lead too deep it does all of it again and follows them each time. */
function send(
  ruleset: FakeRuleset,
  nowMs: number,
  operations: readonly PackedOperation[],
  split: ReadonlySet<PackedOperation>,
): Made {
  const made = apply(ruleset, nowMs, operations, { split, followed: undefined });
  return made.toFollow === undefined
    ? made
    : apply(ruleset, nowMs, operations, { split, followed: made.toFollow });
}

/** Makes the operations, and takes them back when one is refused. */
function apply(
  ruleset: FakeRuleset,
  nowMs: number,
  operations: readonly PackedOperation[],
  way: Way,
): Made & { readonly toFollow: ReadonlySet<FakeTable> | undefined } {
  const batch = beginBatch(ruleset, nowMs, way);
  const { journal, events } = batch;
  const refusals: OperationRefusal[] = [];
  for (const [index, operation] of operations.entries()) {
    for (const refusal of applyOperation(batch, operation)) refusals.push({ operation: index, refusal });
  }
  const made = {
    refusals,
    isChange: events.length > 0,
    commit: (isHeard: boolean) => commit(batch, isHeard),
    toFollow: refusals.length === 0 ? tablesToFollow(batch) : undefined,
    revert: () => journal.revert(),
  };
  if (refusals.length > 0 || made.toFollow !== undefined) made.revert();
  return made;
}

function commit({ events, atCommit }: Batch, isHeard: boolean): readonly FakeMessage[] {
  const messages: FakeMessage[] = [];
  for (const { apply: change, describe } of events) {
    change?.();
    if (isHeard) messages.push(describe());
  }
  for (const finish of atCommit) finish();
  return messages;
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
