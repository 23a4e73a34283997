import { constants } from 'node:os';
import { u32Of } from '../netlink/attribute.ts';
import { NFT_MSG, NFTA_OBJ } from '../nft/pack/uapi.ts';
import type { Batch } from './fake-batch.ts';
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
  { journal }: Batch,
  table: FakeTable,
  operation: PackedOperation,
): readonly Refusal[] {
  const { map, key, name, type } = placeOf(table, operation);
  const there = map.get(key);
  if (there !== undefined) return isExclusive(operation) ? refuse(EEXIST, NAME) : [];
  const object: FakeObject = {
    name,
    type,
    handle: table.nextHandle++,
    raw: rawFields(operation),
    uses: 0,
  };
  journal.add(map, key, object);
  return [];
}

export function deleteObject(
  { journal }: Batch,
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
  return [];
}

function placeOf(table: FakeTable, { message, raw }: PackedOperation) {
  const name = raw.get(NAME)?.toString().replace(/\0$/, '') ?? '';
  if (FLOWTABLE_MESSAGES.includes(message)) return { map: table.flowtables, key: name, name, type: 0 };
  const type = u32Of(raw.get(NFTA_OBJ.type)) ?? 0;
  return { map: table.objects, key: objectKey(type, name), name, type };
}
