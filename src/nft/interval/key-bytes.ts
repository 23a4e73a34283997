/** Keys of one width as big-endian numbers, in place. */

/** Adds 1; false when it was the highest key, which is 0 then. */
export function increment(keys: Uint8Array, offset: number, width: number): boolean {
  for (let at = offset + width - 1; at >= offset; at--) {
    const byte = ((keys[at] ?? 0) + 1) & 0xff;
    keys[at] = byte;
    if (byte !== 0) return true;
  }
  return false;
}

/** Subtracts 1; false when it was 0, which is the highest key then. */
export function decrement(keys: Uint8Array, offset: number, width: number): boolean {
  for (let at = offset + width - 1; at >= offset; at--) {
    const byte = keys[at] ?? 0;
    keys[at] = byte - 1;
    if (byte !== 0) return true;
  }
  return false;
}

export function isHighest(keys: Uint8Array, offset: number, width: number): boolean {
  for (let at = offset; at < offset + width; at++) if (keys[at] !== 0xff) return false;
  return true;
}

export function isZero(keys: Uint8Array, offset: number, width: number): boolean {
  for (let at = offset; at < offset + width; at++) if (keys[at] !== 0) return false;
  return true;
}

/** Compares the i-th key of one list with the j-th of another. */
export function compareAt(a: Buffer, i: number, b: Buffer, j: number, width: number): number {
  if (width === 4) return a.readUInt32BE(4 * i) - b.readUInt32BE(4 * j);
  return a.compare(b, j * width, (j + 1) * width, i * width, (i + 1) * width);
}
