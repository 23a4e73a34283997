import { type Family, familyNumber } from './family.ts';
import { checkComment, checkName } from './name.ts';

/** A table: the namespace of chains and sets, of one address family. */
export interface Table {
  readonly kind: 'table';
  readonly family: Family;
  readonly name: string;
  readonly comment?: string;
  /** The table's chains see no packets. */
  readonly dormant?: boolean;
}

/** How `table` is told more. */
export interface TableOptions {
  /** At most 128 bytes. */
  readonly comment?: string;
  /** The table's chains see no packets. */
  readonly dormant?: boolean;
}

/** Describes a table, whose name is any text of 1 to 255 bytes; nothing is sent before the description is added to a transaction. */
export function table(family: Family, name: string, options: TableOptions = {}): Table {
  familyNumber(family);
  checkName('name', name);
  if (options.comment !== undefined) checkComment('comment', options.comment);
  return Object.freeze({ kind: 'table', family, name, ...options });
}
