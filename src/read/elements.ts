import { InvalidArgumentError } from '../invalid-argument.ts';
import { attributeMap, attributes, i32Of, textOf, u32Of, u64Of } from '../netlink/attribute.ts';
import type { Message } from '../netlink/message.ts';
import type { AnySet, NftMap, NftSet, SetKey, VerdictMap } from '../nft/set.ts';
import type { DataType } from '../nft/type/data-type.ts';
import { orderedType, readInterval } from '../nft/type/range.ts';
import { readComment } from '../nft/userdata.ts';
import { type Verdict, verdictOf } from '../nft/verdict.ts';
import { type ListedExpression, readExpression, readExpressions } from './expressions.ts';
import { readPlainElement } from './plain-element.ts';
import { pairRanges } from './ranges.ts';
import { ELEMENT_INTERVAL_END, NFTA_DATA, NFTA_SET_ELEM, NFTA_SET_ELEM_LIST, NFTA_VERDICT } from './uapi.ts';

/** An element as the kernel has it. */
export interface ListedElement<K, V> {
  /** The key; a range or network where the set has intervals. */
  readonly key: K;
  /** The data of a map, the verdict of a verdict map, undefined in a set. */
  readonly value: V;
  /** The whole time that it was given, in ms. */
  readonly timeoutMs?: number;
  /** Time that is left. */
  readonly expiresMs?: number;
  /** At most 128 bytes. */
  readonly comment?: string;
  /** What the element's counter has counted, where it has one. */
  readonly counter?: { readonly packets: bigint; readonly bytes: bigint };
  /** Everything that the element has for itself: its counter, limit, quota … */
  readonly statements?: readonly ListedExpression[];
  /**
   * Where a set is described without `intervals` and has ranges of concatenated keys: the range's last key. `key` is its first.
   */
  readonly lastKey?: K;
  /**
   * Where a set is described without `intervals` and has ranges of simple keys: `key` is not in the set, it is the first one
   * behind a range. The range begins at the next lower listed key.
   */
  readonly endsRange?: true;
}

/** The type of a set's listed elements. */
export type ListedElementOf<S> =
  S extends NftSet<infer _, infer K, infer I, infer C>
    ? ListedElement<SetKey<K, I, C>, undefined>
    : S extends VerdictMap<infer _, infer K, infer I, infer C>
      ? ListedElement<SetKey<K, I, C>, Verdict>
      : S extends NftMap<infer _, infer K, infer __, infer D, infer I, infer C>
        ? ListedElement<SetKey<K, I, C>, D>
        : never;

/** The elements in the messages of a whole dump, each made when it is asked for. */
export function* eachElement<S extends AnySet>(
  set: S,
  replies: readonly Message[],
): Generator<ListedElementOf<S>> {
  if (!set.intervals || set.key.fields !== undefined) {
    for (const message of replies) yield* readElements(set, message);
    return;
  }
  for (const { first, last, fields } of pairRanges(replies)) {
    checkLength(set, set.key, first.length);
    yield { key: readInterval(set.key, first, last), ...readRest(set, fields) } as ListedElementOf<S>;
  }
  if (set.catchAll) for (const message of replies) yield* readCatchAll(set, message);
}

const NO_ELEMENTS = new Uint8Array(0);

/** The elements in one message; of a set with intervals and simple keys, each boundary of a range by itself. */
export function* readElements<S extends AnySet>(set: S, message: Message): Generator<ListedElementOf<S>> {
  const list = attributeMap(message.attributes).get(NFTA_SET_ELEM_LIST.elements) ?? NO_ELEMENTS;
  const view = new DataView(list.buffer, list.byteOffset, list.byteLength);
  for (let at = 0; at + 4 <= list.length; ) {
    const length = view.getUint16(at, true);
    if (length < 4 || at + length > list.length) break;
    const [start, end] = [at + 4, at + length];
    at += (length + 3) & ~3;
    const plain = readPlainElement(set, list, view, start, end);
    if (plain !== undefined) {
      yield plain as ListedElementOf<S>;
      continue;
    }
    const fields = attributeMap(list.subarray(start, end));
    const nest = fields.get(NFTA_SET_ELEM.key);
    if (nest !== undefined) {
      yield {
        ...readKeys(set, nest, fields.get(NFTA_SET_ELEM.keyEnd)),
        ...readRest(set, fields),
        ...(isRangeEnd(fields) ? { endsRange: true } : {}),
      } as unknown as ListedElementOf<S>;
    }
  }
  if (set.catchAll) yield* readCatchAll(set, message);
}

