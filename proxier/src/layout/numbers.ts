/**
 * The numbers that travel in a packet's priority (`meta priority`) while the nat rules decide about it. nft prints them as
 * class ids: a 16-bit major and a 16-bit minor. The majors are ones that no queueing discipline uses.
 */

/** `4b50:1` to `4b50:ffff`: a class, which says what is done with a frontend's connections. */
const CLASS_MAJOR = 0x4b50;
/** `4b52:i`: index of an endpoint among those that a frontend may use. */
const INDEX_MAJOR = 0x4b52;

/** Class numbers run from 1 to this. */
export const MAX_CLASS = 0xffff;
/** Endpoints of one frontend: their indexes are the minor numbers. */
export const MAX_ENDPOINTS = 0x10000;

export function classMark(classNumber: number): number {
  return CLASS_MAJOR * 0x10000 + classNumber;
}

export function indexMark(index: number): number {
  return INDEX_MAJOR * 0x10000 + index;
}

/** The mark bit for "masquerade this packet", kube-proxy's default. */
export const MASQUERADE_MARK = 0x4000;
