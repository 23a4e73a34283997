/** Finds keys of one width among many by their bytes: a hash table without an object for each. */
export class KeyIndex {
  readonly #keys: Buffer;
  readonly #width: number;
  readonly #slots: Int32Array;
  readonly #mask: number;

  /** `keys`: room for `capacity` keys, filled by the caller before each `add`. */
  constructor(keys: Buffer, width: number, capacity: number) {
    this.#keys = keys;
    this.#width = width;
    const slots = 2 ** Math.ceil(Math.log2(2 * capacity + 2));
    this.#slots = new Int32Array(slots).fill(-1);
    this.#mask = slots - 1;
  }

  /** Adds the i-th key; gives the place of an equal one that was there, which it takes over. */
  add(i: number): number | undefined {
    const slot = this.#slotOf(this.#keys, i * this.#width);
    const before = this.#slots[slot] ?? -1;
    this.#slots[slot] = i;
    return before === -1 ? undefined : before;
  }

  /** The place of the key that the bytes are; undefined: there is none. */
  find(bytes: Uint8Array, offset: number): number | undefined {
    const found = this.#slots[this.#slotOf(bytes, offset)] ?? -1;
    return found === -1 ? undefined : found;
  }

  #slotOf(bytes: Uint8Array, offset: number): number {
    const width = this.#width;
    let slot = hashOf(bytes, offset, width) & this.#mask;
    for (;;) {
      const there = this.#slots[slot] ?? -1;
      if (there === -1 || isEqual(this.#keys, there * width, bytes, offset, width)) return slot;
      slot = (slot + 1) & this.#mask;
    }
  }
}

function hashOf(bytes: Uint8Array, offset: number, width: number): number {
  let hash = 0x811c9dc5;
  for (let at = offset; at < offset + width; at++) hash = Math.imul(hash ^ (bytes[at] ?? 0), 0x01000193);
  hash ^= hash >>> 15;
  return Math.imul(hash, 0x2c1b3c6d) >>> 8;
}

function isEqual(a: Uint8Array, atA: number, b: Uint8Array, atB: number, width: number): boolean {
  for (let i = 0; i < width; i++) if (a[atA + i] !== b[atB + i]) return false;
  return true;
}
