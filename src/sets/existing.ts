import { attributeMap } from '../netlink/attribute.ts';
import type { Message } from '../netlink/message.ts';
import type { AnySet } from '../nft/set.ts';
import { readInterval } from '../nft/type/range.ts';
import { pairRanges } from '../read/ranges.ts';
import { NFTA_DATA, NFTA_SET_ELEM, NFTA_SET_ELEM_LIST } from '../read/uapi.ts';

/**
 * An element that the kernel has: where its identity is, its key, or in a set with intervals the first and the last key of its
 * range. One object serves for all elements of a dump, so that a million of them are not a million objects.
 */
export interface ExistingElement {
  /** `'*'` has none. */
  readonly hasId: boolean;
  readonly bytes: Uint8Array;
  readonly offset: number;
  readonly length: number;
  /** Its attributes (NFTA_SET_ELEM_*). */
  fields(): ReadonlyMap<number, Uint8Array>;
}

const HEADER_BYTES = 4;
const TYPE_MASK = 0x3fff;

/** The elements of a dump. What is given is valid until the next one is asked for. */
export function* existingElements(set: AnySet, replies: readonly Message[]): Generator<ExistingElement> {
  const hasPairs = set.intervals === true && set.key.fields === undefined;
  if (hasPairs) {
    for (const { first, last, fields } of pairRanges(replies)) {
      const bytes = Buffer.concat([first, last]);
      yield { hasId: true, bytes, offset: 0, length: bytes.length, fields: () => fields };
    }
  }
  const cursor = new Cursor(set.intervals === true);
  for (const { attributes } of replies) {
    cursor.open(attributes);
    while (cursor.next()) if (!hasPairs || !cursor.hasId) yield cursor;
  }
}

/** Goes from element to element in a message, without an object for each. */
class Cursor implements ExistingElement {
  readonly #withEnd: boolean;
  #message: Uint8Array = Buffer.alloc(0);
  #next = 0;
  #end = 0;
  /** The element's attributes. */
  #from = 0;
  #to = 0;
  hasId = false;
  bytes: Uint8Array = this.#message;
  offset = 0;
  length = 0;

  constructor(withEnd: boolean) {
    this.#withEnd = withEnd;
  }

  open(message: Uint8Array): void {
    this.#message = message;
    const list = this.#find(NFTA_SET_ELEM_LIST.elements, 0, message.length);
    this.#next = list === -1 ? 0 : list + HEADER_BYTES;
    this.#end = list === -1 ? 0 : list + this.#u16(list);
  }

  next(): boolean {
    const at = this.#next;
    if (at + HEADER_BYTES > this.#end) return false;
    const length = this.#u16(at);
    if (length < HEADER_BYTES || at + length > this.#end) return false;
    this.#from = at + HEADER_BYTES;
    this.#to = at + length;
    this.#next = at + ((length + 3) & ~3);
    this.#readId();
    return true;
  }

  fields(): ReadonlyMap<number, Uint8Array> {
    return attributeMap(this.#message.subarray(this.#from, this.#to));
  }

  #readId(): void {
    this.bytes = this.#message;
    this.offset = this.#value(NFTA_SET_ELEM.key);
    this.hasId = this.offset !== -1;
    this.length = this.hasId ? this.#u16(this.offset - HEADER_BYTES) - HEADER_BYTES : 0;
    if (!this.#withEnd || !this.hasId) return;
    const last = this.#value(NFTA_SET_ELEM.keyEnd);
    const key = this.#message.subarray(this.offset, this.offset + this.length);
    const end = last === -1 ? key : this.#message.subarray(last, last + this.length);
    this.bytes = Buffer.concat([key, end]);
    this.offset = 0;
    this.length = this.bytes.length;
  }

  /** Where the value in one of the element's nests begins; -1: there is none. */
  #value(type: number): number {
    const nest = this.#find(type, this.#from, this.#to);
    if (nest === -1) return -1;
    const value = this.#find(NFTA_DATA.value, nest + HEADER_BYTES, nest + this.#u16(nest));
    return value === -1 ? -1 : value + HEADER_BYTES;
  }

  /** Where an attribute begins; -1: there is none, or what is there can't be trusted. */
  #find(type: number, from: number, to: number): number {
    for (let at = from; at + HEADER_BYTES <= to; ) {
      const length = this.#u16(at);
      if (length < HEADER_BYTES || at + length > to) return -1;
      if ((this.#u16(at + 2) & TYPE_MASK) === type) return at;
      at += (length + 3) & ~3;
    }
    return -1;
  }

  #u16(at: number): number {
    return (this.#message[at] ?? 0) | ((this.#message[at + 1] ?? 0) << 8);
  }
}

/** The key of an element as a program gives it. */
export function keyOfExisting(set: AnySet, { hasId, bytes, offset, length }: ExistingElement): unknown {
  if (!hasId) return '*';
  if (!set.intervals) return set.key.read(bytes, offset);
  const half = length / 2;
  return readInterval(
    set.key,
    bytes.subarray(offset, offset + half),
    bytes.subarray(offset + half, offset + length),
  );
}
