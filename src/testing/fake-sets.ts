import { constants } from 'node:os';
import { NFT_MSG, NFTNL_SET, VERDICT_DATA_TYPE } from '../nft/pack/uapi.ts';
import type { Batch } from './fake-batch.ts';
import { describeSet } from './fake-descriptions.ts';
import { setDeleted } from './fake-message.ts';
import { FAKE_SET_FLAG, type FakeElement, type FakeSet, type FakeTable } from './fake-ruleset.ts';
import { bytesField, isExclusive, rawFields, textField, u32Field, u64Field } from './packed-fields.ts';
import { type Refusal, refuse } from './refusal.ts';
import type { PackedOperation } from './unpack.ts';

const { EBUSY, EEXIST, EINVAL, ENOENT, EOPNOTSUPP } = constants.errno;
const NAME = 2;
const MAX_KEY_BYTES = 64;
/** sizeof(struct nft_verdict): what the kernel lists as the data length of a verdict map. */
const VERDICT_BYTES = 16;

export function newSet(batch: Batch, table: FakeTable, operation: PackedOperation): readonly Refusal[] {
  const { journal, setsById } = batch;
  const wanted = textField(operation, NFTNL_SET.name) ?? '';
  const errno = checkDescription(operation);
  if (errno !== undefined) return refuse(errno);
  const there = table.sets.get(wanted);
  if (there !== undefined) return updateSet(batch, table, there, operation);
  const name = wanted.includes('%d') ? freeName(table, wanted) : wanted;
  const set = makeSet(table, name, operation);
  journal.add(table.sets, name, set);
  batch.events.push({ describe: () => describeSet(table, set) });
  const id = u32Field(operation, NFTNL_SET.id);
  if (id !== undefined) setsById.set(id, set);
  return [];
}

function makeSet(table: FakeTable, name: string, operation: PackedOperation): FakeSet {
  const flags = u32Field(operation, NFTNL_SET.flags) ?? 0;
  const fields = [...(bytesField(operation, NFTNL_SET.descConcat) ?? [])];
  const isTree = (flags & FAKE_SET_FLAG.interval) !== 0 && fields.length === 0;
  const dataType = u32Field(operation, NFTNL_SET.dataType);
  return {
    name,
    handle: table.nextHandle++,
    flags,
    keyType: u32Field(operation, NFTNL_SET.keyType) ?? 0,
    keyLength: u32Field(operation, NFTNL_SET.keyLen) ?? 0,
    dataType,
    dataLength:
      dataType === VERDICT_DATA_TYPE ? VERDICT_BYTES : (u32Field(operation, NFTNL_SET.dataLen) ?? 0),
    objectType: u32Field(operation, NFTNL_SET.objType),
    userdata: bytesField(operation, NFTNL_SET.userdata),
    raw: rawFields(operation),
    fields,
    boundaries: isTree ? [] : undefined,
    size: u32Field(operation, NFTNL_SET.descSize) || undefined,
    timeoutMs: u64Field(operation, NFTNL_SET.timeout) ?? 0n,
    uses: 0,
    elements: new Map(),
  };
}

function checkDescription(operation: PackedOperation): number | undefined {
  const flags = u32Field(operation, NFTNL_SET.flags) ?? 0;
  const length = u32Field(operation, NFTNL_SET.keyLen) ?? 0;
  const isMap = (flags & FAKE_SET_FLAG.map) !== 0;
  if (length < 1 || length > MAX_KEY_BYTES) return EINVAL;
  if (isMap !== operation.attributes.has(NFTNL_SET.dataType)) return EINVAL;
  const hasTimeout = (u64Field(operation, NFTNL_SET.timeout) ?? 0n) > 0n;
  return hasTimeout && (flags & FAKE_SET_FLAG.timeout) === 0 ? EINVAL : undefined;
}

/** What exists takes on another timeout and size; anything else must be the same. */
function updateSet(
  { journal, events }: Batch,
  table: FakeTable,
  set: FakeSet,
  operation: PackedOperation,
): readonly Refusal[] {
  if (isExclusive(operation)) return refuse(EEXIST, NAME);
  if ((set.flags & FAKE_SET_FLAG.anonymous) !== 0) return refuse(EOPNOTSUPP);
  const isSame =
    set.flags === (u32Field(operation, NFTNL_SET.flags) ?? 0) &&
    set.keyType === u32Field(operation, NFTNL_SET.keyType) &&
    set.keyLength === u32Field(operation, NFTNL_SET.keyLen) &&
    set.dataType === u32Field(operation, NFTNL_SET.dataType) &&
    (set.dataType === VERDICT_DATA_TYPE || set.dataLength === (u32Field(operation, NFTNL_SET.dataLen) ?? 0));
  if (!isSame) return refuse(EEXIST, NAME);
  journal.set(set, 'timeoutMs', u64Field(operation, NFTNL_SET.timeout) ?? 0n);
  const size = u32Field(operation, NFTNL_SET.descSize);
  if (size !== undefined && size !== 0) journal.set(set, 'size', size);
  events.push({ describe: () => describeSet(table, set) });
  return [];
}

/** `__set%d` gets the lowest number that is free in the table. */
function freeName(table: FakeTable, pattern: string): string {
  for (let number = 0; ; number++) {
    const name = pattern.replace('%d', String(number));
    if (!table.sets.has(name)) return name;
  }
}

export function deleteSet(batch: Batch, table: FakeTable, operation: PackedOperation): readonly Refusal[] {
  const set = table.sets.get(textField(operation, NFTNL_SET.name) ?? '');
  if (set === undefined) {
    return operation.message === NFT_MSG.destroySet ? [] : refuse(ENOENT, NAME);
  }
  if (set.uses > 0) return refuse(EBUSY, NAME);
  dropSet(batch, table, set);
  batch.events.push({ describe: () => setDeleted(table, set) });
  return [];
}

/** Takes a set out of its table. What its elements led to is less used. */
export function dropSet(batch: Batch, table: FakeTable, set: FakeSet): void {
  for (const element of set.elements.values()) releaseElement(batch, element);
  batch.journal.removeOrdered(table.sets, set.name);
}

export function retainElement({ journal }: Batch, { chain, object }: FakeElement): void {
  if (chain !== undefined) journal.set(chain, 'uses', chain.uses + 1);
  if (object !== undefined) journal.set(object, 'uses', object.uses + 1);
}

export function releaseElement({ journal }: Batch, { chain, object }: FakeElement): void {
  if (chain !== undefined) journal.set(chain, 'uses', chain.uses - 1);
  if (object !== undefined) journal.set(object, 'uses', object.uses - 1);
}
