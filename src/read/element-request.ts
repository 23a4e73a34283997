import { textAttribute } from '../netlink/attribute.ts';
import type { AnySet } from '../nft/set.ts';
import { NFTA_SET_ELEM_LIST } from './uapi.ts';

/** The attributes of a question about a set's elements. */
export function setNameAttributes(set: AnySet): Uint8Array {
  return Buffer.concat([
    textAttribute(NFTA_SET_ELEM_LIST.table, set.table.name),
    textAttribute(NFTA_SET_ELEM_LIST.set, set.name),
  ]);
}
