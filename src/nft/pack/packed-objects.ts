import { NESTED } from '../../netlink/attribute.ts';
import type { AnyAnonymousSet } from '../anonymous-set.ts';
import type { BaseChain, Chain } from '../chain.ts';
import { isPlainDevice } from '../device.ts';
import { text, u32 } from '../expression/expression.ts';
import { expressionsAttribute, statefulExpressions } from '../expression/stateful.ts';
import type { RuleCompat } from '../rule.ts';
import type { RuleBody } from '../rule-body.ts';
import { type AnySet, SET_FLAGS, setFlags, sizeOf } from '../set.ts';
import type { Table } from '../table.ts';
import { anonymousSetUserdata, commentUserdata, setUserdata } from '../userdata.ts';
import { packHook } from './packed-raw.ts';
import type { PackedWriter } from './packed-writer.ts';
import {
  CHAIN_BINDING,
  CHAIN_HW_OFFLOAD,
  COMPAT_INVERTED,
  NFTA_SET,
  NFTNL_CHAIN,
  NFTNL_EXPR_IMM_CHAIN_ID,
  NFTNL_EXPR_LOOKUP,
  NFTNL_EXPR_OBJREF,
  NFTNL_RULE,
  NFTNL_SET,
  NFTNL_TABLE,
  TABLE_FLAGS,
  VERDICT_DATA_TYPE,
} from './uapi.ts';

/** Each function writes the fields of one object: what the kernel must know to make it, or only to find it. */

export function packTable(writer: PackedWriter, table: Table): void {
  writer.text(NFTNL_TABLE.name, table.name);
  writer.u32(NFTNL_TABLE.flags, tableFlags(table));
  if (table.comment !== undefined) writer.bytes(NFTNL_TABLE.userdata, commentUserdata(table.comment));
}

function tableFlags({ dormant, owner, persist }: Table): number {
  return (
    (dormant ? TABLE_FLAGS.dormant : 0) |
    (owner ? TABLE_FLAGS.owner : 0) |
    (persist ? TABLE_FLAGS.persist : 0)
  );
}

export function packTableName(writer: PackedWriter, table: Table): void {
  writer.text(NFTNL_TABLE.name, table.name);
}

export function packChain(writer: PackedWriter, chain: Chain): void {
  packChainName(writer, chain);
  const { base, comment } = chain;
  if (base !== undefined) {
    writer.text(NFTNL_CHAIN.type, base.type);
    writer.u32(NFTNL_CHAIN.policy, base.policy === 'accept' ? 1 : 0);
    if (base.offload) writer.u32(NFTNL_CHAIN.flags, CHAIN_HW_OFFLOAD);
    if (base.devices.every(isPlainDevice)) packPlainHook(writer, base);
    else packHook(writer, base);
  }
  if (comment !== undefined) writer.bytes(NFTNL_CHAIN.userdata, commentUserdata(comment));
}

function packPlainHook(writer: PackedWriter, { hookNumber, priority, devices }: BaseChain): void {
  writer.u32(NFTNL_CHAIN.hooknum, hookNumber);
  writer.u32(NFTNL_CHAIN.prio, priority);
  const [device] = devices;
  if (devices.length > 1) {
    writer.bytes(NFTNL_CHAIN.devices, Buffer.from(devices.map((name) => `${name}\0`).join('')));
  } else if (device !== undefined) {
    writer.text(NFTNL_CHAIN.dev, device);
  }
}

export function packChainName(writer: PackedWriter, chain: Chain): void {
  writer.text(NFTNL_CHAIN.table, chain.table.name);
  writer.text(NFTNL_CHAIN.name, chain.name);
}

/** A chain without a name: the kernel gives it one, and deletes it with the rule that leads to it. */
export function packAnonymousChain(writer: PackedWriter, table: Table, id: number): void {
  writer.text(NFTNL_CHAIN.table, table.name);
  writer.u32(NFTNL_CHAIN.flags, CHAIN_BINDING);
  writer.u32(NFTNL_CHAIN.id, id);
}

