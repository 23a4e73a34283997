import { attributeMap, i32Of, textAttribute, textOf, u32Attribute, u32Of } from '../netlink/attribute.ts';
import type { Message } from '../netlink/message.ts';
import { ask, RequestError } from '../netlink/request.ts';
import type { Transport } from '../netlink/transport.ts';
import { readDevices } from '../nft/device.ts';
import { familyNumber } from '../nft/family.ts';
import type { Flowtable } from '../nft/flowtable.ts';
import { OBJECT_KINDS, type ObjectKind, objectType, type StatefulObject } from '../nft/object/kinds.ts';
import { FLOWTABLE_FLAGS } from '../nft/pack/packed-raw.ts';
import { NFTA_FLOWTABLE, NFTA_FLOWTABLE_HOOK, NFTA_OBJ } from '../nft/pack/uapi.ts';
import type { Table } from '../nft/table.ts';
import { readComment } from '../nft/userdata.ts';

const NOTHING = new Uint8Array(0);
const KINDS = Object.entries(OBJECT_KINDS) as [ObjectKind, (typeof OBJECT_KINDS)[ObjectKind]][];

/** The description that would make the same object; one of a kind that is not known here has its bytes. */
export function readObject(message: Message, table: Table): StatefulObject | undefined {
  const fields = attributeMap(message.attributes);
  const name = textOf(fields.get(NFTA_OBJ.name));
  const type = u32Of(fields.get(NFTA_OBJ.type));
  if (name === undefined || type === undefined || textOf(fields.get(NFTA_OBJ.table)) !== table.name)
    return undefined;
  const data = fields.get(NFTA_OBJ.data) ?? NOTHING;
  const comment = readComment(fields.get(NFTA_OBJ.userdata), 'other');
  const common = { table, name, ...(comment === undefined ? {} : { comment }) };
  const known = KINDS.find(([, codec]) => codec.type === type);
  const state = known?.[1].read(data);
  if (known === undefined || state === undefined) {
    return { kind: 'object', ...common, type, data: Uint8Array.from(data) };
  }
  return { kind: known[0], ...common, ...state } as StatefulObject;
}

/** Undefined for a flowtable of another table. */
export function readFlowtable(message: Message, table: Table): Flowtable | undefined {
  const fields = attributeMap(message.attributes);
  const name = textOf(fields.get(NFTA_FLOWTABLE.name));
  if (name === undefined || textOf(fields.get(NFTA_FLOWTABLE.table)) !== table.name) return undefined;
  const hook = attributeMap(fields.get(NFTA_FLOWTABLE.hook));
  const flags = u32Of(fields.get(NFTA_FLOWTABLE.flags)) ?? 0;
  return {
    kind: 'flowtable',
    table,
    name,
    priority: i32Of(hook.get(NFTA_FLOWTABLE_HOOK.priority)) ?? 0,
    devices: readDevices(hook.get(NFTA_FLOWTABLE_HOOK.devs) ?? NOTHING),
    ...((flags & FLOWTABLE_FLAGS.offload) === 0 ? {} : { offload: true }),
    ...((flags & FLOWTABLE_FLAGS.counter) === 0 ? {} : { counter: true }),
  };
}

/** What a dump of a table's objects asks for. */
export function objectsRequest(table: Table, kind: ObjectKind | undefined): Uint8Array {
  const attributes = [textAttribute(NFTA_OBJ.table, table.name)];
  if (kind !== undefined) attributes.push(u32Attribute(NFTA_OBJ.type, objectType(kind)));
  return Buffer.concat(attributes);
}

/** Asks for one object; `message` is NFT_MSG_GETOBJ or NFT_MSG_GETOBJ_RESET. */
export async function askObject<O extends StatefulObject>(
  transport: Transport,
  what: string,
  message: number,
  object: O,
): Promise<O> {
  const attributes = [
    textAttribute(NFTA_OBJ.table, object.table.name),
    textAttribute(NFTA_OBJ.name, object.name),
    u32Attribute(NFTA_OBJ.type, objectType(object)),
  ];
  const family = familyNumber(object.table.family);
  const [reply] = await ask(transport, what, message, 0, family, Buffer.concat(attributes));
  const found = reply === undefined ? undefined : readObject(reply, object.table);
  if (found?.kind === object.kind) return found as O;
  throw new Error(`${what}: the kernel's reply is not about it`);
}

/** An object that was deleted meanwhile is no error. */
export function unlessGone(error: unknown): undefined {
  if (error instanceof RequestError && error.code === 'ENOENT') return undefined;
  throw error;
}
