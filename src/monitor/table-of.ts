import { attributeMap, textOf } from '../netlink/attribute.ts';
import type { Message } from '../netlink/message.ts';
import { familyOf } from '../nft/family.ts';
import type { Table } from '../nft/table.ts';

/** Every kind of object has its table's name there. */
const NFTA_TABLE_NAME = 1;

/** The table that a message's object is in; undefined for a family that has none. */
export function tableOf(message: Message): Table | undefined {
  const family = familyOf(message.family);
  const name = textOf(attributeMap(message.attributes).get(NFTA_TABLE_NAME));
  return family === undefined || name === undefined ? undefined : { kind: 'table', family, name };
}
