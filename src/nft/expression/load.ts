import type { Expression } from './expression.ts';
import { immediateKind } from './immediate.ts';
import { ctKind, fibKind, metaKind, numgenKind, payloadKind } from './kinds.ts';

/** Expressions that put something into registers. Register numbers are the kernel's (`registerNumber`). */

/** Rules are many and their fields few: the same expression is made once. What it is made of is all in the key. */
const made = new Map<string, Expression>();

function once(key: string, make: () => Expression): Expression {
  const known = made.get(key);
  if (known !== undefined) return known;
  const expression = make();
  made.set(key, expression);
  return expression;
}

export type PayloadBase = 'link' | 'network' | 'transport' | 'inner';

/** Bytes of the packet. `offset` and `length` are in bytes. */
export function payload(base: PayloadBase, offset: number, length: number, register: number): Expression {
  const make = () => payloadKind.make({ dreg: register, base, offset, len: length });
  return once(`payload ${base} ${offset} ${length} ${register}`, make);
}

/** Packet metadata; keys are NFT_META_*. */
export function metaLoad(key: number, register: number): Expression {
  return once(`meta ${key} ${register}`, () => metaKind.make({ key, dreg: register }));
}

/** Writes packet metadata from a register. */
export function metaStore(key: number, register: number): Expression {
  return once(`meta set ${key} ${register}`, () => metaKind.make({ key, sreg: register }));
}

/** Connection tracking; keys are NFT_CT_*. */
export function ctLoad(key: number, register: number): Expression {
  return once(`ct ${key} ${register}`, () => ctKind.make({ key, dreg: register }));
}

/** Writes a connection's metadata (its mark) from a register. */
export function ctStore(key: number, register: number): Expression {
  return ctKind.make({ key, sreg: register });
}

/** What kind of address the routing table holds an address for; flags are NFTA_FIB_F_*. */
export function fibType(flags: number, register: number): Expression {
  return fibKind.make({ dreg: register, result: 'type', flags });
}

/** A number from 0 to modulus - 1, plus offset. */
export function numgen(
  type: 'random' | 'inc',
  modulus: number,
  offset: number,
  register: number,
): Expression {
  return numgenKind.make({ dreg: register, modulus, type, offset });
}

/** A constant. */
export function immediate(value: Uint8Array, register: number): Expression {
  return immediateKind.make({ dreg: register, data: value });
}
