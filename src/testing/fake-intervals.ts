import { ELEMENT_FLAG } from '../nft/pack/uapi.ts';
import type { Batch } from './fake-batch.ts';
import { FAKE_SET_FLAG, type FakeElement, type FakeSet, isExpired } from './fake-ruleset.ts';

/**
 * What the kernel says of ranges that overlap. Its two kinds of sets with intervals decide differently: that of simple keys
 * (nft_set_rbtree.c) holds the first key of each range and the one behind its last as elements of their own, in order; that of
 * concatenated keys (nft_set_pipapo.c) holds both keys in one element, and finds elements that a key is within.
 */

/** An element with the same key or range, `overlap` for another in the way, or undefined: there is room. */
export type Conflict = FakeElement | 'overlap' | undefined;

export function findConflict(set: FakeSet, added: FakeElement, nowMs: number): Conflict {
  if ((added.flags & ELEMENT_FLAG.catchAll) === 0) {
    if (set.boundaries !== undefined) return findBoundaryConflict(set, set.boundaries, added, nowMs);
    if (set.fields.length > 0) return findRangeConflict(set, added, nowMs);
  }
  const same = set.elements.get(added.identity);
  return same === undefined || isExpired(same, nowMs) ? undefined : same;
}

/** The element that a deletion is about. In a set of concatenated ranges it is whichever holds the range's first key. */
export function findDeleted(set: FakeSet, wanted: Wanted, nowMs: number): FakeElement | undefined {
  const isRange = set.fields.length > 0 && (wanted.flags & ELEMENT_FLAG.catchAll) === 0;
  const found = isRange ? findHolder(set, wanted.key, nowMs) : set.elements.get(wanted.identity);
  return found === undefined || isExpired(found, nowMs) ? undefined : found;
}

/** How an element is named that is to be deleted. */
export type Wanted = Pick<FakeElement, 'key' | 'flags' | 'identity'>;

/** What a question about one key finds. Of simple ranges it is the beginning, or if `isEnd` the end, of the one it is in. */
export function findHolding(
  set: FakeSet,
  key: string,
  isEnd: boolean,
  nowMs: number,
): FakeElement | undefined {
  if (set.fields.length > 0) return findHolder(set, key, nowMs);
  const { boundaries } = set;
  if (boundaries === undefined) return undefined;
  const live = presentElements(set, nowMs).reverse();
  const above = live.findIndex((each) => each.key > key);
  const [start, end] = [live[above === -1 ? live.length - 1 : above - 1], live[above]];
  // At one key the end of a range comes before the beginning of the next.
  if (start === undefined || isRangeEnd(start)) return undefined;
  return isEnd ? end : start;
}

/** The elements in the order of a listing, without those that have left and the ends of their ranges. */
export function presentElements(set: FakeSet, nowMs: number): FakeElement[] {
  const { boundaries } = set;
  if (boundaries === undefined) {
    return [...set.elements.values()].filter((element) => !isExpired(element, nowMs));
  }
  const present: FakeElement[] = [];
  for (const element of boundaries.toReversed()) {
    if (!isExpired(element, nowMs)) present.push(element);
    else if (present.length > 0 && isRangeEnd(present.at(-1))) present.pop();
  }
  const catchAll = [...set.elements.values()].filter(({ flags }) => (flags & ELEMENT_FLAG.catchAll) !== 0);
  return [...present, ...catchAll.filter((element) => !isExpired(element, nowMs))];
}

/** Puts a boundary of a range where it belongs. */
export function placeBoundary({ journal }: Batch, { boundaries }: FakeSet, added: FakeElement): void {
  if (boundaries === undefined || (added.flags & ELEMENT_FLAG.catchAll) !== 0) return;
  let at = firstAbove(boundaries, added.key);
  for (; at > 0; at--) {
    const before = boundaries[at - 1];
    if (before === undefined || before.key !== added.key || isRangeEnd(before)) break;
  }
  boundaries.splice(at, 0, added);
  journal.push(() => boundaries.splice(boundaries.indexOf(added), 1));
}

