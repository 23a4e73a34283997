import { constants } from 'node:os';
import { errnoName } from '../netlink/errno.ts';
import type { RawOutcome } from '../netlink/outcome.ts';
import { explainFailure, type Failure, type Operation } from './failure.ts';
import { type AnySet, sizeOf } from './set.ts';

/**
 * What became of a transaction. `aborted`: nothing was changed. `unknown`: the kernel's answer was lost; read the
 * ruleset to know.
 */
export type FailedOutcome = 'aborted' | 'unknown';

/** A transaction that was not committed, or may not have been. `failures` names every operation that the kernel refused. */
export class TransactionError extends Error {
  /** `'TransactionError'`, or `'GenerationConflictError'`. */
  override readonly name: string = 'TransactionError';

  /** Whether nothing was changed, or nobody knows. */
  readonly outcome: FailedOutcome;
  /** errno's name of the first failure, or of the system call: `'EEXIST'`. */
  readonly code: string;
  /** Every operation that the kernel refused, in the order of the calls; empty when the system call failed. */
  readonly failures: readonly Failure[];
  /** True when there may be more: the kernel refused more than it could tell, or the transaction is too large to ask for each element. */
  readonly failuresLost: boolean;

  /**
   * Explains what the addon reported of a transaction with these operations.
   * @internal
   */
  constructor(raw: RawOutcome, operations: readonly Operation[]) {
    const failures = withoutRepeats(
      raw.failures.map((failure) =>
        explainFailure(failure, failure.operation === undefined ? undefined : operations[failure.operation]),
      ),
    );
    super(summary(raw, failures));
    this.outcome = raw.outcome;
    this.code = failures[0]?.code ?? errnoName(raw.errno);
    this.failures = failures;
    this.failuresLost = raw.failuresLost;
  }
}

/**
 * The ruleset is not of the generation that `commit({ ifGeneration })` asked for (`code` is `'ERESTART'`): somebody else has
 * changed it, and nothing was changed by this transaction. Read again, and make another one; `Nftables.update` does that.
 */
export class GenerationConflictError extends TransactionError {
  override readonly name = 'GenerationConflictError';
  /** The generation that was asked for. */
  readonly expected: number;

  /**
   * Explains what the addon reported of a transaction with these operations.
   * @internal
   */
  constructor(raw: RawOutcome, operations: readonly Operation[], expected: number) {
    super(raw, operations);
    this.expected = expected;
  }
}

/**
 * A set has no room for all of the elements (`code` is `'ENFILE'`): nothing was changed. Adding the set again with a larger `size`, in a
 * transaction before, makes room (kernel 6.5).
 */
export class SetFullError extends TransactionError {
  override readonly name = 'SetFullError';
  /** The description of the set that is full; of several the first. */
  readonly set: AnySet;
  /** How many elements it may hold, where the description says so. The kernel's set may have another size. */
  readonly size: number | undefined;

  /**
   * Explains what the addon reported of a transaction with these operations.
   * @internal
   */
  constructor(raw: RawOutcome, operations: readonly Operation[], full: AnySet) {
    super(raw, operations);
    this.set = full;
    this.size = sizeOf(full);
  }
}

/** errno of asm-generic/errno.h that Node has no name for. */
const ERESTART = 85;

/** The error for what the addon reported of a transaction that was for `generation` (0: any). */
export function transactionError(
  raw: RawOutcome,
  operations: readonly Operation[],
  generation: number,
): TransactionError {
  const conflict = raw.failures.some(({ operation, errno }) => operation === undefined && errno === ERESTART);
  if (generation !== 0 && conflict) return new GenerationConflictError(raw, operations, generation);
  const full = fullSet(raw, operations);
  return full === undefined ? new TransactionError(raw, operations) : new SetFullError(raw, operations, full);
}

/** The set that has no room; undefined where something else was refused, too. */
function fullSet({ failures }: RawOutcome, operations: readonly Operation[]): AnySet | undefined {
  if (failures.some(({ errno }) => errno !== constants.errno.ENFILE)) return undefined;
  return operations[failures[0]?.operation ?? -1]?.set;
}

/** A rule with anonymous sets is several messages, which fail together where its table is missing. */
function withoutRepeats(failures: readonly Failure[]): readonly Failure[] {
  const seen = new Set<string>();
  return failures.filter(({ operation, element, code, field }) => {
    const identity = `${operation} ${element?.index} ${code} ${field}`;
    return !seen.has(identity) && seen.add(identity);
  });
}

const SHOWN = 10;

function summary(raw: RawOutcome, failures: readonly Failure[]): string {
  const head =
    raw.outcome === 'aborted'
      ? 'transaction aborted, nothing was changed'
      : 'the outcome of the transaction is unknown';
  if (failures.length === 0) return `${head}: ${cause(raw)}`;
  const lines = failures.slice(0, SHOWN).map(({ message }) => `  ${message}`);
  if (failures.length > SHOWN) lines.push(`  … and ${failures.length - SHOWN} more`);
  if (raw.failuresLost) lines.push('  … and perhaps others that could not be found out');
  return [`${head}: ${failures.length === 1 ? 'one failure' : `${failures.length} failures`}`, ...lines].join(
    '\n',
  );
}

function cause({ step, errno, batchBytes, limitBytes }: RawOutcome): string {
  const name = errnoName(errno);
  switch (step) {
    case 'size':
      return (
        `it takes ${batchBytes} bytes in one message and this socket may send ${limitBytes}; ` +
        'raise net.core.wmem_max, run with CAP_NET_ADMIN in the first user namespace, or send less at once'
      );
    case 'encode':
      return `it could not be encoded (${name})`;
    case 'send':
      return name === 'EPERM'
        ? 'EPERM, it takes CAP_NET_ADMIN in the network namespace'
        : `sending failed (${name})`;
    default:
      return `receiving the kernel's answer failed (${name})`;
  }
}
