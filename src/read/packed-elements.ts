import { attributeMap } from '../netlink/attribute.ts';
import type { Message } from '../netlink/message.ts';
import type { PackedValue } from '../nft/pack/packed-value.ts';
import type { AnySet } from '../nft/set.ts';
import type { Slices } from './slices.ts';
import { NFTA_DATA, NFTA_SET_ELEM, NFTA_SET_ELEM_LIST } from './uapi.ts';

const TYPE_MASK = 0x3fff;
/** Two headers stand before a value: that of its attribute, and that of NFTA_DATA_VALUE inside. */
const HEADERS_BYTES = 8;
const NO_ELEMENTS = new Uint8Array(0);

/** Packed key to packed data (`''` in a set) of the elements in the messages of a dump. */
export async function readPackedElements(
  set: AnySet,
  replies: readonly Message[],
  slices: Slices,
): Promise<Map<PackedValue, PackedValue>> {
  const found = new Map<PackedValue, PackedValue>();
  for (const { attributes } of replies) {
    const list = attributeMap(attributes).get(NFTA_SET_ELEM_LIST.elements) ?? NO_ELEMENTS;
    addElements(found, set, Buffer.from(list.buffer, list.byteOffset, list.byteLength));
    if (slices.isDue) await slices.pause();
  }
  return found;
}

function addElements(found: Map<PackedValue, PackedValue>, set: AnySet, list: Buffer): void {
  const keyBytes = set.key.byteLength;
  const dataBytes = set.kind === 'map' ? set.data.byteLength : 0;
  for (let at = 0; at + 4 <= list.length; ) {
    const length = list.readUInt16LE(at);
    if (length < 4 || at + length > list.length) return;
    const end = at + length;
    const dataAt = endOfValue(list, at + 4, end, NFTA_SET_ELEM.key, keyBytes);
    const isPlain =
      dataAt !== undefined &&
      (dataBytes === 0
        ? dataAt === end
        : endOfValue(list, dataAt, end, NFTA_SET_ELEM.data, dataBytes) === end);
    if (isPlain) {
      const keyAt = at + 4 + HEADERS_BYTES;
      const valueAt = dataAt + HEADERS_BYTES;
      found.set(
        list.toString('latin1', keyAt, keyAt + keyBytes),
        dataBytes === 0 ? '' : list.toString('latin1', valueAt, valueAt + dataBytes),
      );
    } else {
      addOther(found, list.subarray(at + 4, end));
    }
    at += (length + 3) & ~3;
  }
}

/** An element that has more than its key and data, such as a timeout. */
function addOther(found: Map<PackedValue, PackedValue>, element: Uint8Array): void {
  const fields = attributeMap(element);
  const key = attributeMap(fields.get(NFTA_SET_ELEM.key)).get(NFTA_DATA.value);
  const data = attributeMap(fields.get(NFTA_SET_ELEM.data)).get(NFTA_DATA.value);
  if (key !== undefined) found.set(latin1(key), data === undefined ? '' : latin1(data));
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
}

/** Where the attribute ends, with its padding, if it is of the wanted type and holds a value of that length. */
function endOfValue(
  list: Buffer,
  at: number,
  end: number,
  type: number,
  byteLength: number,
): number | undefined {
  if (at + HEADERS_BYTES + byteLength > end) return undefined;
  const isSo =
    (list.readUInt16LE(at + 2) & TYPE_MASK) === type &&
    list.readUInt16LE(at + 4) === 4 + byteLength &&
    (list.readUInt16LE(at + 6) & TYPE_MASK) === NFTA_DATA.value;
  return isSo ? Math.min(end, at + ((HEADERS_BYTES + byteLength + 3) & ~3)) : undefined;
}
