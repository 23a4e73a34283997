import { attributeMap, i32Of, textOf, u32Of, u64Of } from '../netlink/attribute.ts';
import type { Message } from '../netlink/message.ts';
import { type BaseChain, type Chain, type ChainType, hookName } from '../nft/chain.ts';
import { readDevices } from '../nft/device.ts';
import { rawExpression } from '../nft/expression/expression.ts';
import { familyOf } from '../nft/family.ts';
import { objectKindOf, objectReference } from '../nft/object/map.ts';
import { CHAIN_BINDING, CHAIN_HW_OFFLOAD, TABLE_FLAGS, VERDICT_DATA_TYPE } from '../nft/pack/uapi.ts';
import type { RuleHandle } from '../nft/rule.ts';
import { type AnySet, type NftSet, SET_FLAGS } from '../nft/set.ts';
import { type Statement, statement } from '../nft/statement/source.ts';
import type { Table } from '../nft/table.ts';
import { typeById } from '../nft/type/by-id.ts';
import { isAutoMerge, readComment } from '../nft/userdata.ts';
import { type ListedExpression, readExpression, readExpressions } from './expressions.ts';
import { NFTA_CHAIN, NFTA_HOOK, NFTA_RULE, NFTA_SET, NFTA_SET_DESC_SIZE, NFTA_TABLE } from './uapi.ts';

/** Each function turns one message of a dump into the description that would make the same object. */

function comment(userdata: Uint8Array | undefined, kind: 'set' | 'other'): { comment?: string } {
  const text = readComment(userdata, kind);
  return text === undefined ? {} : { comment: text };
}

export function readTable(message: Message): Table | undefined {
  const family = familyOf(message.family);
  const fields = attributeMap(message.attributes);
  const name = textOf(fields.get(NFTA_TABLE.name));
  if (family === undefined || name === undefined) return undefined;
  const flags = u32Of(fields.get(NFTA_TABLE.flags)) ?? 0;
  return {
    kind: 'table',
    family,
    name,
    ...((flags & TABLE_FLAGS.dormant) === 0 ? {} : { dormant: true }),
    ...((flags & TABLE_FLAGS.owner) === 0 ? {} : { owner: true }),
    ...((flags & TABLE_FLAGS.persist) === 0 ? {} : { persist: true }),
    ...comment(fields.get(NFTA_TABLE.userdata), 'other'),
  };
}

/** Undefined for a chain of another table: the kernel lists those of a family. */
export function readChain(message: Message, table: Table): Chain | undefined {
  const fields = attributeMap(message.attributes);
  const name = textOf(fields.get(NFTA_CHAIN.name));
  if (textOf(fields.get(NFTA_CHAIN.table)) !== table.name || name === undefined) return undefined;
  const base = readBase(table, fields);
  return {
    kind: 'chain',
    table,
    name,
    ...comment(fields.get(NFTA_CHAIN.userdata), 'other'),
    ...(((u32Of(fields.get(NFTA_CHAIN.flags)) ?? 0) & CHAIN_BINDING) === 0 ? {} : { anonymous: true }),
    ...(base === undefined ? {} : { base }),
  };
}

function readBase(table: Table, fields: ReadonlyMap<number, Uint8Array>): BaseChain | undefined {
  const nest = fields.get(NFTA_CHAIN.hook);
  if (nest === undefined) return undefined;
  const hook = attributeMap(nest);
  const hookNumber = u32Of(hook.get(NFTA_HOOK.hooknum)) ?? 0;
  const name = hookName(table.family, hookNumber);
  if (name === undefined) return undefined;
  const device = textOf(hook.get(NFTA_HOOK.dev));
  const list = hook.get(NFTA_HOOK.devs);
  const names = list === undefined ? [] : readDevices(list);
  return {
    type: (textOf(fields.get(NFTA_CHAIN.type)) ?? 'filter') as ChainType,
    hook: name,
    hookNumber,
    priority: i32Of(hook.get(NFTA_HOOK.priority)) ?? 0,
    policy: u32Of(fields.get(NFTA_CHAIN.policy)) === 0 ? 'drop' : 'accept',
    devices: names.length > 0 ? names : device === undefined ? [] : [device],
    ...(((u32Of(fields.get(NFTA_CHAIN.flags)) ?? 0) & CHAIN_HW_OFFLOAD) === 0 ? {} : { offload: true }),
  };
}

/** A rule in the kernel, without what it does. */
export interface ListedRuleHandle extends RuleHandle {
  /** At most 128 bytes. */
  readonly comment?: string;
}

/** A rule as the kernel has it. */
export interface ListedRule extends ListedRuleHandle {
  /** What the kernel runs, in order. Read when first asked for. */
  readonly expressions: readonly ListedExpression[];
}

