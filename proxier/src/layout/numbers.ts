import { classid, type PackedValue, packValue } from 'nftlink';

/**
 * The numbers that travel in a packet's priority (`meta priority`) while the nat rules decide about it. nft prints them as
 * class ids: a 16-bit major and a 16-bit minor. The majors are ones that no queueing discipline uses.
 */

/** `4b50:1` to `4b50:ffff`: a class, which says what is done with a frontend's connections. */
const CLASS_BASE = 0x4b50_0000;
/** `4b51:1` to `4b51:ffff`: a Service port with session affinity. */
const STICKY_BASE = 0x4b51_0000;
/** `4b52:i`: index of an endpoint among all that a frontend may use. */
const INDEX_BASE = 0x4b52_0000;
/** `4b53:i`: index of an endpoint among those on this node. */
const LOCAL_INDEX_BASE = 0x4b53_0000;

/** Class numbers run from 1 to this. */
export const MAX_CLASS = 0xffff;
/** So do the numbers of Service ports with session affinity. */
export const MAX_STICKY = 0xffff;
/** Endpoints of one frontend: their indexes are the minor numbers. */
export const MAX_ENDPOINTS = 0x10000;

/** `4c00:0` to `4fff:ffff`: slots of Service ports with session affinity, a range for each and for each policy. */
export const FIRST_SLOT = 0x4c00_0000;
export const LAST_SLOT = 0x4fff_ffff;
/** `5000:0` and up: ids of their endpoints, never given to another endpoint. */
export const FIRST_ENDPOINT_ID = 0x5000_0000;
export const LAST_ENDPOINT_ID = 0xffff_ffff;

export function classMark(classNumber: number): number {
  return CLASS_BASE + classNumber;
}

/** The class that a mark stands for; undefined when it is none. */
export function classOfMark(mark: number): number | undefined {
  const number = mark - CLASS_BASE;
  return number >= 1 && number <= MAX_CLASS ? number : undefined;
}

export function stickyMark(stickyNumber: number): number {
  return STICKY_BASE + stickyNumber;
}

export function indexMark(index: number): number {
  return INDEX_BASE + index;
}

export function localIndexMark(index: number): number {
  return LOCAL_INDEX_BASE + index;
}

/** The number in a packed mark: nft's `classid` is in host order, and every machine that we are built for is little-endian. */
export function markOf(packed: string): number {
  return (
    packed.charCodeAt(0) +
    packed.charCodeAt(1) * 0x100 +
    packed.charCodeAt(2) * 0x1_0000 +
    packed.charCodeAt(3) * 0x100_0000
  );
}

const packedMarks = new Map<number, PackedValue>();

/** A class or an index as it stands in keys and data. There are few different ones, and every element has one: each is kept once. */
export function packedMark(mark: number): PackedValue {
  const known = packedMarks.get(mark);
  if (known !== undefined) return known;
  const packed = packValue(classid, mark);
  packedMarks.set(mark, packed);
  return packed;
}
