import type { DataType } from '../type/data-type.ts';

declare const packed: unique symbol;

/**
 * A value as the kernel's bytes, one character a byte. Cheap to keep by the hundred thousand, to compare and to look
 * up in a Map; `addPackedElements` copies it without looking at it again.
 */
export type PackedValue<In = unknown> = string & { readonly [packed]?: In };

const scratch = Buffer.alloc(64);

/** Checks and packs a value; throws InvalidArgumentError. */
export function packValue<In>(type: DataType<In, unknown>, value: In): PackedValue<In> {
  scratch.fill(0, 0, type.byteLength);
  type.write(value, scratch, 0);
  return scratch.toString('latin1', 0, type.byteLength);
}

/** The value that was packed. */
export function unpackValue<Out>(type: DataType<never, Out>, value: PackedValue): Out {
  return type.read(Buffer.from(value, 'latin1'), 0);
}
