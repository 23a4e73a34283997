import type { Expression } from '../expression/expression.ts';
import type { PayloadBase } from '../expression/load.ts';
import type { Family } from '../family.ts';
import type { DataType } from '../type/data-type.ts';

/** Something that a rule can read: a header field, packet metadata, a generated number, or several side by side. */
export interface Source<In, Out = In> {
  readonly kind: 'source';
  /** What its values are. */
  readonly type: DataType<In, Out>;
  /** What must be true of the packet before this can be read. A rule checks it first, as nft does. */
  readonly needs: readonly Need[];
  /** The expressions that put the value into the register file from this word on. */
  load(word: number): readonly Expression[];
  /** The values of a concatenation. */
  readonly parts?: readonly Source<never, unknown>[];
  /** Set for a value that does not fill its bytes. */
  readonly bits?: BitField;
  /** Set for a field of the packet. */
  readonly field?: PayloadField;
}

/** Where a field of a packet lies. @inline */
interface PayloadField {
  /** The header that `offset` is counted from. */
  readonly base: PayloadBase;
  /** In bytes, from the start of the header. */
  readonly offset: number;
  /** What must be updated when the field is written. */
  readonly checksum?: Checksum;
}

/** The checksum of the header that a field is part of. @inline */
export interface Checksum {
  /** How it is counted. */
  readonly type: 'none' | 'inet' | 'sctp';
  /** Of the checksum itself, in bytes from the start of the header. */
  readonly offset: number;
  /** The field is part of what the checksum of the transport header covers too: addresses. */
  readonly isPseudoHeader?: true;
}

/** Bits in what is loaded: compared in place, as nft does. @inline */
export interface BitField {
  /** As long as what is loaded, in its byte order. */
  readonly mask: Uint8Array;
  /** Bits to the right of the value. */
  readonly shift: number;
  /** Loads all of the bytes. */
  load(word: number): readonly Expression[];
}

/**
 * `network`: the packet's address family; `transport`: its protocol number; `link`: it came by Ethernet; `ether type`: what the Ethernet
 * header announces (two bytes, network order); `header`: any other check, once for each key.
 */
export type Need =
  | { readonly layer: 'network'; readonly family: 'ip' | 'ip6' | 'arp' }
  | { readonly layer: 'transport'; readonly protocol: number }
  | { readonly layer: 'link' }
  | { readonly layer: 'ether type'; readonly type: Uint8Array }
  | { readonly layer: 'header'; readonly key: string; readonly match: readonly Expression[] };

/** Part of a rule. */
export interface Statement {
  readonly kind: 'statement';
  /** What must be true of the packet first. */
  readonly needs: readonly Need[];
  /** A few statements (reject) differ by the family of the table that they stand in. */
  expressions(family: Family): readonly Expression[];
}

/** A `load` that makes its expression once for each word: rules are many and what they read is little. */
export function loadOnce(make: (word: number) => Expression): (word: number) => readonly Expression[] {
  const made: (readonly Expression[])[] = [];
  return (word) => {
    const known = made[word] ?? Object.freeze([make(word)]);
    made[word] = known;
    return known;
  };
}

export function statement(needs: readonly Need[], expressions: readonly Expression[]): Statement {
  return Object.freeze({ kind: 'statement', needs, expressions: () => expressions });
}
