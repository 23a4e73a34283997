import { InvalidArgumentError } from '../invalid-argument.ts';
import { type Family, familyNumber } from './family.ts';
import { checkComment, checkName } from './name.ts';

/** A table: the namespace of chains and sets, of one address family. */
export interface Table {
  readonly kind: 'table';
  /** Whose packets its chains see. */
  readonly family: Family;
  /** 1 to 255 bytes. */
  readonly name: string;
  /** At most 128 bytes. */
  readonly comment?: string;
  /** The table's chains see no packets. */
  readonly dormant?: boolean;
  /** Only the socket that made the table may change it. */
  readonly owner?: boolean;
  /** With `owner`: the table outlives the socket, and the next one that adds it owns it. */
  readonly persist?: boolean;
}

/** How `table` is told more. */
export interface TableOptions {
  /** At most 128 bytes. */
  readonly comment?: string;
  /** The table's chains see no packets. Adding the table again without it wakes them. */
  readonly dormant?: boolean;
  /**
   * Only the Nftables that makes the table may change it (EPERM for all others), and the table goes when that is closed: nft's
   * `flags owner`. Kernel 5.12 or newer.
   */
  readonly owner?: boolean;
  /**
   * With `owner`: the table stays when its owner is closed, and whoever adds it next with `owner` owns it: nft's `flags
   * owner,persist`. Kernel 6.9 or newer.
   */
  readonly persist?: boolean;
}

/** Describes a table, whose name is any text of 1 to 255 bytes; nothing is sent before the description is added to a transaction. */
export function table(family: Family, name: string, options: TableOptions = {}): Table {
  familyNumber(family);
  checkName('name', name);
  if (options.comment !== undefined) checkComment('comment', options.comment);
  if (options.persist && !options.owner) {
    throw new InvalidArgumentError('persist', options.persist, 'possible without owner');
  }
  return Object.freeze({ kind: 'table', family, name, ...options });
}
