import { constants } from 'node:os';
import { u32Of } from '../netlink/attribute.ts';
import { NFT_MSG, NFTA_OBJ } from '../nft/pack/uapi.ts';
import type { Batch } from './fake-batch.ts';
import { describeObject } from './fake-descriptions.ts';
import { objectDeleted } from './fake-message.ts';
import { type FakeObject, type FakeTable, objectKey } from './fake-ruleset.ts';
import { isExclusive, rawFields } from './packed-fields.ts';
import { type Refusal, refuse } from './refusal.ts';
import type { PackedOperation } from './unpack.ts';

const { EBUSY, EEXIST, ENOENT } = constants.errno;
const NAME = 2;
const FLOWTABLE_MESSAGES: readonly number[] = [
  NFT_MSG.newFlowtable,
  NFT_MSG.delFlowtable,
  NFT_MSG.destroyFlowtable,
];

/** Stateful objects and flowtables: kept as the attributes that they came as. */
export function newObject(
  { journal, events }: Batch,
  table: FakeTable,
  operation: PackedOperation,
): readonly Refusal[] {
  const { map, key, name, type } = placeOf(table, operation);
  const there = map.get(key);
  if (there !== undefined) return isExclusive(operation) ? refuse(EEXIST, NAME) : [];
  const object: FakeObject = {
    isFlowtable: FLOWTABLE_MESSAGES.includes(operation.message),
    name,
    type,
    handle: table.nextHandle++,
    raw: rawFields(operation),
    uses: 0,
  };
  journal.add(map, key, object);
  events.push(() => describeObject(table, object));
  return [];
}

export function deleteObject(
  { journal, events }: Batch,
  table: FakeTable,
  operation: PackedOperation,
): readonly Refusal[] {
  const { map, key } = placeOf(table, operation);
  const { message } = operation;
  const object = map.get(key);
  const isOptional = message === NFT_MSG.destroyObj || message === NFT_MSG.destroyFlowtable;
  if (object === undefined) return isOptional ? [] : refuse(ENOENT, NAME);
  if (object.uses > 0) return refuse(EBUSY, NAME);
  journal.removeOrdered(map, key);
  events.push(() => objectDeleted(table, object));
  return [];
}

function placeOf(table: FakeTable, { message, raw }: PackedOperation) {
  const name = raw.get(NAME)?.toString().replace(/\0$/, '') ?? '';
  if (FLOWTABLE_MESSAGES.includes(message)) return { map: table.flowtables, key: name, name, type: 0 };
  const type = u32Of(raw.get(NFTA_OBJ.type)) ?? 0;
  return { map: table.objects, key: objectKey(type, name), name, type };
}
