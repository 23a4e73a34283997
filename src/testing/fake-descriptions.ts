import { attribute, nest, textAttribute, u32Attribute, u64Attribute } from '../netlink/attribute.ts';
import { deviceAttributes, isPlainDevice } from '../nft/device.ts';
import { CHAIN_BINDING, NFT_MSG } from '../nft/pack/uapi.ts';
import { NFTA_CHAIN, NFTA_HOOK, NFTA_RULE, NFTA_SET, NFTA_SET_DESC_SIZE, NFTA_TABLE } from '../read/uapi.ts';
import { type FakeMessage, NFTA_HANDLE, optional } from './fake-message.ts';
import type { FakeChain, FakeObject, FakeRule, FakeSet, FakeTable } from './fake-ruleset.ts';

/** Objects as the kernel describes them, in listings and in events. */

const NFTA_USE = { object: 5, flowtable: 4 } as const;
const NFTA_RULE_POSITION = 6;
/** An object's own name, where a raw attribute has not brought it. */
const NFTA_OBJ_NAME = 2;

export function describeTable(table: FakeTable): FakeMessage {
  const { family, name, handle, flags, userdata } = table;
  return {
    type: NFT_MSG.newTable,
    family,
    attributes: [
      textAttribute(NFTA_TABLE.name, name),
      u32Attribute(NFTA_TABLE.flags, flags),
      u64Attribute(NFTA_HANDLE.table, handle),
      ...optional(NFTA_TABLE.userdata, userdata),
    ],
  };
}

export function describeChain({ family, name: tableName }: FakeTable, chain: FakeChain): FakeMessage {
  const { name, handle, userdata } = chain;
  return {
    type: NFT_MSG.newChain,
    family,
    attributes: [
      textAttribute(NFTA_CHAIN.table, tableName),
      textAttribute(NFTA_CHAIN.name, name),
      u64Attribute(NFTA_CHAIN.handle, handle),
      ...hookAttributes(chain),
      ...(chain.anonymous ? [u32Attribute(NFTA_CHAIN.flags, CHAIN_BINDING)] : []),
      ...optional(NFTA_CHAIN.userdata, userdata),
    ],
  };
}

function hookAttributes({ base }: FakeChain): readonly Uint8Array[] {
  if (base === undefined) return [];
  const hook = [
    u32Attribute(NFTA_HOOK.hooknum, base.hook),
    u32Attribute(NFTA_HOOK.priority, base.priority),
    ...hookDevices(base.devices),
  ];
  return [
    nest(NFTA_CHAIN.hook, hook),
    u32Attribute(NFTA_CHAIN.policy, base.policy),
    textAttribute(NFTA_CHAIN.type, base.type),
  ];
}

/** With one device its name stands by itself, too. */
function hookDevices(devices: readonly string[]): readonly Uint8Array[] {
  const [first] = devices;
  if (first === undefined) return [];
  const one = devices.length === 1 && isPlainDevice(first) ? [textAttribute(NFTA_HOOK.dev, first)] : [];
  return [...one, nest(NFTA_HOOK.devs, deviceAttributes(devices))];
}

/** All rules of a chain, or the one with a handle. */
export function describeRules(table: FakeTable, chain: FakeChain, handle?: bigint): readonly FakeMessage[] {
  const replies: FakeMessage[] = [];
  let previous: FakeRule | undefined;
  for (const rule of chain.rules) {
    if (handle === undefined || rule.handle === handle) {
      replies.push(describeRule(table, chain, rule, previous));
    }
    previous = rule;
  }
  return replies;
}

export function describeRule(
  { family, name }: FakeTable,
  chain: FakeChain,
  rule: FakeRule,
  previous?: FakeRule,
): FakeMessage {
  return {
    type: NFT_MSG.newRule,
    family,
    attributes: [
      textAttribute(NFTA_RULE.table, name),
      textAttribute(NFTA_RULE.chain, chain.name),
      u64Attribute(NFTA_RULE.handle, rule.handle),
      ...(previous === undefined ? [] : [u64Attribute(NFTA_RULE_POSITION, previous.handle)]),
      nest(NFTA_RULE.expressions, [rule.wire]),
      ...optional(NFTA_RULE.userdata, rule.userdata),
    ],
  };
}

export function describeSet({ family, name: tableName }: FakeTable, set: FakeSet): FakeMessage {
  const { dataType, objectType, size, timeoutMs } = set;
  return {
    type: NFT_MSG.newSet,
    family,
    attributes: [
      textAttribute(NFTA_SET.table, tableName),
      textAttribute(NFTA_SET.name, set.name),
      u64Attribute(NFTA_HANDLE.set, set.handle),
      ...(set.flags === 0 ? [] : [u32Attribute(NFTA_SET.flags, set.flags)]),
      u32Attribute(NFTA_SET.keyType, set.keyType),
      u32Attribute(NFTA_SET.keyLen, set.keyLength),
      ...(dataType === undefined
        ? []
        : [u32Attribute(NFTA_SET.dataType, dataType), u32Attribute(NFTA_SET.dataLen, set.dataLength)]),
      ...(objectType === undefined ? [] : [u32Attribute(NFTA_SET.objType, objectType)]),
      ...(timeoutMs === 0n ? [] : [u64Attribute(NFTA_SET.timeout, timeoutMs)]),
      ...optional(NFTA_SET.userdata, set.userdata),
      nest(NFTA_SET.desc, size === undefined ? [] : [u32Attribute(NFTA_SET_DESC_SIZE, size)]),
      ...[...set.raw].map(([type, bytes]) => attribute(type, bytes)),
    ],
  };
}

export function describeObject({ family, name }: FakeTable, object: FakeObject): FakeMessage {
  const numbers = object.isFlowtable ? 'flowtable' : 'object';
  const own = [...object.raw].map(([type, bytes]) => attribute(type, bytes));
  return {
    type: object.isFlowtable ? NFT_MSG.newFlowtable : NFT_MSG.newObj,
    family,
    attributes: [
      ...(object.raw.has(NFTA_OBJ_NAME) ? [] : [textAttribute(NFTA_OBJ_NAME, name)]),
      ...own,
      u32Attribute(NFTA_USE[numbers], object.uses),
      u64Attribute(NFTA_HANDLE[numbers], object.handle),
    ],
  };
}
