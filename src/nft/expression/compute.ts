import type { Verdict } from '../verdict.ts';
import type { AnonymousSet } from './anonymous-set.ts';
import { bytes, type Expression, expression, text, u32 } from './expression.ts';
import { VERDICT_REGISTER } from './register.ts';

/** Expressions that compare, change and look up what is in registers. */

/** NFT_CMP_*. */
const OPERATORS = { eq: 0, neq: 1, lt: 2, lte: 3, gt: 4, gte: 5 } as const;
export type Comparison = keyof typeof OPERATORS;

/** Ends the rule unless the register compares so with the value. */
export function cmp(register: number, operator: Comparison, value: Uint8Array): Expression {
  return expression('cmp', [u32(1, register), u32(2, OPERATORS[operator]), bytes(3, value)]);
}

/** Ends the rule unless the register lies between two values, both included. `inside` false turns it round. */
export function range(register: number, from: Uint8Array, to: Uint8Array, inside = true): Expression {
  return expression('range', [u32(1, register), u32(2, inside ? 0 : 1), bytes(3, from), bytes(4, to)]);
}

/** (register & mask) ^ xor, in place. */
export function bitwise(register: number, mask: Uint8Array, xor: Uint8Array): Expression {
  return expression('bitwise', [
    u32(1, register),
    u32(2, register),
    u32(3, mask.length),
    bytes(4, mask),
    bytes(5, xor),
  ]);
}

/** Ends the rule unless the key is in the set (`invert`: is not). */
export function lookup(keyRegister: number, set: string | AnonymousSet, invert = false): Expression {
  return lookupExpression(keyRegister, set, invert ? [u32(5, 1)] : []);
}

/** Puts the data of the key's element into a register; ends the rule when there is none. */
export function lookupData(keyRegister: number, map: string, dataRegister: number): Expression {
  return lookupExpression(keyRegister, map, [u32(2, dataRegister)]);
}

function lookupExpression(
  keyRegister: number,
  set: string | AnonymousSet,
  more: readonly { id: number; bytes: Uint8Array }[],
): Expression {
  if (typeof set === 'string') return expression('lookup', [u32(1, keyRegister), ...more, text(3, set)]);
  return Object.freeze({ ...expression('lookup', [u32(1, keyRegister), ...more]), anonymousSet: set });
}

/** Decides about the packet. */
export function verdictExpression({ code, chain }: Verdict): Expression {
  return expression('immediate', [
    u32(1, VERDICT_REGISTER),
    u32(3, code),
    chain === undefined ? undefined : text(4, chain),
  ]);
}
