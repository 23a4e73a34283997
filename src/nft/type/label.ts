import { InvalidArgumentError } from '../../invalid-argument.ts';
import type { DataType } from './data-type.ts';

const LABEL_BITS = 128;

/** `ct_label`: a connection's labels, by their numbers (0 to 127); 128 bits in host order. */
export const ctLabel: DataType<readonly number[]> = Object.freeze({
  name: 'ct_label',
  id: 30,
  byteLength: LABEL_BITS / 8,
  byteOrder: 'host' as const,
  write(value: readonly number[], into: Uint8Array, offset: number) {
    if (!Array.isArray(value)) throw new InvalidArgumentError('', value, 'a list of label numbers');
    into.fill(0, offset, offset + LABEL_BITS / 8);
    for (const [i, bit] of value.entries()) {
      if (!Number.isInteger(bit) || bit < 0 || bit >= LABEL_BITS) {
        throw new InvalidArgumentError(`[${i}]`, bit, 'the number of a label (0 to 127)');
      }
      const at = offset + (bit >> 3);
      into[at] = (into[at] ?? 0) | (1 << (bit & 7));
    }
  },
  read(bytes: Uint8Array, offset: number) {
    return Array.from({ length: LABEL_BITS }, (_, bit) => bit).filter(
      (bit) => ((bytes[offset + (bit >> 3)] ?? 0) & (1 << (bit & 7))) !== 0,
    );
  },
});
