import type { AnonymousSet, AnyAnonymousSet } from '../anonymous-set.ts';
import type { Verdict } from '../verdict.ts';
import { bytes, type Expression, type ExpressionAttribute, expressionOf } from './expression.ts';
import { immediateKind } from './immediate.ts';
import { bitwiseKind, byteorderKind, cmpKind, lookupKind, rangeKind } from './kinds.ts';

/** Expressions that compare, change and look up what is in registers. */

export type Comparison = 'eq' | 'neq' | 'lt' | 'lte' | 'gt' | 'gte';

/** NFTNL_EXPR_CMP_DATA. */
const CMP_DATA = 3;
/** Comparisons are what rules have most of: all but the value is made once. */
const comparisons: { readonly [op in Comparison]: Map<number, readonly ExpressionAttribute[]> } = {
  eq: new Map(),
  neq: new Map(),
  lt: new Map(),
  lte: new Map(),
  gt: new Map(),
  gte: new Map(),
};

/** Ends the rule unless the register compares so with the value. */
export function cmp(register: number, op: Comparison, value: Uint8Array): Expression {
  let head = comparisons[op].get(register);
  if (head === undefined) {
    head = cmpKind.make({ sreg: register, op }).attributes;
    comparisons[op].set(register, head);
  }
  return expressionOf('cmp', [...head, bytes(CMP_DATA, value)]);
}

/** Ends the rule unless the register lies between two values, both included (`neq`: outside them). */
export function range(register: number, op: 'eq' | 'neq', from: Uint8Array, to: Uint8Array): Expression {
  return rangeKind.make({ sreg: register, op, from, to });
}

/** (register & mask) ^ xor, in place. */
export function bitwise(register: number, mask: Uint8Array, xor: Uint8Array): Expression {
  return bitwiseKind.make({ sreg: register, dreg: register, len: mask.length, mask, xor });
}

/** The register's words moved by some bits (`count`), in place. Kernel 5.6 or newer. */
export function shift(
  register: number,
  byteLength: number,
  op: 'lshift' | 'rshift',
  count: number,
): Expression {
  const data = new Uint8Array(new Uint32Array([count]).buffer);
  return bitwiseKind.make({ sreg: register, dreg: register, len: byteLength, op, data });
}

/** An integer from network to host order, in place. */
export function toHostOrder(register: number, byteLength: number): Expression {
  return byteorderKind.make({
    sreg: register,
    dreg: register,
    op: 'ntoh',
    len: byteLength,
    size: byteLength,
  });
}

/** An integer from host to network order, in place. */
export function toNetworkOrder(register: number, byteLength: number): Expression {
  return byteorderKind.make({
    sreg: register,
    dreg: register,
    op: 'hton',
    len: byteLength,
    size: byteLength,
  });
}

/** NFT_LOOKUP_F_INV. */
const INVERTED = { flags: 1 };

/** Ends the rule unless the key is in the set (`invert`: is not). */
export function lookup(keyRegister: number, set: string | AnonymousSet, invert = false): Expression {
  const fields = { sreg: keyRegister, ...(invert ? INVERTED : {}) };
  if (typeof set === 'string') return lookupKind.make({ ...fields, set });
  return Object.freeze({ ...lookupKind.make(fields), anonymousSet: set });
}

/** Puts the data of the key's element into a register; ends the rule when there is none. */
export function lookupData(
  keyRegister: number,
  map: string | AnyAnonymousSet,
  dataRegister: number,
): Expression {
  const fields = { sreg: keyRegister, dreg: dataRegister };
  if (typeof map === 'string') return lookupKind.make({ ...fields, set: map });
  return Object.freeze({ ...lookupKind.make(fields), anonymousSet: map });
}

const verdicts = new WeakMap<Verdict, Expression>();

/** Decides about the packet. */
export function verdictExpression(verdict: Verdict): Expression {
  const known = verdicts.get(verdict);
  if (known !== undefined) return known;
  const made = immediateKind.make({ verdict });
  verdicts.set(verdict, made);
  return made;
}
