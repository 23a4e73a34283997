import { attributeMap, attributes, textOf } from '../src/netlink/attribute.ts';
import type { Message } from '../src/netlink/message.ts';
import { readComment } from '../src/nft/userdata.ts';

/** Netlink messages as text that is the same for what means the same: attributes side by side have no order. */

const NESTED = 0x8000;
const TYPE_MASK = 0x3fff;
const SET_DESC_SIZE = 1;

/** How messages are compared. */
export interface CompareOptions {
  /** nft 1.1 counts the elements of a set without a name in another way. */
  readonly withoutSize: boolean;
}

/** Each message as text, with numbers within the transaction in the order in which they come. */
export function comparable(list: readonly Message[], options: CompareOptions): readonly string[] {
  const ids = new Map<string, string>();
  const nth = (kind: string, bytes: Uint8Array) => {
    const key = `${kind} ${Buffer.from(bytes).toString('hex')}`;
    if (!ids.has(key)) ids.set(key, `${kind} ${ids.size}`);
    return ids.get(key) ?? key;
  };
  return list.map(({ type, attributes: of }) => {
    const parts = [...attributes(of)].flatMap((each) => topLevel(type, each, nth, options));
    return `${type} { ${parts.sort().join(' ')} }`;
  });
}

type Numbering = (kind: string, bytes: Uint8Array) => string;

/** Attributes of a message that need more than being written down; `undefined` leaves one out. */
const SPECIAL: Readonly<
  Record<string, (bytes: Uint8Array, nth: Numbering, options: CompareOptions) => string | undefined>
> = {
  '9 9': (bytes, _, { withoutSize }) => (withoutSize ? descriptionWithoutSize(bytes) : tree(bytes)),
  '9 10': (bytes, nth) => nth('set', bytes),
  // nft 1.1 puts a description of the keys there, which makes older versions crash.
  '9 13': () => undefined,
  '12 3': (bytes) => `[ ${[...attributes(bytes)].map((each) => tree(each.bytes)).join(', ')} ]`,
  '12 4': (bytes, nth) => nth('set', bytes),
  '3 11': (bytes, nth) => nth('chain', bytes),
  '6 4': (bytes, nth) => [...attributes(bytes)].map((each) => expressionText(each.bytes, nth)).join('\n'),
  '6 7': (bytes) => readComment(bytes, 'other') ?? '',
  '6 11': (bytes, nth) => nth('chain', bytes),
};

function topLevel(
  message: number,
  { type, bytes }: { readonly type: number; readonly bytes: Uint8Array },
  nth: Numbering,
  options: CompareOptions,
): readonly string[] {
  const special = SPECIAL[`${message} ${type}`];
  const inside = special === undefined ? tree(bytes) : special(bytes, nth, options);
  return inside === undefined ? [] : [`${type}: ${inside}`];
}

function descriptionWithoutSize(bytes: Uint8Array): string | undefined {
  const rest = [...attributes(bytes)].filter(({ type }) => type !== SET_DESC_SIZE);
  return rest.length === 0 ? undefined : treeOf(rest.map((each) => hexOf(each.bytes)));
}

const SET_ID: Readonly<Record<string, number>> = { lookup: 4, objref: 5, dynset: 2 };

function expressionText(bytes: Uint8Array, nth: Numbering): string {
  const parts = attributeMap(bytes);
  const name = textOf(parts.get(1)) ?? '';
  const data = parts.get(2);
  const list = [...rawAttributes(data ?? new Uint8Array(0))].map(({ type, bytes: value, isNest }) => {
    if (SET_ID[name] === type) return `${type}: ${nth('set', value)}`;
    if (name === 'immediate' && type === 2) return `2: ${verdictText(value, nth)}`;
    return `${type}: ${isNest ? tree(value) : hexOf(value)}`;
  });
  return `${name} [ ${list.sort().join(', ')} ]`;
}

function verdictText(data: Uint8Array, nth: Numbering): string {
  const id = attributeMap(attributeMap(data).get(2)).get(3);
  return id === undefined ? tree(data) : `jump to ${nth('chain', id)}`;
}

function* rawAttributes(bytes: Uint8Array) {
  for (let at = 0; at + 4 <= bytes.length; ) {
    const length = (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8);
    const raw = (bytes[at + 2] ?? 0) | ((bytes[at + 3] ?? 0) << 8);
    if (length < 4) return;
    yield { type: raw & TYPE_MASK, isNest: (raw & NESTED) !== 0, bytes: bytes.subarray(at + 4, at + length) };
    at += (length + 3) & ~3;
  }
}

/** Attributes inside an attribute, side by side in the order of their numbers; what are none, as bytes. */
function tree(bytes: Uint8Array): string {
  const parts = [...rawAttributes(bytes)];
  const isNest =
    parts.length > 0 && parts.every(({ type, isNest: nested }) => nested || type < 64) && isExact(bytes);
  if (!isNest) return hexOf(bytes);
  return treeOf(parts.map(({ type, isNest: nested, bytes: b }) => `${type}: ${nested ? tree(b) : hexOf(b)}`));
}

/** Whether the lengths add up. */
function isExact(bytes: Uint8Array): boolean {
  let at = 0;
  while (at + 4 <= bytes.length) {
    const length = (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8);
    if (length < 4 || at + length > bytes.length) return false;
    at += (length + 3) & ~3;
  }
  return at >= bytes.length;
}

function treeOf(parts: readonly string[]): string {
  return `[ ${[...parts].sort().join(', ')} ]`;
}

function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}
