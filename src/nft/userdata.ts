import type { AnySet } from './set.ts';
import type { DataType } from './type/data-type.ts';

/**
 * Userdata: what nft keeps in the kernel for itself, and needs in order to print an object properly. Type, length,
 * value; 32-bit values host-endian. Written in the form of nft 1.0.6, which every nft from 0.9.8 to 1.1.7 can list:
 * what nft 1.1 adds (a description of the values) makes 1.0.6 and 0.9.8 crash.
 */
const COMMENT = 0;
const ELEMENT_FLAGS = 1;
const INTERVAL_OPEN = 1;
const NOTHING = new Uint8Array(0);
const SET = {
  keyByteOrder: 0,
  dataByteOrder: 1,
  mergeElements: 2,
  keyTypeof: 3,
  dataTypeof: 4,
  dataInterval: 6,
  comment: 7,
} as const;
/** `enum byteorder` of nft. */
const BYTE_ORDERS = { none: 0, host: 1, network: 2 } as const;

/** `EXPR_CONCAT` of nft's enum expr_types. 1.0.6 writes it, with nothing inside, for any concatenation declared by type. */
const EXPR_CONCAT = 13;
const CONCAT = Buffer.concat([tlv(0, u32(EXPR_CONCAT)), tlv(1, new Uint8Array(0))]);

/** The comment of a table, chain, rule or element. */
export function commentUserdata(comment: string): Uint8Array {
  return tlv(COMMENT, text(comment));
}

/** An element's comment, and whether it begins a range up to the highest key, which has no end in the kernel. */
export function elementUserdata(comment: string | undefined, isOpenRange: boolean): Uint8Array {
  if (comment === undefined && !isOpenRange) return NOTHING;
  return Buffer.concat([
    comment === undefined ? NOTHING : commentUserdata(comment),
    isOpenRange ? tlv(ELEMENT_FLAGS, u32(INTERVAL_OPEN)) : NOTHING,
  ]);
}

export function setUserdata(set: AnySet): Uint8Array {
  const isConcat = (type: DataType<never, unknown>) => type.fields !== undefined;
  return Buffer.concat([
    ...byteOrders(set),
    isConcat(set.key) ? tlv(SET.keyTypeof, CONCAT) : NOTHING,
    set.kind === 'map' && isConcat(set.data) ? tlv(SET.dataTypeof, CONCAT) : NOTHING,
    set.kind === 'set' ? NOTHING : tlv(SET.dataInterval, u32(0)),
    set.comment === undefined ? NOTHING : tlv(SET.comment, text(set.comment)),
  ]);
}

/** The same for a set without a name: the rule's own expression tells nft what its keys are. */
export function anonymousSetUserdata(set: AnySet): Uint8Array {
  const dataInterval = set.kind === 'set' ? NOTHING : tlv(SET.dataInterval, u32(0));
  return Buffer.concat([...byteOrders(set), dataInterval]);
}

function byteOrders(set: AnySet): readonly Uint8Array[] {
  const parts = [tlv(SET.keyByteOrder, u32(byteOrder(set.key)))];
  if (set.kind !== 'set' && !(set.kind === 'map' && set.data.objectType !== undefined)) {
    parts.push(tlv(SET.dataByteOrder, u32(set.kind === 'map' ? byteOrder(set.data) : BYTE_ORDERS.none)));
  }
  if (set.autoMerge) parts.push(tlv(SET.mergeElements, u32(1)));
  return parts;
}

/** The comment in an object's userdata; undefined where there is none or the bytes are not TLVs. */
export function readComment(userdata: Uint8Array | undefined, kind: 'set' | 'other'): string | undefined {
  const value = findTlv(userdata, kind === 'set' ? SET.comment : COMMENT);
  if (value === undefined) return undefined;
  const end = value.indexOf(0);
  return Buffer.from(value.subarray(0, end === -1 ? value.length : end)).toString();
}

/** Whether nft merges what is added to the set. */
export function isAutoMerge(userdata: Uint8Array | undefined): boolean {
  return findTlv(userdata, SET.mergeElements)?.some((byte) => byte !== 0) ?? false;
}

function findTlv(userdata: Uint8Array | undefined, wanted: number): Uint8Array | undefined {
  if (userdata === undefined) return undefined;
  for (let at = 0; at + 2 <= userdata.length; ) {
    const length = userdata[at + 1] ?? 0;
    const value = userdata.subarray(at + 2, at + 2 + length);
    if (value.length < length) return undefined;
    if (userdata[at] === wanted && length > 0) return value;
    at += 2 + length;
  }
  return undefined;
}

function byteOrder(type: { readonly byteOrder: 'none' | 'host' | 'network' }): number {
  return BYTE_ORDERS[type.byteOrder];
}

function tlv(type: number, value: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(2 + value.length);
  bytes[0] = type;
  bytes[1] = value.length;
  bytes.set(value, 2);
  return bytes;
}

function u32(value: number): Uint8Array {
  return new Uint8Array(new Uint32Array([value]).buffer);
}

function text(value: string): Uint8Array {
  return Buffer.from(`${value}\0`);
}
