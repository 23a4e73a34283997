import { bytes, type Expression, expression, u8, u32 } from './expression.ts';

/** Expressions that put something into registers. Register numbers are the kernel's (`registerNumber`). */

/** Where an offset into a packet is counted from: NFT_PAYLOAD_*_HEADER. */
const BASES = { link: 0, network: 1, transport: 2, inner: 3 } as const;
export type PayloadBase = keyof typeof BASES;

/** Bytes of the packet. `offset` and `length` are in bytes. */
export function payload(base: PayloadBase, offset: number, length: number, register: number): Expression {
  return expression('payload', [u32(1, register), u32(2, BASES[base]), u32(3, offset), u32(4, length)]);
}

/** Packet metadata; keys are NFT_META_*. */
export function metaLoad(key: number, register: number): Expression {
  return expression('meta', [u32(1, key), u32(2, register)]);
}

/** Writes packet metadata from a register. */
export function metaStore(key: number, register: number): Expression {
  return expression('meta', [u32(1, key), u32(3, register)]);
}

/** Connection tracking; keys are NFT_CT_*, direction 0 original, 1 reply. */
export function ctLoad(key: number, register: number, direction?: 0 | 1): Expression {
  return expression('ct', [
    u32(1, register),
    u32(2, key),
    direction === undefined ? undefined : u8(3, direction),
  ]);
}

/** Writes a connection's metadata (its mark) from a register. */
export function ctStore(key: number, register: number): Expression {
  return expression('ct', [u32(2, key), u32(4, register)]);
}

/** The routing table's opinion; results are NFT_FIB_RESULT_*, flags NFTA_FIB_F_*. */
export function fib(result: number, flags: number, register: number): Expression {
  return expression('fib', [u32(1, register), u32(2, result), u32(3, flags)]);
}

/** A number from 0 to modulus - 1, plus offset; type NFT_NG_INCREMENTAL 0 or NFT_NG_RANDOM 1. */
export function numgen(type: number, modulus: number, offset: number, register: number): Expression {
  return expression('numgen', [u32(1, register), u32(2, modulus), u32(3, type), u32(4, offset)]);
}

/** A constant. */
export function immediate(value: Uint8Array, register: number): Expression {
  return expression('immediate', [u32(1, register), bytes(2, value)]);
}
