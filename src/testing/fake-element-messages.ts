import { attribute, nest, textAttribute, u32Attribute, u64Attribute } from '../netlink/attribute.ts';
import { ELEMENT_FLAG, NFT_MSG } from '../nft/pack/uapi.ts';
import { NFTA_DATA, NFTA_SET_ELEM, NFTA_SET_ELEM_LIST } from '../read/uapi.ts';
import { wireVerdict } from './fake-expressions.ts';
import { type FakeMessage, optional } from './fake-message.ts';
import { FAKE_SET_FLAG, type FakeElement, type FakeSet, type FakeTable } from './fake-ruleset.ts';

const NFTA_LIST_ELEMENT = 1;
/** What fits into one message of elements: the kernel's parts are of 32 KiB at most. */
const MAX_ELEMENT_BYTES = 30_000;

/** Elements as one message, at a moment of the fake kernel's clock. */
export function describeElements(
  table: FakeTable,
  set: FakeSet,
  list: readonly FakeElement[],
  nowMs: number,
  type: number = NFT_MSG.newSetElem,
): FakeMessage {
  const elements = list.map((element) => elementAttribute(set, element, nowMs));
  return {
    type,
    family: table.family,
    attributes: [
      textAttribute(NFTA_SET_ELEM_LIST.table, table.name),
      textAttribute(NFTA_SET_ELEM_LIST.set, set.name),
      nest(NFTA_SET_ELEM_LIST.elements, elements),
    ],
  };
}

/** A listing of elements comes in parts. */
export function inParts(elements: readonly FakeElement[], set: FakeSet): readonly (readonly FakeElement[])[] {
  const each = 40 + 2 * set.keyLength + set.dataLength;
  const perPart = Math.max(1, Math.floor(MAX_ELEMENT_BYTES / each / 4));
  const result: (readonly FakeElement[])[] = [];
  for (let at = 0; at < elements.length; at += perPart) result.push(elements.slice(at, at + perPart));
  return result;
}

function elementAttribute(set: FakeSet, element: FakeElement, nowMs: number): Uint8Array {
  const value = (text: string) => attribute(NFTA_DATA.value, Buffer.from(text, 'latin1'));
  const { key, keyEnd, data, verdict, chain, object, flags, timeoutMs, expiresAtMs, userdata } = element;
  // In a set with a timeout of its own the elements that stay say so.
  const canLeave = (set.flags & FAKE_SET_FLAG.timeout) !== 0;
  const left = BigInt(Math.max(0, Math.floor(expiresAtMs - nowMs)));
  return nest(NFTA_LIST_ELEMENT, [
    ...((flags & ELEMENT_FLAG.catchAll) === 0 ? [nest(NFTA_SET_ELEM.key, [value(key)])] : []),
    ...(keyEnd === undefined ? [] : [nest(NFTA_SET_ELEM.keyEnd, [value(keyEnd)])]),
    ...(data === undefined ? [] : [nest(NFTA_SET_ELEM.data, [value(data)])]),
    ...(verdict === undefined ? [] : [nest(NFTA_SET_ELEM.data, [wireVerdict(verdict, chain?.name)])]),
    ...(object === undefined ? [] : [textAttribute(NFTA_SET_ELEM.object, object.name)]),
    ...(flags === 0 ? [] : [u32Attribute(NFTA_SET_ELEM.flags, flags)]),
    ...(canLeave && timeoutMs !== set.timeoutMs ? [u64Attribute(NFTA_SET_ELEM.timeout, timeoutMs)] : []),
    ...(canLeave && timeoutMs > 0n ? [u64Attribute(NFTA_SET_ELEM.expiration, left)] : []),
    ...optional(NFTA_SET_ELEM.userdata, userdata),
    element.more,
  ]);
}
