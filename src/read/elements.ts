import { InvalidArgumentError } from '../invalid-argument.ts';
import { attributeMap, attributes, i32Of, textOf, u32Of, u64Of } from '../netlink/attribute.ts';
import type { Message } from '../netlink/message.ts';
import type { AnySet, NftMap, NftSet, VerdictMap } from '../nft/set.ts';
import type { DataType } from '../nft/type/data-type.ts';
import { readComment } from '../nft/userdata.ts';
import { type Verdict, verdictOf } from '../nft/verdict.ts';
import { ELEMENT_INTERVAL_END, NFTA_DATA, NFTA_SET_ELEM, NFTA_SET_ELEM_LIST, NFTA_VERDICT } from './uapi.ts';

/** An element as the kernel has it. */
export interface ListedElement<K, V> {
  readonly key: K;
  /** The data of a map, the verdict of a verdict map, undefined in a set. */
  readonly value: V;
  readonly timeoutMs?: number;
  /** Time that is left. */
  readonly expiresMs?: number;
  readonly comment?: string;
  /** In a set of ranges with concatenated keys, which only others make: the range's last key. `key` is its first. */
  readonly lastKey?: K;
  /**
   * In a set of ranges with simple keys, which only others make: `key` is not in the set, it is the first one behind a range.
   * The range begins at the next lower listed key.
   */
  readonly endsRange?: true;
}

/** The type of a set's listed elements. */
export type ListedElementOf<S> =
  S extends NftSet<infer _, infer K>
    ? ListedElement<K, undefined>
    : S extends VerdictMap<infer _, infer K>
      ? ListedElement<K, Verdict>
      : S extends NftMap<infer _, infer K, infer __, infer D>
        ? ListedElement<K, D>
        : never;

/** The elements in one message of a dump. */
export function* readElements<S extends AnySet>(set: S, message: Message): Generator<ListedElementOf<S>> {
  const list = attributeMap(message.attributes).get(NFTA_SET_ELEM_LIST.elements);
  if (list === undefined) return;
  for (const { bytes } of attributes(list)) {
    const fields = attributeMap(bytes);
    const nest = fields.get(NFTA_SET_ELEM.key);
    if (nest === undefined) continue;
    yield {
      key: readData(set, set.key, nest),
      value: readValue(set, fields.get(NFTA_SET_ELEM.data)),
      ...readOptions(fields),
      ...readRange(set, fields),
    } as ListedElementOf<S>;
  }
}

function readValue(set: AnySet, nest: Uint8Array | undefined): unknown {
  if (set.kind === 'set' || nest === undefined) return undefined;
  if (set.kind === 'map') return readData(set, set.data, nest);
  const verdict = attributeMap(attributeMap(nest).get(NFTA_DATA.verdict));
  const code = i32Of(verdict.get(NFTA_VERDICT.code));
  if (code === undefined) throw otherSet(set, 'verdicts, and it has data');
  return verdictOf(code, textOf(verdict.get(NFTA_VERDICT.chain)));
}

function readData(set: AnySet, type: DataType<never, unknown>, nest: Uint8Array): unknown {
  const bytes = attributeMap(nest).get(NFTA_DATA.value);
  if (bytes?.length === type.byteLength) return type.read(bytes, 0);
  const found = bytes === undefined ? 'verdicts' : `${bytes.length} bytes`;
  throw otherSet(set, `${type.name} (${type.byteLength} bytes), and it has ${found}`);
}

/** The kernel's set is another one than the caller's: better said than read wrongly. */
function otherSet(set: AnySet, difference: string): InvalidArgumentError {
  const expected = `the kernel's set of that name: it was described with ${difference}`;
  return new InvalidArgumentError('set', set.name, expected);
}

function readRange(set: AnySet, fields: ReadonlyMap<number, Uint8Array>) {
  const last = fields.get(NFTA_SET_ELEM.keyEnd);
  const isEnd = ((u32Of(fields.get(NFTA_SET_ELEM.flags)) ?? 0) & ELEMENT_INTERVAL_END) !== 0;
  return {
    ...(last === undefined ? {} : { lastKey: readData(set, set.key, last) }),
    ...(isEnd ? { endsRange: true } : {}),
  };
}

function readOptions(fields: ReadonlyMap<number, Uint8Array>) {
  const timeout = u64Of(fields.get(NFTA_SET_ELEM.timeout));
  const expires = u64Of(fields.get(NFTA_SET_ELEM.expiration));
  const comment = readComment(fields.get(NFTA_SET_ELEM.userdata), 'other');
  return {
    ...(timeout === undefined ? {} : { timeoutMs: Number(timeout) }),
    ...(expires === undefined ? {} : { expiresMs: Number(expires) }),
    ...(comment === undefined ? {} : { comment }),
  };
}
