import { attributeMap, attributes, i32Of, textOf, u64Of } from '../netlink/attribute.ts';
import type { Message } from '../netlink/message.ts';
import type { AnySet, NftMap, NftSet, VerdictMap } from '../nft/set.ts';
import type { DataType } from '../nft/type/data-type.ts';
import { readComment } from '../nft/userdata.ts';
import { type Verdict, verdictOf } from '../nft/verdict.ts';
import { NFTA_DATA, NFTA_SET_ELEM, NFTA_SET_ELEM_LIST, NFTA_VERDICT } from './uapi.ts';

/** An element as the kernel has it. */
export interface ListedElement<K, V> {
  readonly key: K;
  /** The data of a map, the verdict of a verdict map, undefined in a set. */
  readonly value: V;
  readonly timeoutMs?: number;
  /** Time that is left. */
  readonly expiresMs?: number;
  readonly comment?: string;
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
    const key = bytesIn(fields.get(NFTA_SET_ELEM.key));
    if (key === undefined || key.length < set.key.byteLength) continue;
    yield {
      key: set.key.read(key, 0),
      value: readValue(set, fields.get(NFTA_SET_ELEM.data)),
      ...readOptions(fields),
    } as ListedElementOf<S>;
  }
}

function bytesIn(nest: Uint8Array | undefined): Uint8Array | undefined {
  return attributeMap(nest).get(NFTA_DATA.value);
}

function readValue(set: AnySet, nest: Uint8Array | undefined): unknown {
  if (set.kind === 'set') return undefined;
  if (set.kind === 'map') return readData(set.data, bytesIn(nest));
  const verdict = attributeMap(attributeMap(nest).get(NFTA_DATA.verdict));
  return verdictOf(i32Of(verdict.get(NFTA_VERDICT.code)) ?? 0, textOf(verdict.get(NFTA_VERDICT.chain)));
}

function readData(type: DataType<never, unknown>, bytes: Uint8Array | undefined): unknown {
  return bytes === undefined || bytes.length < type.byteLength ? undefined : type.read(bytes, 0);
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
