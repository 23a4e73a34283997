import type { Verdict } from '../verdict.ts';
import type { AnonymousSet } from './anonymous-set.ts';
import type { Expression } from './expression.ts';
import { immediateKind } from './immediate.ts';
import { bitwiseKind, cmpKind, lookupKind, rangeKind } from './kinds.ts';

/** Expressions that compare, change and look up what is in registers. */

export type Comparison = 'eq' | 'neq' | 'lt' | 'lte' | 'gt' | 'gte';

/** Ends the rule unless the register compares so with the value. */
export function cmp(register: number, op: Comparison, value: Uint8Array): Expression {
  return cmpKind.make({ sreg: register, op, data: value });
}

/** Ends the rule unless the register lies between two values, both included. */
export function range(register: number, from: Uint8Array, to: Uint8Array): Expression {
  return rangeKind.make({ sreg: register, op: 'eq', from, to });
}

/** (register & mask) ^ xor, in place. */
export function bitwise(register: number, mask: Uint8Array, xor: Uint8Array): Expression {
  return bitwiseKind.make({ sreg: register, dreg: register, len: mask.length, mask, xor });
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
export function lookupData(keyRegister: number, map: string, dataRegister: number): Expression {
  return lookupKind.make({ sreg: keyRegister, dreg: dataRegister, set: map });
}

/** Decides about the packet. */
export function verdictExpression(verdict: Verdict): Expression {
  return immediateKind.make({ verdict });
}