function* readCatchAll<S extends AnySet>(set: S, message: Message): Generator<ListedElementOf<S>> {
  for (const fields of elementsIn(message)) {
    if (!fields.has(NFTA_SET_ELEM.key)) yield { key: '*', ...readRest(set, fields) } as ListedElementOf<S>;
  }
}

function* elementsIn(message: Message): Generator<ReadonlyMap<number, Uint8Array>> {
  const list = attributeMap(message.attributes).get(NFTA_SET_ELEM_LIST.elements);
  if (list === undefined) return;
  for (const { bytes } of attributes(list)) yield attributeMap(bytes);
}

function readKeys(set: AnySet, nest: Uint8Array, endNest: Uint8Array | undefined) {
  if (!set.intervals) {
    const last = endNest === undefined ? {} : { lastKey: readData(set, set.key, endNest) };
    return { key: readData(set, set.key, nest), ...last };
  }
  if (set.key.fields === undefined) return { key: readData(set, orderedType(set.key), nest) };
  const first = bytesIn(set, set.key, nest);
  const last = endNest === undefined ? first : bytesIn(set, set.key, endNest);
  return { key: readInterval(set.key, first, last) };
}

function readRest(set: AnySet, fields: ReadonlyMap<number, Uint8Array>) {
  if (set.kind === 'map' && set.data.objectType !== undefined) {
    return { value: textOf(fields.get(NFTA_SET_ELEM.object)), ...readOptions(fields) };
  }
  return { value: readValue(set, fields.get(NFTA_SET_ELEM.data)), ...readOptions(fields) };
}

function readValue(set: AnySet, nest: Uint8Array | undefined): unknown {
  if (set.kind === 'set' || nest === undefined) return undefined;
  if (set.kind === 'map') return readData(set, set.data, nest);
  const verdict = readVerdict(nest);
  if (attributeMap(nest).get(NFTA_DATA.verdict) === undefined)
    throw otherSet(set, 'verdicts, and it has data');
  return verdict;
}

/** The verdict in an element's data; undefined when it is something else. */
export function readVerdict(nest: Uint8Array): Verdict | undefined {
  const verdict = attributeMap(attributeMap(nest).get(NFTA_DATA.verdict));
  const code = i32Of(verdict.get(NFTA_VERDICT.code));
  return code === undefined ? undefined : verdictOf(code, textOf(verdict.get(NFTA_VERDICT.chain)));
}

function readData(set: AnySet, type: DataType<never, unknown>, nest: Uint8Array): unknown {
  return type.read(bytesIn(set, type, nest), 0);
}

function bytesIn(set: AnySet, type: DataType<never, unknown>, nest: Uint8Array): Uint8Array {
  const bytes = attributeMap(nest).get(NFTA_DATA.value);
  checkLength(set, type, bytes?.length);
  return bytes ?? nest;
}

function checkLength(set: AnySet, type: DataType<never, unknown>, length: number | undefined): void {
  if (length === type.byteLength) return;
  const found = length === undefined ? 'verdicts' : `${length} bytes`;
  throw otherSet(set, `${type.name} (${type.byteLength} bytes), and it has ${found}`);
}

/** The kernel's set is another one than the caller's: better said than read wrongly. */
function otherSet(set: AnySet, difference: string): InvalidArgumentError {
  const expected = `the kernel's set of that name: it was described with ${difference}`;
  return new InvalidArgumentError('set', set.name, expected);
}

function isRangeEnd(fields: ReadonlyMap<number, Uint8Array>): boolean {
  return ((u32Of(fields.get(NFTA_SET_ELEM.flags)) ?? 0) & ELEMENT_INTERVAL_END) !== 0;
}

function readStatements(fields: ReadonlyMap<number, Uint8Array>) {
  const one = fields.get(NFTA_SET_ELEM.expression);
  const list = fields.get(NFTA_SET_ELEM.expressions);
  if (one === undefined && list === undefined) return {};
  const statements = one === undefined ? readExpressions(list) : [readExpression(one)];
  const counter = statements.find(({ name }) => name === 'counter')?.fields;
  return { ...(counter === undefined ? {} : { counter }), statements };
}

function readOptions(fields: ReadonlyMap<number, Uint8Array>) {
  const timeout = u64Of(fields.get(NFTA_SET_ELEM.timeout));
  const expires = u64Of(fields.get(NFTA_SET_ELEM.expiration));
  const comment = readComment(fields.get(NFTA_SET_ELEM.userdata), 'other');
  return {
    ...(timeout === undefined ? {} : { timeoutMs: Number(timeout) }),
    ...(expires === undefined ? {} : { expiresMs: Number(expires) }),
    ...(comment === undefined ? {} : { comment }),
    ...readStatements(fields),
  };
}
