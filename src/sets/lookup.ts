import { within } from '../invalid-argument.ts';
import { attribute, attributeMap, nest, u32Attribute } from '../netlink/attribute.ts';
import type { Message } from '../netlink/message.ts';
import { ask, RequestError } from '../netlink/request.ts';
import type { Transport } from '../netlink/transport.ts';
import { familyNumber } from '../nft/family.ts';
import { ELEMENT_FLAG, NFT_MSG } from '../nft/pack/uapi.ts';
import type { AnySet } from '../nft/set.ts';
import { bytesOf, type DataType } from '../nft/type/data-type.ts';
import { writeBounds } from '../nft/type/range.ts';
import { setNameAttributes } from '../read/element-request.ts';
import { eachElement, type ListedElementOf, readElements } from '../read/elements.ts';
import { NFTA_DATA, NFTA_SET_ELEM, NFTA_SET_ELEM_LIST } from '../read/uapi.ts';

const LIST_ELEM = 1;

/** With or without setting the element's state back. */
type ElementQuestion = typeof NFT_MSG.getSetElem | typeof NFT_MSG.getSetElemReset;

/** Asks the kernel for one element; undefined when there is none. Not for the element `'*'`, which it doesn't look for. */
export async function findElement<S extends AnySet>(
  transport: Transport,
  set: S,
  key: unknown,
  question: ElementQuestion = NFT_MSG.getSetElem,
): Promise<ListedElementOf<S> | undefined> {
  const [message] = await askFor(transport, set, keyAttributes(set, key), question);
  if (message === undefined) return undefined;
  for (const element of readElements(set, message)) return element;
  return undefined;
}

/** The range of a set with simple keys that a key lies in. */
export async function findRange<S extends AnySet>(
  transport: Transport,
  set: S,
  key: unknown,
  question: ElementQuestion = NFT_MSG.getSetElem,
): Promise<ListedElementOf<S> | undefined> {
  const [first, last] = boundsOf(set, key);
  const start = await askFor(transport, set, [keyNest(NFTA_SET_ELEM.key, first)], question);
  const isEnd = u32Attribute(NFTA_SET_ELEM.flags, ELEMENT_FLAG.intervalEnd);
  const end = await askFor(transport, set, [isEnd, keyNest(NFTA_SET_ELEM.key, last)]);
  for (const element of start.length === 0 ? [] : eachElement(set, [...end, ...start])) return element;
  return undefined;
}

/** Whether a key, or all keys of a range, are within one range of a set with simple keys. */
export async function isWithinRange(transport: Transport, set: AnySet, key: unknown): Promise<boolean> {
  const [first, last] = boundsOf(set, key);
  const start = keyIn(await askFor(transport, set, [keyNest(NFTA_SET_ELEM.key, first)]));
  if (start === undefined) return false;
  if (Buffer.compare(first, last) === 0) return true;
  // The kernel gives the range that a key is in by its first key: one range holds both keys when that is the same.
  const other = keyIn(await askFor(transport, set, [keyNest(NFTA_SET_ELEM.key, last)]));
  return other !== undefined && Buffer.compare(start, other) === 0;
}

function keyAttributes(set: AnySet, key: unknown): readonly Uint8Array[] {
  if (!set.intervals) {
    const bytes = within('key', () => bytesOf(set.key as DataType<unknown, unknown>, key));
    return [keyNest(NFTA_SET_ELEM.key, bytes)];
  }
  const [first, last] = boundsOf(set, key);
  return [keyNest(NFTA_SET_ELEM.key, first), keyNest(NFTA_SET_ELEM.keyEnd, last)];
}

function boundsOf(set: AnySet, key: unknown): readonly [Buffer, Buffer] {
  const [first, last] = [Buffer.alloc(set.key.byteLength), Buffer.alloc(set.key.byteLength)];
  within('key', () => writeBounds(set.key, key, first, last, 0));
  return [first, last];
}

function keyNest(type: number, bytes: Uint8Array): Uint8Array {
  return nest(type, [attribute(NFTA_DATA.value, bytes)]);
}

/** The reply to a question about one element; empty when there is no such element. */
async function askFor(
  transport: Transport,
  set: AnySet,
  element: readonly Uint8Array[],
  message: ElementQuestion = NFT_MSG.getSetElem,
): Promise<readonly Message[]> {
  const { family, name } = set.table;
  const question = Buffer.concat([
    setNameAttributes(set),
    nest(NFTA_SET_ELEM_LIST.elements, [nest(LIST_ELEM, element)]),
  ]);
  const what = `asking for an element of ${set.kind} ${family} ${name} ${set.name}`;
  try {
    return await ask(transport, what, message, 0, familyNumber(family), question);
  } catch (error) {
    if (!(error instanceof RequestError) || error.code !== 'ENOENT') throw error;
    // The same errno for a set that is not there: a question that asks for no element tells the two apart.
    // NFTA_SET_TABLE and NFTA_SET_NAME have the numbers of the element lists' own.
    await ask(transport, what, NFT_MSG.getSet, 0, familyNumber(family), setNameAttributes(set));
    return [];
  }
}

function keyIn([message]: readonly Message[]): Uint8Array | undefined {
  const list = attributeMap(message?.attributes).get(NFTA_SET_ELEM_LIST.elements);
  const element = attributeMap(attributeMap(list).get(LIST_ELEM));
  return attributeMap(element.get(NFTA_SET_ELEM.key)).get(NFTA_DATA.value);
}
