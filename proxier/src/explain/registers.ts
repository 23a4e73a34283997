import { CannotTellError } from './facts.ts';
import type { Origin } from './packet.ts';

/** The kernel's sixteen words of four bytes, and where what is in them came from, by offset. */
export interface Registers {
  readonly bytes: Buffer;
  readonly origins: Map<number, Origin>;
}

const BYTES = 64;
/** NFT_REG32_00: the number of the first word. Numbers 1 to 4 are the words 0, 4, 8 and 12. */
const FIRST_WORD = 8;

export function newRegisters(): Registers {
  return { bytes: Buffer.alloc(BYTES), origins: new Map() };
}

/** Puts a value into a register; the word that it ends in is filled with zeros. */
export function store(
  { bytes, origins }: Registers,
  register: number,
  value: Uint8Array,
  origin?: Origin,
): void {
  const at = offsetOf(register);
  bytes.fill(0, at, Math.min(BYTES, at + ((value.length + 3) & ~3)));
  bytes.set(value, at);
  if (origin === undefined) origins.delete(at);
  else origins.set(at, origin);
}

/** A copy of what is in a register. */
export function load({ bytes }: Registers, register: number, length: number): Buffer {
  const at = offsetOf(register);
  return Buffer.from(bytes.subarray(at, at + length));
}

export function originOf({ origins }: Registers, register: number): Origin | undefined {
  return origins.get(offsetOf(register));
}

function offsetOf(register: number): number {
  const offset = register < FIRST_WORD ? (register - 1) * 16 : (register - FIRST_WORD) * 4;
  if (offset < 0 || offset >= BYTES) throw new CannotTellError(`register ${register}`);
  return offset;
}