/** What is deleted stays in the kernel's tree until the commit. */
export function leaveBoundary(batch: Batch, set: FakeSet, element: FakeElement): void {
  if (set.boundaries === undefined) return;
  batch.journal.set(element, 'isDeleted', true);
  if (batch.toSweep.has(set)) return;
  batch.toSweep.add(set);
  batch.atCommit.push(() => {
    set.boundaries = set.boundaries?.filter(({ isDeleted }) => !isDeleted);
  });
}

function isRangeEnd(element: FakeElement | undefined): boolean {
  return element !== undefined && (element.flags & ELEMENT_FLAG.intervalEnd) !== 0;
}

/** The place of the first boundary above a key. */
function firstAbove(boundaries: readonly FakeElement[], key: string): number {
  let [low, high] = [0, boundaries.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    const each = boundaries[middle];
    if (each !== undefined && each.key > key) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** __nft_rbtree_insert: the neighbours of the new boundary tell. */
function findBoundaryConflict(
  set: FakeSet,
  boundaries: readonly FakeElement[],
  added: FakeElement,
  nowMs: number,
): Conflict {
  const { above, below } = neighbours(boundaries, added, nowMs);
  const isEnd = isRangeEnd(added);
  const isSame = (other: FakeElement | undefined) => other?.key === added.key && isRangeEnd(other) === isEnd;
  if (isSame(above)) return above;
  if (isSame(below)) return below;
  if (isEnd) return isRangeEnd(below) || isRangeEnd(above) ? 'overlap' : undefined;
  const isAnonymous = (set.flags & FAKE_SET_FLAG.anonymous) !== 0;
  return below !== undefined && !isRangeEnd(below) && !isAnonymous ? 'overlap' : undefined;
}

/** Looks from the next boundary above downwards; one that this batch has deleted hides those further up. */
function neighbours(boundaries: readonly FakeElement[], { key }: FakeElement, nowMs: number) {
  let above: FakeElement | undefined;
  for (let at = Math.min(firstAbove(boundaries, key), boundaries.length - 1); at >= 0; at--) {
    const each = boundaries[at];
    if (each === undefined || each.isDeleted || isExpired(each, nowMs)) continue;
    if (each.key < key || (each.key === key && isRangeEnd(each))) return { above, below: each };
    above = each;
  }
  return { above, below: undefined };
}

/** nft_pipapo_insert: a range that surrounds another goes unnoticed, since neither of its own keys is in that. */
function findRangeConflict(set: FakeSet, added: FakeElement, nowMs: number): Conflict {
  const lastOf = ({ key, keyEnd }: FakeElement) => keyEnd ?? key;
  const atFirst = findHolder(set, added.key, nowMs);
  if (atFirst !== undefined) {
    return atFirst.key === added.key && lastOf(atFirst) === lastOf(added) ? atFirst : 'overlap';
  }
  return findHolder(set, lastOf(added), nowMs) === undefined ? undefined : 'overlap';
}

/** The oldest of the ranges that a key is within, field by field. */
function findHolder(set: FakeSet, key: string, nowMs: number): FakeElement | undefined {
  let oldest: FakeElement | undefined;
  for (const element of set.elements.values()) {
    const isOlder = oldest === undefined || element.order < oldest.order;
    if (isOlder && !isExpired(element, nowMs) && holds(set, element, key)) oldest = element;
  }
  return oldest;
}

function holds({ fields }: FakeSet, { key: first, keyEnd: last = first, flags }: FakeElement, key: string) {
  if ((flags & ELEMENT_FLAG.catchAll) !== 0) return false;
  let at = 0;
  for (const length of fields) {
    const part = key.slice(at, at + length);
    if (part < first.slice(at, at + length) || part > last.slice(at, at + length)) return false;
    at += (length + 3) & ~3;
  }
  return true;
}
