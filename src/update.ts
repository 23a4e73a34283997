import type { Transport } from './netlink/transport.ts';
import { type Committed, Transaction } from './nft/transaction.ts';
import { GenerationConflictError } from './nft/transaction-error.ts';
import { readGeneration } from './read/element-dump.ts';

/** Where an update stands when it builds its transaction. */
export interface UpdateAttempt {
  /** The generation that the ruleset must still have at the commit. */
  readonly generation: number;
  /** 1 for the first. */
  readonly attempt: number;
}

/** Reads what it needs and adds to the transaction, which is committed for it. Nothing that it did before may be kept. */
export type UpdateBuilder = (transaction: Transaction, now: UpdateAttempt) => void | Promise<void>;

/** How an update is tried. */
export interface UpdateOptions {
  /** How often at most. Default: 100. */
  readonly attempts?: number;
  /** When it is aborted, no further attempt is begun and nothing more is sent. */
  readonly signal?: AbortSignal;
}

const DEFAULT_ATTEMPTS = 100;

/** The generation is read first: whatever `build` reads is of it or newer, and if newer, the commit does not happen. */
export async function update(
  transport: Transport,
  build: UpdateBuilder,
  { attempts = DEFAULT_ATTEMPTS, signal }: UpdateOptions,
): Promise<Committed> {
  for (let attempt = 1; ; attempt++) {
    const generation = await readGeneration(transport, 'updating', signal);
    const transaction = new Transaction(transport);
    await build(transaction, { generation, attempt });
    try {
      return await transaction.commit({
        ifGeneration: generation,
        ...(signal === undefined ? {} : { signal }),
      });
    } catch (error) {
      if (!(error instanceof GenerationConflictError) || attempt >= attempts) throw error;
    }
  }
}
