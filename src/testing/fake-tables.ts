import { constants } from 'node:os';
import { NFT_MSG, NFTNL_TABLE } from '../nft/pack/uapi.ts';
import type { Batch } from './fake-batch.ts';
import { describeTable } from './fake-descriptions.ts';
import { chainDeleted, objectDeleted, setDeleted, tableDeleted } from './fake-message.ts';
import { flushChains } from './fake-rules.ts';
import { FAKE_SET_FLAG, type FakeTable, tableKey } from './fake-ruleset.ts';
import { bytesField, isExclusive, textField, u32Field } from './packed-fields.ts';
import { type Refusal, refuse } from './refusal.ts';
import type { PackedOperation } from './unpack.ts';

const { EEXIST, EINVAL, ENOENT, EOPNOTSUPP } = constants.errno;
const NAME = 1;
/** NFT_TABLE_F_*: dormant, owner, persist. */
const KNOWN_FLAGS = 7;

export function newTable(
  { ruleset, journal, made, toggled, updated, events }: Batch,
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
    events.push({ describe: () => describeTable(there) });
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
  made.add(table);
  events.push({ describe: () => describeTable(table) });
  return [];
}

/** With everything in it. */
export function deleteTable(batch: Batch, operation: PackedOperation): readonly Refusal[] {
  const { ruleset, journal, toValidate } = batch;
  const key = tableKey(operation.family, textField(operation, NFTNL_TABLE.name) ?? '');
  const table = ruleset.tables.get(key);
  if (table === undefined) return operation.message === NFT_MSG.destroyTable ? [] : refuse(ENOENT, NAME);
  empty(batch, table);
  toValidate.delete(table);
  journal.removeOrdered(ruleset.tables, key);
  return [];
}

/** In the order in which the kernel tells it: nft_flush_table. */
function empty(batch: Batch, table: FakeTable): void {
  const { events } = batch;
  flushChains(batch, table);
  for (const set of table.sets.values()) {
    if ((set.flags & FAKE_SET_FLAG.anonymous) === 0) events.push({ describe: () => setDeleted(table, set) });
  }
  for (const object of [...table.flowtables.values(), ...table.objects.values()]) {
    events.push({ describe: () => objectDeleted(table, object) });
  }
  for (const chain of table.chains.values()) events.push({ describe: () => chainDeleted(table, chain) });
  events.push({ describe: () => tableDeleted(table) });
}
