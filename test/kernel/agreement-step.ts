import type { Chain, Transaction } from '../../src/index.ts';

/** Handles differ: a rule is the n-th of its chain. */
export type HandleOf = (of: Chain, nth: number) => bigint;

/** One call on a transaction, and how it reads in a report. */
export interface Step {
  readonly text: string;
  readonly run: (transaction: Transaction, handleOf: HandleOf) => void;
}

export function step(text: string, run: Step['run']): Step {
  return { text, run };
}
