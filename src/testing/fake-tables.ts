import { constants } from 'node:os';
import { NFT_MSG, NFTNL_TABLE } from '../nft/pack/uapi.ts';
import type { Batch } from './fake-batch.ts';
import { type FakeTable, tableKey } from './fake-ruleset.ts';
import { bytesField, isExclusive, textField, u32Field } from './packed-fields.ts';
import { type Refusal, refuse } from './refusal.ts';
import type { PackedOperation } from './unpack.ts';

const { EEXIST, EINVAL, ENOENT, EOPNOTSUPP } = constants.errno;
const NAME = 1;
/** NFT_TABLE_F_*: dormant, owner, persist. */
const KNOWN_FLAGS = 7;

export function newTable(
  { ruleset, journal, toggled, updated }: Batch,
  operation: PackedOperation,
): readonly Refusal[] {
  const name = textField(operation, NFTNL_TABLE.name) ?? '';
  const key = tableKey(operation.family, name);
  const flags = u32Field(operation, NFTNL_TABLE.flags) ?? 0;
  const there = ruleset.tables.get(key);
  if (there !== undefined && isExclusive(operation)) return refuse(EEXIST, NAME);
  if ((flags & ~KNOWN_FLAGS) !== 0) return refuse(EOPNOTSUPP);
  if (there !== undefined) {
    if (there.flags === flags) return [];
    if (updated.has(there)) return refuse(EINVAL);
    updated.add(there);
    toggled.add(there);
    journal.set(there, 'flags', flags);
    return [];
  }
  const table: FakeTable = {
    family: operation.family,
    name,
    handle: ruleset.nextTableHandle++,
    flags,
    userdata: bytesField(operation, NFTNL_TABLE.userdata),
    nextHandle: 1n,
    chains: new Map(),
    sets: new Map(),
    objects: new Map(),
    flowtables: new Map(),
  };
  journal.add(ruleset.tables, key, table);
  return [];
}

/** With everything in it. */
export function deleteTable(batch: Batch, operation: PackedOperation): readonly Refusal[] {
  const { ruleset, journal, toValidate } = batch;
  const key = tableKey(operation.family, textField(operation, NFTNL_TABLE.name) ?? '');
  const table = ruleset.tables.get(key);
  if (table === undefined) return operation.message === NFT_MSG.destroyTable ? [] : refuse(ENOENT, NAME);
  toValidate.delete(table);
  journal.removeOrdered(ruleset.tables, key);
  return [];
}
