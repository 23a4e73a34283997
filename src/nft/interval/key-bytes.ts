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
export function compareAt(a: Uint8Array, i: number, b: Uint8Array, j: number, width: number): number {
  // Keys are short: a loop beats Buffer's compare ten times.
  for (let at = i * width, other = j * width, end = at + width; at < end; at++, other++) {
    const difference = (a[at] ?? 0) - (b[other] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** Copies the i-th key of one list to the j-th place of another. */
export function copyAt(from: Uint8Array, i: number, into: Uint8Array, j: number, width: number): void {
  for (let at = i * width, other = j * width, end = at + width; at < end; at++, other++) {
    into[other] = from[at] ?? 0;
  }
}
