import { map, type NftMap, type SetOptions } from '../set.ts';
import type { Table } from '../table.ts';
import type { DataType } from '../type/data-type.ts';
import { OBJECT_KINDS, type ObjectKind, type ObjectOfKind, type StatefulObject } from './kinds.ts';

/** What `addElements` takes as the value of an object map: an object, or its name. */
export type ObjectReference<K extends ObjectKind = ObjectKind> = ObjectOfKind<K> | string;

/** A map from keys to stateful objects of one kind. */
export type ObjectMap<
  K,
  KO = K,
  O extends ObjectKind = ObjectKind,
  I extends boolean = boolean,
  C extends boolean = boolean,
> = NftMap<K, KO, ObjectReference<O>, string, I, C>;

/** Describes a map from keys to stateful objects: `objectMap(t, 'm', { key: ipv4Addr, object: 'counter' })`; `objectFrom` uses it. */
export function objectMap<K, KO, O extends ObjectKind, I extends boolean = false, C extends boolean = false>(
  table: Table,
  name: string,
  options: SetOptions<I, C> & { readonly key: DataType<K, KO>; readonly object: O },
): ObjectMap<K, KO, O, I, C> {
  const { object, ...rest } = options;
  return map(table, name, { ...rest, data: objectReference(object, OBJECT_KINDS[object].type) });
}

/** The data type of an object map, by nft's word and the kernel's number for the objects. */
export function objectReference<O extends ObjectKind>(
  name: string,
  objectType: number,
): DataType<ObjectReference<O>, string> {
  return Object.freeze({
    name,
    id: 0,
    byteLength: 0,
    byteOrder: 'none' as const,
    objectType,
    write() {},
    read: () => '',
  });
}

/** nft's word for NFT_OBJECT_*. */
export function objectKindOf(type: number): StatefulObject['kind'] {
  const kinds = Object.keys(OBJECT_KINDS) as ObjectKind[];
  return kinds.find((kind) => OBJECT_KINDS[kind].type === type) ?? 'object';
}
