import { attribute, textAttribute, u32Attribute, u64Attribute } from '../netlink/attribute.ts';
import { NFT_MSG, NFTA_OBJ } from '../nft/pack/uapi.ts';
import { NFTA_CHAIN, NFTA_GEN_ID, NFTA_RULE, NFTA_SET, NFTA_TABLE } from '../read/uapi.ts';
import type { FakeChain, FakeObject, FakeRule, FakeSet, FakeTable } from './fake-ruleset.ts';

/** One message of an answer or of an event. */
export interface FakeMessage {
  /** NFT_MSG_*. */
  readonly type: number;
  readonly family: number;
  readonly attributes: readonly Uint8Array[];
}

/** Attribute numbers that the library does not read. */
export const NFTA_HANDLE = { table: 4, set: 16, object: 6, flowtable: 5 } as const;
const NFTA_GEN = { processId: 2, processName: 3 } as const;
const NFNL_SUBSYS_NFTABLES = 10;
const HEADER_BYTES = 20;

/** Who commits: what the kernel says in NEWGEN. */
export interface FakeProcess {
  /** Its pid. */
  readonly id: number;
  /** At most 15 bytes. */
  readonly name: string;
}

/** The message's bytes, from its nlmsghdr on. */
export function packMessage({ type, family, attributes }: FakeMessage, generation: number): Buffer {
  const body = Buffer.concat(attributes);
  const message = Buffer.alloc(HEADER_BYTES);
  message.writeUInt32LE(HEADER_BYTES + body.length, 0);
  message.writeUInt8(type, 4);
  message.writeUInt8(NFNL_SUBSYS_NFTABLES, 5);
  message.writeUInt8(family, 16);
  message.writeUInt16BE(generation & 0xffff, 18);
  return Buffer.concat([message, body]);
}

export function optional(type: number, bytes: Uint8Array | undefined): readonly Uint8Array[] {
  return bytes === undefined ? [] : [attribute(type, bytes)];
}

/** The answer to GETGEN, and what ends the events of a transaction. */
export function generationMessage(generation: number, { id, name }: FakeProcess): FakeMessage {
  const attributes = [
    u32Attribute(NFTA_GEN_ID, generation),
    u32Attribute(NFTA_GEN.processId, id),
    textAttribute(NFTA_GEN.processName, name),
  ];
  return { type: NFT_MSG.newGen, family: 0, attributes };
}

/** Of what is deleted the kernel says no more than how it is found. */

export function tableDeleted({ family, name, handle }: FakeTable): FakeMessage {
  const attributes = [textAttribute(NFTA_TABLE.name, name), u64Attribute(NFTA_HANDLE.table, handle)];
  return { type: NFT_MSG.delTable, family, attributes };
}

export function chainDeleted({ family, name }: FakeTable, chain: FakeChain): FakeMessage {
  const attributes = [
    textAttribute(NFTA_CHAIN.table, name),
    textAttribute(NFTA_CHAIN.name, chain.name),
    u64Attribute(NFTA_CHAIN.handle, chain.handle),
  ];
  return { type: NFT_MSG.delChain, family, attributes };
}

export function ruleDeleted({ family, name }: FakeTable, chain: FakeChain, rule: FakeRule): FakeMessage {
  const attributes = [
    textAttribute(NFTA_RULE.table, name),
    textAttribute(NFTA_RULE.chain, chain.name),
    u64Attribute(NFTA_RULE.handle, rule.handle),
  ];
  return { type: NFT_MSG.delRule, family, attributes };
}

export function setDeleted({ family, name }: FakeTable, set: FakeSet): FakeMessage {
  const attributes = [
    textAttribute(NFTA_SET.table, name),
    textAttribute(NFTA_SET.name, set.name),
    u64Attribute(NFTA_HANDLE.set, set.handle),
  ];
  return { type: NFT_MSG.delSet, family, attributes };
}

export function objectDeleted({ family, name }: FakeTable, object: FakeObject): FakeMessage {
  const common = [textAttribute(NFTA_OBJ.table, name), textAttribute(NFTA_OBJ.name, object.name)];
  if (object.isFlowtable) {
    const attributes = [...common, u64Attribute(NFTA_HANDLE.flowtable, object.handle)];
    return { type: NFT_MSG.delFlowtable, family, attributes };
  }
  const own = [u32Attribute(NFTA_OBJ.type, object.type), u64Attribute(NFTA_HANDLE.object, object.handle)];
  return { type: NFT_MSG.delObj, family, attributes: [...common, ...own] };
}
