import { constants } from 'node:os';
import { attribute, attributeMap, u32Of } from '../netlink/attribute.ts';
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
export function newObject(batch: Batch, table: FakeTable, operation: PackedOperation): readonly Refusal[] {
  const { journal, events } = batch;
  const { map, key, name, type } = placeOf(table, operation);
  const there = map.get(key);
  if (there !== undefined) return updateObject(batch, table, there, operation);
  const object: FakeObject = {
    isFlowtable: FLOWTABLE_MESSAGES.includes(operation.message),
    name,
    type,
    handle: table.nextHandle++,
    raw: rawFields(operation),
    uses: 0,
  };
  journal.add(map, key, object);
  events.push({ describe: () => describeObject(table, object) });
  return [];
}

/** Only quotas and synproxies take on what is new; a quota keeps what was used of it. */
function updateObject(
  { journal, events }: Batch,
  table: FakeTable,
  object: FakeObject,
  operation: PackedOperation,
): readonly Refusal[] {
  if (isExclusive(operation)) return refuse(EEXIST, NAME);
  if (object.isFlowtable || !UPDATED_TYPES.includes(object.type)) return [];
  const kept = new Map(
    [...attributeMap(object.raw.get(NFTA_OBJ.data))].filter(([type]) => isKept(object, type)),
  );
  const fields = [...attributeMap(operation.raw.get(NFTA_OBJ.data)), ...kept];
  const parts = new Map(fields.map(([type, bytes]) => [type, attribute(type, Uint8Array.from(bytes))]));
  journal.set(object, 'raw', new Map([...object.raw, [NFTA_OBJ.data, Buffer.concat([...parts.values()])]]));
  events.push({ describe: () => describeObject(table, object) });
  return [];
}

/** NFT_OBJECT_QUOTA, NFT_OBJECT_SYNPROXY; NFTA_QUOTA_CONSUMED. */
const [QUOTA, SYNPROXY, CONSUMED] = [2, 10, 4];
const UPDATED_TYPES: readonly number[] = [QUOTA, SYNPROXY];

function isKept({ type }: FakeObject, attributeType: number): boolean {
  return type === QUOTA && attributeType === CONSUMED;
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
  events.push({ describe: () => objectDeleted(table, object) });
  return [];
}

function placeOf(table: FakeTable, { message, raw }: PackedOperation) {
  const name = raw.get(NAME)?.toString().replace(/\0$/, '') ?? '';
  if (FLOWTABLE_MESSAGES.includes(message)) return { map: table.flowtables, key: name, name, type: 0 };
  const type = u32Of(raw.get(NFTA_OBJ.type)) ?? 0;
  return { map: table.objects, key: objectKey(type, name), name, type };
}
