import { constants } from 'node:os';
import { NFT_MSG, NFTNL_CHAIN, NFTNL_RULE, NFTNL_SET } from '../nft/pack/uapi.ts';
import type { Batch } from './fake-batch.ts';
import { deleteChain, newChain } from './fake-chains.ts';
import { deleteElements, newElements } from './fake-elements.ts';
import { deleteObject, newObject } from './fake-objects.ts';
import { deleteRules, newRule } from './fake-rules.ts';
import { type FakeTable, tableKey } from './fake-ruleset.ts';
import { deleteSet, newSet } from './fake-sets.ts';
import { deleteTable, newTable } from './fake-tables.ts';
import { textField } from './packed-fields.ts';
import { type Refusal, refuse } from './refusal.ts';
import type { PackedOperation } from './unpack.ts';

const { EINVAL, ENOENT } = constants.errno;

type Handler = (batch: Batch, table: FakeTable, operation: PackedOperation) => readonly Refusal[];

const CHAIN = { tableId: NFTNL_CHAIN.table };
const RULE = { tableId: NFTNL_RULE.table };
const SET = { tableId: NFTNL_SET.table };
/** Their attributes are the kernel's own. */
const RAW = { tableId: undefined };

interface Message {
  readonly tableId: number | undefined;
  readonly handle: Handler;
}

const HANDLERS: ReadonlyMap<number, Message> = new Map<number, Message>([
  [NFT_MSG.newChain, { ...CHAIN, handle: newChain }],
  [NFT_MSG.delChain, { ...CHAIN, handle: deleteChain }],
  [NFT_MSG.destroyChain, { ...CHAIN, handle: deleteChain }],
  [NFT_MSG.newRule, { ...RULE, handle: newRule }],
  [NFT_MSG.delRule, { ...RULE, handle: deleteRules }],
  [NFT_MSG.destroyRule, { ...RULE, handle: deleteRules }],
  [NFT_MSG.newSet, { ...SET, handle: newSet }],
  [NFT_MSG.delSet, { ...SET, handle: deleteSet }],
  [NFT_MSG.destroySet, { ...SET, handle: deleteSet }],
  [NFT_MSG.newSetElem, { ...SET, handle: newElements }],
  [NFT_MSG.delSetElem, { ...SET, handle: deleteElements }],
  [NFT_MSG.destroySetElem, { ...SET, handle: deleteElements }],
  [NFT_MSG.newObj, { ...RAW, handle: newObject }],
  [NFT_MSG.delObj, { ...RAW, handle: deleteObject }],
  [NFT_MSG.destroyObj, { ...RAW, handle: deleteObject }],
  [NFT_MSG.newFlowtable, { ...RAW, handle: newObject }],
  [NFT_MSG.delFlowtable, { ...RAW, handle: deleteObject }],
  [NFT_MSG.destroyFlowtable, { ...RAW, handle: deleteObject }],
]);

const TABLE_ATTRIBUTE = 1;

/** Makes one operation; every refusal of it, of several bad elements one each. */
export function applyOperation(batch: Batch, operation: PackedOperation): readonly Refusal[] {
  switch (operation.message) {
    case NFT_MSG.newTable:
      return newTable(batch, operation);
    case NFT_MSG.delTable:
    case NFT_MSG.destroyTable:
      return deleteTable(batch, operation);
  }
  const message = HANDLERS.get(operation.message);
  if (message === undefined) return refuse(EINVAL);
  const table = tableOf(batch, operation, message.tableId);
  return table === undefined ? refuse(ENOENT, TABLE_ATTRIBUTE) : message.handle(batch, table, operation);
}

/** The table that an operation is about. */
function tableOf(
  { ruleset }: Batch,
  operation: PackedOperation,
  id: number | undefined,
): FakeTable | undefined {
  const raw = operation.raw.get(TABLE_ATTRIBUTE)?.toString().replace(/\0$/, '');
  const name = id === undefined ? raw : textField(operation, id);
  return ruleset.tables.get(tableKey(operation.family, name ?? ''));
}