/** `idOf` gives the number, in this transaction, of a set or chain without a name. */
export function packRule(
  writer: PackedWriter,
  rule: RuleBody & { readonly compat?: RuleCompat },
  idOf: (part: AnyAnonymousSet | readonly RuleBody[]) => number,
): void {
  if (rule.compat !== undefined) {
    writer.u32(NFTNL_RULE.compatProto, rule.compat.protocol);
    writer.u32(NFTNL_RULE.compatFlags, rule.compat.invert ? COMPAT_INVERTED : 0);
  }
  for (const { name, attributes, raw, anonymousSet, anonymousChain } of rule.expressions) {
    if (anonymousChain !== undefined) {
      writer.expression(name, [...attributes, u32(NFTNL_EXPR_IMM_CHAIN_ID, idOf(anonymousChain))]);
    } else if (raw !== undefined) {
      writer.rawExpression(name, raw);
    } else if (anonymousSet === undefined) {
      writer.expression(name, attributes);
    } else {
      const ids = name === 'objref' ? NFTNL_EXPR_OBJREF : NFTNL_EXPR_LOOKUP;
      const { description } = anonymousSet;
      const reference = [text(ids.set, description.name), u32(ids.setId, idOf(anonymousSet))];
      writer.expression(name, [...attributes, ...reference]);
    }
  }
  if (rule.comment !== undefined) writer.bytes(NFTNL_RULE.userdata, commentUserdata(rule.comment));
}

export function packRuleTable(writer: PackedWriter, table: Table): void {
  writer.text(NFTNL_RULE.table, table.name);
}

export function packRuleChain(writer: PackedWriter, chain: Chain): void {
  packRuleTable(writer, chain.table);
  writer.text(NFTNL_RULE.chain, chain.name);
}

/** Gives the place of the set's size in the packed transaction, where the library may choose one (0 is none). */
export function packSet(writer: PackedWriter, set: AnySet, id: number): number | undefined {
  packSetName(writer, set);
  packSetTypes(writer, set, setFlags(set));
  writer.u32(NFTNL_SET.id, id);
  if (set.policy === 'memory') writer.u32(NFTNL_SET.policy, POLICY_MEMORY);
  const canGrow = set.size === undefined && set.autoSize !== false && !set.intervals;
  const size = sizeOf(set) ?? (canGrow ? 0 : undefined);
  const sizeAt = size === undefined ? undefined : writer.u32(NFTNL_SET.descSize, size);
  if (set.timeoutMs !== undefined) writer.u64(NFTNL_SET.timeout, BigInt(set.timeoutMs));
  if (set.gcIntervalMs !== undefined) writer.u32(NFTNL_SET.gcInterval, set.gcIntervalMs);
  writer.bytes(NFTNL_SET.userdata, setUserdata(set));
  packSetStatements(writer, set);
  return canGrow ? sizeAt : undefined;
}

/** The types of keys and data, and how the fields of ranges are divided. */
function packSetTypes(writer: PackedWriter, set: AnySet, flags: number): void {
  writer.u32(NFTNL_SET.flags, flags);
  writer.u32(NFTNL_SET.keyType, set.key.id);
  writer.u32(NFTNL_SET.keyLen, set.key.byteLength);
  if (set.kind === 'map' && set.data.objectType !== undefined) {
    writer.u32(NFTNL_SET.objType, set.data.objectType);
  } else if (set.kind === 'map') {
    writer.u32(NFTNL_SET.dataType, set.data.id);
    writer.u32(NFTNL_SET.dataLen, set.data.byteLength);
  } else if (set.kind === 'verdict map') {
    writer.u32(NFTNL_SET.dataType, VERDICT_DATA_TYPE);
    writer.u32(NFTNL_SET.dataLen, 0);
  }
  if (!set.intervals || set.key.fields === undefined) return;
  const lengths = Uint8Array.from(set.key.fields, ({ byteLength }) => byteLength);
  writer.bytes(NFTNL_SET.descConcat, lengths);
}

/** NFT_SET_POL_MEMORY. */
const POLICY_MEMORY = 1;

function packSetStatements(writer: PackedWriter, set: AnySet): void {
  if (set.statements === undefined) return;
  const expressions = statefulExpressions(set.statements, set.table.family);
  const { type, value } = expressionsAttribute(NFTA_SET.expression, NFTA_SET.expressions, expressions);
  writer.raw(type | NESTED, value);
}

export function packSetName(writer: PackedWriter, set: AnySet): void {
  writer.text(NFTNL_SET.table, set.table.name);
  writer.text(NFTNL_SET.name, set.name);
}

/** A set without a name: the kernel puts a number in place of the `%d` in the one that it is described with. */
export function packAnonymousSet(
  writer: PackedWriter,
  table: Table,
  { description, size }: AnyAnonymousSet,
  id: number,
): void {
  packSetName(writer, { ...description, table });
  packSetTypes(writer, description, setFlags(description) | SET_FLAGS.anonymous);
  writer.u32(NFTNL_SET.id, id);
  writer.u32(NFTNL_SET.descSize, size);
  writer.bytes(NFTNL_SET.userdata, anonymousSetUserdata(description));
}

export function packAnonymousElements(
  writer: PackedWriter,
  table: Table,
  { description, elements }: AnyAnonymousSet,
  id: number,
): void {
  packSetName(writer, { ...description, table });
  writer.u32(NFTNL_SET.id, id);
  writer.append(elements);
}
