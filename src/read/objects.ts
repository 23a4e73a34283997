import { attributeMap, attributes, i32Of, textOf, u32Of, u64Of } from '../netlink/attribute.ts';
import type { Message } from '../netlink/message.ts';
import { type BaseChain, type Chain, type ChainType, hookName } from '../nft/chain.ts';
import { familyOf } from '../nft/family.ts';
import { VERDICT_DATA_TYPE } from '../nft/pack/uapi.ts';
import type { RuleHandle } from '../nft/rule.ts';
import { type AnySet, SET_FLAGS } from '../nft/set.ts';
import type { Table } from '../nft/table.ts';
import { typeById } from '../nft/type/by-id.ts';
import { readComment } from '../nft/userdata.ts';
import { type ListedExpression, readExpressions } from './expressions.ts';
import {
  NFTA_CHAIN,
  NFTA_DEVICE_NAME,
  NFTA_HOOK,
  NFTA_RULE,
  NFTA_SET,
  NFTA_SET_DESC_SIZE,
  NFTA_TABLE,
} from './uapi.ts';

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
  const dormant = ((u32Of(fields.get(NFTA_TABLE.flags)) ?? 0) & 1) !== 0;
  return {
    kind: 'table',
    family,
    name,
    ...(dormant ? { dormant } : {}),
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
  const devices =
    list === undefined ? [] : [...attributes(list)].filter(({ type }) => type === NFTA_DEVICE_NAME);
  const names = devices.map(({ bytes }) => textOf(bytes) ?? '');
  return {
    type: (textOf(fields.get(NFTA_CHAIN.type)) ?? 'filter') as ChainType,
    hook: name,
    hookNumber,
    priority: i32Of(hook.get(NFTA_HOOK.priority)) ?? 0,
    policy: u32Of(fields.get(NFTA_CHAIN.policy)) === 0 ? 'drop' : 'accept',
    devices: names.length > 0 ? names : device === undefined ? [] : [device],
  };
}

/** A rule as the kernel has it. */
export interface ListedRule extends RuleHandle {
  readonly expressions: readonly ListedExpression[];
  readonly comment?: string;
}

export function readRule(message: Message, of: Table | Chain): ListedRule | undefined {
  const fields = attributeMap(message.attributes);
  const name = textOf(fields.get(NFTA_RULE.chain));
  const handle = u64Of(fields.get(NFTA_RULE.handle));
  if (name === undefined || handle === undefined) return undefined;
  return {
    kind: 'rule handle',
    chain: of.kind === 'chain' ? of : { kind: 'chain', table: of, name },
    handle,
    expressions: readExpressions(fields.get(NFTA_RULE.expressions)),
    ...comment(fields.get(NFTA_RULE.userdata), 'other'),
  };
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
    ...((flags & SET_FLAGS.timeout) === 0 || timeoutMs !== undefined ? {} : { timeouts: true }),
    ...((flags & SET_FLAGS.eval) === 0 ? {} : { dynamic: true }),
    ...((flags & SET_FLAGS.constant) === 0 ? {} : { constant: true }),
    ...comment(fields.get(NFTA_SET.userdata), 'set'),
  };
  if ((flags & SET_FLAGS.map) === 0) return { kind: 'set', ...common };
  const dataType = u32Of(fields.get(NFTA_SET.dataType)) ?? 0;
  if (dataType === VERDICT_DATA_TYPE) return { kind: 'verdict map', ...common };
  return { kind: 'map', ...common, data: typeById(dataType, u32Of(fields.get(NFTA_SET.dataLen)) ?? 0) };
}
