import { TransactionError } from '../../src/index.ts';

/** The error of a commit that must fail. */
export async function failureOf(commit: Promise<unknown>): Promise<TransactionError> {
  try {
    await commit;
  } catch (error) {
    if (error instanceof TransactionError) return error;
    throw error;
  }
  throw new Error('the commit succeeded');
}
