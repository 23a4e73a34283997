import { InvalidArgumentError } from '../../invalid-argument.ts';
import { connlimitKind, counterKind, lastKind, quotaKind } from '../expression/kinds.ts';
import { type Statement, statement } from './source.ts';

/** Statements that remember something; in a set each element can have its own. */

/** NFT_QUOTA_F_INV, NFT_CONNLIMIT_F_INV. */
const OVER = 1;

/** A counter that begins with what was counted before: nft's `counter packets 5 bytes 420`. */
export function counterFrom(packets: number | bigint, bytes: number | bigint): Statement {
  return statement(
    [],
    [counterKind.make({ packets: amount('packets', packets), bytes: amount('bytes', bytes) })],
  );
}

/** How `quota` counts. */
export interface QuotaOptions {
  /** How many bytes. */
  readonly bytes: number | bigint;
  /** Bytes that are used up already. Default: 0. */
  readonly used?: number | bigint;
  /** Matches what is over the quota instead of what is within. */
  readonly over?: boolean;
}

/** Matches until so many bytes have passed: nft's `quota 500 mbytes`, or `quota over …`. */
export function quota({ bytes, used = 0, over = false }: QuotaOptions): Statement {
  const fields = {
    bytes: amount('bytes', bytes),
    flags: over ? OVER : 0,
    consumed: amount('used', used),
  };
  return statement([], [quotaKind.make(fields)]);
}

/** Matches while there are no more than so many connections at once: nft's `ct count 10`, or `ct count over 10`. */
export function connectionLimit(count: number, options: { readonly over?: boolean } = {}): Statement {
  return statement([], [connlimitKind.make({ count, flags: options.over ? OVER : 0 })]);
}

/**
 * Remembers when it was last run: nft's `last`. Kernel 5.14 or newer. In a set: nft before 1.0.7, which doesn't know it, crashes
 * when it lists the set.
 */
export const lastUsed: Statement = statement([], [lastKind.make({})]);

function amount(argument: string, value: number | bigint): bigint {
  if (typeof value === 'bigint' ? value >= 0n : Number.isSafeInteger(value) && value >= 0)
    return BigInt(value);
  throw new InvalidArgumentError(argument, value, 'a whole number from 0');
}