/** The expressions are most of a rule's bytes and nearly all of the time that reading it takes. */
export function readRuleHandle(message: Message, of: Table | Chain): ListedRuleHandle | undefined {
  return ruleHandleOf(attributeMap(message.attributes), of);
}

export function readRule(message: Message, of: Table | Chain): ListedRule | undefined {
  const fields = attributeMap(message.attributes);
  const handle = ruleHandleOf(fields, of);
  if (handle === undefined) return undefined;
  const list = fields.get(NFTA_RULE.expressions);
  let expressions: readonly ListedExpression[] | undefined;
  return {
    ...handle,
    // Read when somebody asks: they are most of a rule.
    get expressions() {
      expressions ??= readExpressions(list);
      return expressions;
    },
  };
}

function ruleHandleOf(
  fields: ReadonlyMap<number, Uint8Array>,
  of: Table | Chain,
): ListedRuleHandle | undefined {
  const name = textOf(fields.get(NFTA_RULE.chain));
  const handle = u64Of(fields.get(NFTA_RULE.handle));
  if (name === undefined || handle === undefined) return undefined;
  return {
    kind: 'rule handle',
    chain: of.kind === 'chain' ? of : { kind: 'chain', table: of, name },
    handle,
    ...comment(fields.get(NFTA_RULE.userdata), 'other'),
  };
}

/** NFT_SET_POL_MEMORY. */
const POLICY_MEMORY = 1;

function readSetFlags(flags: number, hasTimeout: boolean) {
  return {
    ...((flags & SET_FLAGS.anonymous) === 0 ? {} : { anonymous: true as const }),
    ...((flags & SET_FLAGS.timeout) === 0 || hasTimeout ? {} : { timeouts: true }),
    ...((flags & SET_FLAGS.eval) === 0 ? {} : { dynamic: true }),
    ...((flags & SET_FLAGS.constant) === 0 ? {} : { constant: true }),
    ...((flags & SET_FLAGS.interval) === 0 ? {} : { intervals: true }),
  };
}

function readGcInterval(bytes: Uint8Array | undefined): { gcIntervalMs?: number } {
  const gcIntervalMs = u32Of(bytes);
  return gcIntervalMs === undefined || gcIntervalMs === 0 ? {} : { gcIntervalMs };
}

/** As they are: each goes back into a set unchanged. */
function readSetStatements(fields: ReadonlyMap<number, Uint8Array>): { statements?: readonly Statement[] } {
  const one = fields.get(NFTA_SET.expression);
  const list = fields.get(NFTA_SET.expressions);
  const listed = one === undefined ? readExpressions(list) : [readExpression(one)];
  if (listed.length === 0) return {};
  return { statements: listed.map((expression) => statement([], [rawExpression(expression)])) };
}

function objectMapOf(common: Omit<NftSet<never, unknown>, 'kind'>, type: number): AnySet {
  return { kind: 'map', ...common, data: objectReference(objectKindOf(type), type) };
}

export function readSet(message: Message, table: Table): AnySet | undefined {
  const fields = attributeMap(message.attributes);
  const name = textOf(fields.get(NFTA_SET.name));
  if (name === undefined) return undefined;
  const flags = u32Of(fields.get(NFTA_SET.flags)) ?? 0;
  const size = u32Of(attributeMap(fields.get(NFTA_SET.desc)).get(NFTA_SET_DESC_SIZE));
  const timeoutMs = u64Of(fields.get(NFTA_SET.timeout));
  const common = {
    table,
    name,
    key: typeById(u32Of(fields.get(NFTA_SET.keyType)) ?? 0, u32Of(fields.get(NFTA_SET.keyLen)) ?? 0),
    ...(size === undefined ? {} : { size }),
    ...(timeoutMs === undefined ? {} : { timeoutMs: Number(timeoutMs) }),
    ...readSetFlags(flags, timeoutMs !== undefined),
    ...(isAutoMerge(fields.get(NFTA_SET.userdata)) ? { autoMerge: true } : {}),
    ...(u32Of(fields.get(NFTA_SET.policy)) === POLICY_MEMORY ? { policy: 'memory' as const } : {}),
    ...readGcInterval(fields.get(NFTA_SET.gcInterval)),
    ...readSetStatements(fields),
    ...comment(fields.get(NFTA_SET.userdata), 'set'),
  };
  if ((flags & SET_FLAGS.object) !== 0) return objectMapOf(common, u32Of(fields.get(NFTA_SET.objType)) ?? 0);
  if ((flags & SET_FLAGS.map) === 0) return { kind: 'set', ...common };
  const dataType = u32Of(fields.get(NFTA_SET.dataType)) ?? 0;
  if (dataType === VERDICT_DATA_TYPE) return { kind: 'verdict map', ...common };
  return { kind: 'map', ...common, data: typeById(dataType, u32Of(fields.get(NFTA_SET.dataLen)) ?? 0) };
}
