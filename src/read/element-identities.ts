import type { Message } from '../netlink/message.ts';
import type { Slices } from './slices.ts';
import { NFTA_SET_ELEM, NFTA_SET_ELEM_LIST } from './uapi.ts';

const HEADER_BYTES = 4;
const TYPE_MASK = 0x3fff;
const FIRST_SLOTS = 1024;

/**
 * Whether an element comes twice in a dump. Elements are compared in place, a million of them in 16 MB and without an object
 * each.
 */
export async function hasRepeats(replies: readonly Message[], slices: Slices): Promise<boolean> {
  const identities = new ElementIdentities();
  for (const { attributes } of replies) {
    const bytes = new DataView(attributes.buffer, attributes.byteOffset, attributes.byteLength);
    const list = find(bytes, NFTA_SET_ELEM_LIST.elements);
    if (list === undefined) continue;
    for (let at = list.start; at + HEADER_BYTES <= list.end; ) {
      const length = bytes.getUint16(at, true);
      if (length < HEADER_BYTES || at + length > list.end) break;
      if (!identities.add(bytes, at + HEADER_BYTES, at + length)) return true;
      at += (length + 3) & ~3;
      if (slices.isOver) await slices.pause();
    }
  }
  return false;
}

function find(bytes: DataView, type: number): { readonly start: number; readonly end: number } | undefined {
  for (let at = 0; at + HEADER_BYTES <= bytes.byteLength; ) {
    const length = bytes.getUint16(at, true);
    if (length < HEADER_BYTES || at + length > bytes.byteLength) return undefined;
    if ((bytes.getUint16(at + 2, true) & TYPE_MASK) === type) {
      return { start: at + HEADER_BYTES, end: at + length };
    }
    at += (length + 3) & ~3;
  }
  return undefined;
}

/** A hash table of elements that are kept where they are: all of them in the buffer of one dump. */
class ElementIdentities {
  #hashes = new Uint32Array(FIRST_SLOTS);
  /** Where the element's attributes begin and end in the buffer, and 0 in an empty slot. */
  #starts = new Uint32Array(FIRST_SLOTS);
  #ends = new Uint32Array(FIRST_SLOTS);
  #count = 0;

  /** False when the same element is there already. */
  add(bytes: DataView, start: number, end: number): boolean {
    if (this.#count * 2 >= this.#hashes.length) this.#grow();
    const hash = identityHash(bytes, start, end);
    const mask = this.#hashes.length - 1;
    let slot = hash & mask;
    for (; this.#starts[slot] !== 0; slot = (slot + 1) & mask) {
      if (this.#hashes[slot] === hash && this.#isSame(bytes, start, end, slot)) return false;
    }
    this.#put(slot, hash, bytes.byteOffset + start, bytes.byteOffset + end);
    this.#count++;
    return true;
  }

  #put(slot: number, hash: number, start: number, end: number): void {
    this.#hashes[slot] = hash;
    this.#starts[slot] = start;
    this.#ends[slot] = end;
  }

  #isSame(bytes: DataView, start: number, end: number, slot: number): boolean {
    const whole = new DataView(bytes.buffer);
    const there = identityOf(whole, this.#starts[slot] ?? 0, this.#ends[slot] ?? 0);
    return there === identityOf(bytes, start, end);
  }

  #grow(): void {
    const [hashes, starts, ends] = [this.#hashes, this.#starts, this.#ends];
    const mask = hashes.length * 2 - 1;
    this.#hashes = new Uint32Array(mask + 1);
    this.#starts = new Uint32Array(mask + 1);
    this.#ends = new Uint32Array(mask + 1);
    for (const [i, start] of starts.entries()) {
      if (start === 0) continue;
      const hash = hashes[i] ?? 0;
      let slot = hash & mask;
      while (this.#starts[slot] !== 0) slot = (slot + 1) & mask;
      this.#put(slot, hash, start, ends[i] ?? 0);
    }
  }
}

/** The end of a range may have the key of the next one's start, and the element of nft's `*` has none: so the flags belong. */
function isIdentity(type: number): boolean {
  return type === NFTA_SET_ELEM.key || type === NFTA_SET_ELEM.flags || type === NFTA_SET_ELEM.keyEnd;
}

function identityHash(bytes: DataView, start: number, end: number): number {
  let hash = 0x811c9dc5;
  for (let at = start; at + HEADER_BYTES <= end; ) {
    const length = bytes.getUint16(at, true);
    if (length < HEADER_BYTES || at + length > end) break;
    if (isIdentity(bytes.getUint16(at + 2, true) & TYPE_MASK)) {
      for (let word = at; word + 4 <= at + length; word += 4) {
        hash = Math.imul(hash ^ bytes.getUint32(word, true), 0x9e3779b1);
        hash ^= hash >>> 15;
      }
    }
    at += (length + 3) & ~3;
  }
  return hash >>> 0;
}

/** The same as text: only made of elements whose hashes agree. */
function identityOf(bytes: DataView, start: number, end: number): string {
  let identity = '';
  for (let at = start; at + HEADER_BYTES <= end; ) {
    const length = bytes.getUint16(at, true);
    if (length < HEADER_BYTES || at + length > end) break;
    if (isIdentity(bytes.getUint16(at + 2, true) & TYPE_MASK)) {
      identity += Buffer.from(bytes.buffer, bytes.byteOffset + at, length).toString('latin1');
    }
    at += (length + 3) & ~3;
  }
  return identity;
}
