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

/** The header that offsets are counted from. @inline */
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

/** The direction of a connection that is meant, where each has a value of its own. @inline */
export type Direction = 'original' | 'reply';

/** Connection tracking; keys are NFT_CT_*. */
export function ctLoad(key: number, register: number, direction?: Direction): Expression {
  const fields = { key, dreg: register, ...(direction === undefined ? {} : { direction }) };
  return once(`ct ${key} ${register} ${direction}`, () => ctKind.make(fields));
}

/** Writes a connection's metadata from a register. */
export function ctStore(key: number, register: number, direction?: Direction): Expression {
  return ctKind.make({ key, sreg: register, ...(direction === undefined ? {} : { direction }) });
}

/** What the routing table says of an address; flags are NFTA_FIB_F_*. */
export function fibLoad(result: 'oif' | 'oifname' | 'type', flags: number, register: number): Expression {
  return fibKind.make({ dreg: register, result, flags });
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
