import type { Expression } from '../expression/expression.ts';
import type { PayloadBase } from '../expression/load.ts';
import type { Family } from '../family.ts';
import type { DataType } from '../type/data-type.ts';

/** Something that a rule can read: a header field, packet metadata, a generated number, or several side by side. */
export interface Source<In, Out = In> {
  readonly kind: 'source';
  readonly type: DataType<In, Out>;
  /** What must be true of the packet before this can be read. A rule checks it first, as nft does. */
  readonly needs: readonly Need[];
  /** The expressions that put the value into the register file from this word on. */
  load(word: number): readonly Expression[];
  /** Set for a field of the packet. */
  readonly field?: PayloadField;
}

interface PayloadField {
  readonly base: PayloadBase;
  readonly offset: number;
}

/** `network`: the packet's address family; `transport`: its protocol number. */
export type Need =
  | { readonly layer: 'network'; readonly family: 'ip' | 'ip6' | 'arp' }
  | { readonly layer: 'transport'; readonly protocol: number };

/** Part of a rule. */
export interface Statement {
  readonly kind: 'statement';
  readonly needs: readonly Need[];
  /** A few statements (reject) differ by the family of the table that they stand in. */
  expressions(family: Family): readonly Expression[];
}

export function statement(needs: readonly Need[], expressions: readonly Expression[]): Statement {
  return Object.freeze({ kind: 'statement', needs, expressions: () => expressions });
}
