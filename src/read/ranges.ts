import { attributeMap, attributes, u32Of } from '../netlink/attribute.ts';
import type { Message } from '../netlink/message.ts';
import { decrement } from '../nft/interval/key-bytes.ts';
import { ELEMENT_INTERVAL_END, NFTA_DATA, NFTA_SET_ELEM, NFTA_SET_ELEM_LIST } from './uapi.ts';

/** A range of simple keys: its first and last key as the kernel's bytes, and the attributes of the element that begins it. */
export interface RawRange {
  readonly first: Uint8Array;
  readonly last: Uint8Array;
  readonly fields: ReadonlyMap<number, Uint8Array>;
}

interface Boundary {
  readonly key: Uint8Array;
  readonly isEnd: boolean;
  readonly fields: ReadonlyMap<number, Uint8Array>;
}

/**
 * Puts together what the kernel has as two elements. It lists them by key, from the highest down (its tree up to 6.19) or from
 * the lowest up (its array since 7.0). An end without a beginning, as nft puts it before the first range, says nothing.
 */
export function* pairRanges(replies: readonly Message[]): Generator<RawRange> {
  const [lowFirst, boundaries] = [isAscending(replies), boundariesOf(replies)];
  yield* lowFirst ? pairUpwards(boundaries) : pairDownwards(boundaries);
}

/** A range ends before the next higher boundary, whether that one is an end or, in sets without a name, the next beginning. */
function* pairDownwards(boundaries: Iterable<Boundary>): Generator<RawRange> {
  let current: Uint8Array | undefined;
  let above: Uint8Array | undefined;
  for (const { key, isEnd, fields } of boundaries) {
    // A range may begin with the key that another ends before, in either order.
    if (current === undefined || Buffer.compare(key, current) < 0) {
      above = current;
      current = key;
    }
    if (!isEnd) yield { first: key, last: lastBefore(above, key.length), fields };
  }
}

function* pairUpwards(boundaries: Iterable<Boundary>): Generator<RawRange> {
  let open: Boundary | undefined;
  for (const boundary of boundaries) {
    if (open !== undefined && Buffer.compare(boundary.key, open.key) > 0) {
      yield { first: open.key, last: lastBefore(boundary.key, open.key.length), fields: open.fields };
      open = undefined;
    }
    if (!boundary.isEnd) open = boundary;
  }
  if (open !== undefined) {
    yield { first: open.key, last: lastBefore(undefined, open.key.length), fields: open.fields };
  }
}

/** The highest key of all where there is no end. */
function lastBefore(end: Uint8Array | undefined, length: number): Uint8Array {
  if (end === undefined) return new Uint8Array(length).fill(0xff);
  const last = Uint8Array.from(end);
  decrement(last, 0, length);
  return last;
}

function* boundariesOf(replies: readonly Message[]): Generator<Boundary> {
  for (const message of replies) {
    for (const { bytes } of elementsOf(message)) {
      const boundary = boundaryOf(bytes);
      if (boundary !== undefined) yield boundary;
    }
  }
}

function boundaryOf(bytes: Uint8Array): Boundary | undefined {
  const fields = attributeMap(bytes);
  const key = attributeMap(fields.get(NFTA_SET_ELEM.key)).get(NFTA_DATA.value);
  if (key === undefined) return undefined;
  const isEnd = ((u32Of(fields.get(NFTA_SET_ELEM.flags)) ?? 0) & ELEMENT_INTERVAL_END) !== 0;
  return { key, isEnd, fields };
}

function elementsOf(message: Message) {
  return attributes(attributeMap(message.attributes).get(NFTA_SET_ELEM_LIST.elements) ?? new Uint8Array(0));
}

function isAscending(replies: readonly Message[]): boolean {
  const ends = [replies[0], replies.at(-1)].map((message) =>
    message === undefined ? [] : [...elementsOf(message)].map(({ bytes }) => boundaryOf(bytes)?.key),
  );
  const first = ends[0]?.find((key) => key !== undefined);
  const last = ends[1]?.findLast((key) => key !== undefined);
  return first !== undefined && last !== undefined && Buffer.compare(first, last) < 0;
}
