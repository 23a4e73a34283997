/**
 * Finds keys of one width among many by their bytes: a hash table without an object for each. Hash and place of a key lie side
 * by side, and hashes of keys of 4 bytes are equal only if the keys are: looking one up is one look into memory.
 */
export class KeyIndex {
  readonly #keys: Buffer;
  readonly #width: number;
  /** For each slot the hash and the key's place, from 1; place 0: the slot is empty. */
  readonly #slots: Int32Array;
  readonly #mask: number;

  /** `keys`: room for `capacity` keys, filled by the caller before each `add`. */
  constructor(keys: Buffer, width: number, capacity: number) {
    this.#keys = keys;
    this.#width = width;
    const slots = 2 ** Math.ceil(Math.log2(2 * capacity + 2));
    this.#slots = new Int32Array(2 * slots);
    this.#mask = slots - 1;
  }

  /** Adds the i-th key; gives the place of an equal one that was there, which it takes over. */
  add(i: number): number | undefined {
    const hash = hashOf(this.#keys, i * this.#width, this.#width);
    const slot = this.#slotOf(hash, this.#keys, i * this.#width);
    const before = this.#slots[slot + 1] ?? 0;
    this.#slots[slot] = hash;
    this.#slots[slot + 1] = i + 1;
    return before === 0 ? undefined : before - 1;
  }

  /** The place of the key that the bytes are; undefined: there is none. */
  find(bytes: Uint8Array, offset: number): number | undefined {
    const hash = hashOf(bytes, offset, this.#width);
    const found = this.#slots[this.#slotOf(hash, bytes, offset) + 1] ?? 0;
    return found === 0 ? undefined : found - 1;
  }

  #slotOf(hash: number, bytes: Uint8Array, offset: number): number {
    let slot = hash & this.#mask;
    for (;;) {
      const there = this.#slots[2 * slot + 1] ?? 0;
      if (there === 0) return 2 * slot;
      if (this.#slots[2 * slot] === hash && this.#isEqual(there - 1, bytes, offset)) return 2 * slot;
      slot = (slot + 1) & this.#mask;
    }
  }

  /** Whether a key whose hash is the same is the same. */
  #isEqual(place: number, bytes: Uint8Array, offset: number): boolean {
    const width = this.#width;
    if (width === 4) return true;
    const at = place * width;
    for (let i = 0; i < width; i++) if (this.#keys[at + i] !== bytes[offset + i]) return false;
    return true;
  }
}

/** 32 bits. Each step can be undone, so that keys of one word with the same hash are the same. */
function hashOf(bytes: Uint8Array, offset: number, width: number): number {
  let hash = 0;
  for (let at = offset; at < offset + width; at += 4) {
    hash = mix(hash ^ wordAt(bytes, at, Math.min(4, offset + width - at)));
  }
  return hash;
}

function wordAt(bytes: Uint8Array, at: number, length: number): number {
  let word = 0;
  for (let i = 0; i < length; i++) word |= (bytes[at + i] ?? 0) << (8 * i);
  return word;
}

/** The end of MurmurHash3: public domain, and a bijection. */
function mix(word: number): number {
  let hash = Math.imul(word ^ (word >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return hash ^ (hash >>> 16);
}
