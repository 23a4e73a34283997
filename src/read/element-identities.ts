import type { Message } from '../netlink/message.ts';
import type { Slices } from './slices.ts';
import { NFTA_SET_ELEM, NFTA_SET_ELEM_LIST } from './uapi.ts';

const HEADER_BYTES = 4;
const TYPE_MASK = 0x3fff;

/**
 * Whether an element comes twice in a dump. Elements are compared in place, a million of them in 16 MB and without an object
 * each.
 */
export async function hasRepeats(replies: readonly Message[], slices: Slices): Promise<boolean> {
  const identities = new ElementIdentities(await countElements(replies, slices));
  for (const { attributes } of replies) {
    const bytes = new DataView(attributes.buffer, attributes.byteOffset, attributes.byteLength);
    const list = find(bytes, NFTA_SET_ELEM_LIST.elements);
    if (list === undefined) continue;
    for (let at = list.start; at < list.end; at = next(bytes, at, list.end)) {
      if (!identities.add(bytes, at)) return true;
      if (slices.isOver) await slices.pause();
    }
  }
  return false;
}

async function countElements(replies: readonly Message[], slices: Slices): Promise<number> {
  let count = 0;
  for (const { attributes } of replies) {
    const bytes = new DataView(attributes.buffer, attributes.byteOffset, attributes.byteLength);
    const list = find(bytes, NFTA_SET_ELEM_LIST.elements);
    if (list === undefined) continue;
    for (let at = list.start; at < list.end; at = next(bytes, at, list.end)) count++;
    if (slices.isDue) await slices.pause();
  }
  return count;
}

/** Where the attribute behind this one begins; the end where none does. */
function next(bytes: DataView, at: number, end: number): number {
  const behind = at + ((bytes.getUint16(at, true) + 3) & ~3);
  return isWhole(bytes, behind, end) ? behind : end;
}

/** Whether there is an attribute that ends within its list. */
function isWhole(bytes: DataView, at: number, end: number): boolean {
  if (at + HEADER_BYTES > end) return false;
  const length = bytes.getUint16(at, true);
  return length >= HEADER_BYTES && at + length <= end;
}

function find(bytes: DataView, type: number): { readonly start: number; readonly end: number } | undefined {
  for (let at = 0; at + HEADER_BYTES <= bytes.byteLength; ) {
    const length = bytes.getUint16(at, true);
    if (length < HEADER_BYTES || at + length > bytes.byteLength) return undefined;
    if ((bytes.getUint16(at + 2, true) & TYPE_MASK) === type) {
      const [start, end] = [at + HEADER_BYTES, at + length];
      return isWhole(bytes, start, end) ? { start, end } : undefined;
    }
    at += (length + 3) & ~3;
  }
  return undefined;
}

/** A hash table of elements that are kept where they are: all of them in the buffer of one dump. */
class ElementIdentities {
  /** For each slot the hash and where the element's attribute begins in the buffer, from 1; 0: the slot is empty. */
  readonly #slots: Uint32Array;
  readonly #mask: number;

  constructor(capacity: number) {
    const slots = 2 ** Math.ceil(Math.log2(2 * capacity + 2));
    this.#slots = new Uint32Array(2 * slots);
    this.#mask = slots - 1;
  }

  /** False when the same element is there already. */
  add(bytes: DataView, at: number): boolean {
    const hash = identityHash(bytes, at);
    let slot = hash & this.#mask;
    for (;;) {
      const there = this.#slots[2 * slot + 1] ?? 0;
      if (there === 0) break;
      if (this.#slots[2 * slot] === hash && isSame(bytes, at, there - 1)) return false;
      slot = (slot + 1) & this.#mask;
    }
    this.#slots[2 * slot] = hash;
    this.#slots[2 * slot + 1] = bytes.byteOffset + at + 1;
    return true;
  }
}

/** `there`: counted from the start of the buffer. */
function isSame(bytes: DataView, at: number, there: number): boolean {
  return identityOf(new DataView(bytes.buffer), there) === identityOf(bytes, at);
}

/** The end of a range may have the key of the next one's start, and the element of nft's `*` has none: so the flags belong. */
function isIdentity(type: number): boolean {
  return type === NFTA_SET_ELEM.key || type === NFTA_SET_ELEM.flags || type === NFTA_SET_ELEM.keyEnd;
}

function identityHash(bytes: DataView, element: number): number {
  let hash = 0x811c9dc5;
  const end = element + bytes.getUint16(element, true);
  for (let at = element + HEADER_BYTES; at + HEADER_BYTES <= end; ) {
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
function identityOf(bytes: DataView, element: number): string {
  let identity = '';
  const end = element + bytes.getUint16(element, true);
  for (let at = element + HEADER_BYTES; at + HEADER_BYTES <= end; ) {
    const length = bytes.getUint16(at, true);
    if (length < HEADER_BYTES || at + length > end) break;
    if (isIdentity(bytes.getUint16(at + 2, true) & TYPE_MASK)) {
      identity += Buffer.from(bytes.buffer, bytes.byteOffset + at, length).toString('latin1');
    }
    at += (length + 3) & ~3;
  }
  return identity;
}
