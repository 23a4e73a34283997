import { constants } from 'node:os';
import {
  attribute,
  attributeMap,
  attributes,
  nest,
  textAttribute,
  textOf,
  u32Attribute,
  u64Of,
} from '../netlink/attribute.ts';
import { deviceAttributes, isPlainDevice } from '../nft/device.ts';
import { CHAIN_BINDING, ELEMENT_FLAG, NFT_MSG, NFTA_OBJ, NLM_F } from '../nft/pack/uapi.ts';
import {
  NFTA_CHAIN,
  NFTA_DATA,
  NFTA_GEN_ID,
  NFTA_HOOK,
  NFTA_RULE,
  NFTA_SET,
  NFTA_SET_DESC_SIZE,
  NFTA_SET_ELEM,
  NFTA_SET_ELEM_LIST,
  NFTA_TABLE,
} from '../read/uapi.ts';
import { wireVerdict } from './fake-expressions.ts';
import {
  FAKE_SET_FLAG,
  type FakeChain,
  type FakeElement,
  type FakeObject,
  type FakeRule,
  type FakeRuleset,
  type FakeSet,
  type FakeTable,
  isExpired,
  tableKey,
} from './fake-ruleset.ts';

const { EINVAL, ENOENT } = constants.errno;
const NFNL_SUBSYS_NFTABLES = 10;
const NFTA_LIST_ELEMENT = 1;
const NFTA_SET_ELEM_OBJREF = 9;
const HANDLE = { table: 4, set: 16, object: 6, flowtable: 5 } as const;
const USE = { object: 5, flowtable: 4 } as const;
/** What fits into one message of elements: the kernel's parts are of 32 KiB at most. */
const MAX_ELEMENT_BYTES = 30_000;
/** NFT_NETDEVICE: with one device its name stands by itself, too. */
const POSITION = 6;

/** One message of an answer. */
interface Reply {
  readonly type: number;
  readonly family: number;
  readonly attributes: readonly Uint8Array[];
}

/** A question to a fake kernel, as `Transport.request` puts it. */
export interface Question {
  readonly message: number;
  readonly flags: number;
  readonly family: number;
  readonly attributes: Uint8Array;
}

/** What the kernel would answer: docs/packed-format.md, "Request". */
export function answer(ruleset: FakeRuleset, nowMs: number, question: Question): Uint8Array {
  const replies = new Answerer(ruleset, nowMs, question).replies();
  const header = Buffer.alloc(8);
  if (typeof replies === 'number') {
    header.writeInt32LE(replies, 0);
    return header;
  }
  return Buffer.concat([header, ...replies.map((reply) => packReply(reply, ruleset.generation))]);
}

function packReply({ type, family, attributes: parts }: Reply, generation: number): Uint8Array {
  const body = Buffer.concat(parts);
  const message = Buffer.alloc(20);
  message.writeUInt32LE(20 + body.length, 0);
  message.writeUInt8(type, 4);
  message.writeUInt8(NFNL_SUBSYS_NFTABLES, 5);
  message.writeUInt8(family, 16);
  message.writeUInt16BE(generation & 0xffff, 18);
  return Buffer.concat([message, body]);
}

class Answerer {
  readonly #ruleset: FakeRuleset;
  readonly #nowMs: number;
  readonly #question: Question;
  readonly #asked: ReadonlyMap<number, Uint8Array>;

  constructor(ruleset: FakeRuleset, nowMs: number, question: Question) {
    this.#ruleset = ruleset;
    this.#nowMs = nowMs;
    this.#question = question;
    this.#asked = attributeMap(question.attributes);
  }

  /** The messages, or an errno. */
  replies(): readonly Reply[] | number {
    switch (this.#question.message) {
      case NFT_MSG.getGen:
        return this.#generation();
      case NFT_MSG.getTable:
        return this.#isDump ? this.#tables.map(tableReply) : this.#one(() => [tableReply]);
      case NFT_MSG.getChain:
        return this.#chains();
      case NFT_MSG.getRule:
        return this.#rules();
      case NFT_MSG.getSet:
        return this.#sets();
      case NFT_MSG.getSetElem:
      case NFT_MSG.getSetElemReset:
        return this.#elements();
      case NFT_MSG.getObj:
      case NFT_MSG.getObjReset:
      case NFT_MSG.getFlowtable:
        return this.#objects();
      default:
        return EINVAL;
    }
  }

  get #isDump(): boolean {
    return (this.#question.flags & NLM_F.dump) === NLM_F.dump;
  }

  /** Tables of the family that was asked for; 0 is all of them. */
  get #tables(): readonly FakeTable[] {
    const { family } = this.#question;
    return [...this.#ruleset.tables.values()].filter((table) => family === 0 || table.family === family);
  }

  /** The table that is named: attribute 1 in every message. */
  get #table(): FakeTable | undefined {
    return this.#ruleset.tables.get(tableKey(this.#question.family, this.#text(1) ?? ''));
  }

  #text(attributeType: number): string | undefined {
    return textOf(this.#asked.get(attributeType));
  }

  #one(find: (table: FakeTable) => readonly ((table: FakeTable) => Reply)[]): readonly Reply[] | number {
    const table = this.#table;
    const [reply] = table === undefined ? [] : find(table);
    return table === undefined || reply === undefined ? ENOENT : [reply(table)];
  }

  #generation(): readonly Reply[] {
    const parts = [
      u32Attribute(NFTA_GEN_ID, this.#ruleset.generation),
      u32Attribute(2, process.pid),
      textAttribute(3, 'fake'),
    ];
    return [{ type: NFT_MSG.newGen, family: 0, attributes: parts }];
  }

  #chains(): readonly Reply[] | number {
    const name = this.#text(NFTA_CHAIN.name) ?? '';
    if (!this.#isDump) {
      return this.#one((table) => {
        const chain = table.chains.get(name);
        return chain === undefined ? [] : [() => chainReply(table, chain)];
      });
    }
    return this.#tables.flatMap((table) =>
      [...table.chains.values()].map((chain) => chainReply(table, chain)),
    );
  }

  #rules(): readonly Reply[] | number {
    const [tableName, chainName] = [this.#text(NFTA_RULE.table), this.#text(NFTA_RULE.chain)];
    const handle = this.#isDump ? undefined : u64Of(this.#asked.get(NFTA_RULE.handle));
    if (!this.#isDump && this.#table?.chains.get(chainName ?? '') === undefined) return ENOENT;
    const found = this.#tables
      .filter(({ name }) => tableName === undefined || name === tableName)
      .flatMap((table) =>
        [...table.chains.values()]
          .filter(({ name }) => chainName === undefined || name === chainName)
          .flatMap((chain) => ruleReplies(table, chain, handle)),
      );
    return !this.#isDump && found.length === 0 ? ENOENT : found;
  }

  #sets(): readonly Reply[] | number {
    const name = this.#text(NFTA_SET.name) ?? '';
    if (!this.#isDump) {
      return this.#one((table) => {
        const set = table.sets.get(name);
        return set === undefined ? [] : [() => setReply(table, set)];
      });
    }
    if (this.#asked.has(NFTA_SET.table) && this.#table === undefined) return ENOENT;
    const tables = this.#asked.has(NFTA_SET.table) && this.#table ? [this.#table] : this.#tables;
    return tables.flatMap((table) => [...table.sets.values()].map((set) => setReply(table, set)));
  }

  #elements(): readonly Reply[] | number {
    const table = this.#table;
    const set = table?.sets.get(this.#text(NFTA_SET_ELEM_LIST.set) ?? '');
    if (table === undefined || set === undefined) return ENOENT;
    const present = [...set.elements.values()].filter((element) => !isExpired(element, this.#nowMs));
    const reply = (list: readonly FakeElement[]) => this.#elementReply(table, set, list);
    if (this.#isDump) return parts(present, set).map(reply);
    const wanted = [...attributes(this.#asked.get(NFTA_SET_ELEM_LIST.elements) ?? new Uint8Array(0))];
    const found = wanted.map(({ bytes }) => findElement(present, bytes));
    return found.every((element) => element !== undefined)
      ? found.map((element) => reply([element]))
      : ENOENT;
  }

  #elementReply(table: FakeTable, set: FakeSet, list: readonly FakeElement[]): Reply {
    const elements = list.map((element) => elementAttribute(set, element, this.#nowMs));
    return {
      type: NFT_MSG.newSetElem,
      family: table.family,
      attributes: [
        textAttribute(NFTA_SET_ELEM_LIST.table, table.name),
        textAttribute(NFTA_SET_ELEM_LIST.set, set.name),
        nest(NFTA_SET_ELEM_LIST.elements, elements),
      ],
    };
  }

  #objects(): readonly Reply[] | number {
    const isFlowtable = this.#question.message === NFT_MSG.getFlowtable;
    const [tableName, name] = [this.#text(1), this.#text(2)];
    const type = this.#asked.get(NFTA_OBJ.type);
    const found = this.#tables
      .filter((table) => tableName === undefined || table.name === tableName)
      .flatMap((table) =>
        [...(isFlowtable ? table.flowtables : table.objects).values()]
          .filter((object) => name === undefined || object.name === name)
          .filter((object) => isFlowtable || type === undefined || sameType(object, type))
          .map((object) => objectReply(table, object, isFlowtable)),
      );
    return !this.#isDump && found.length === 0 ? ENOENT : found;
  }
}

function sameType({ raw }: FakeObject, wanted: Uint8Array): boolean {
  const type = raw.get(NFTA_OBJ.type);
  return type !== undefined && Buffer.compare(type, wanted) === 0;
}

function tableReply(table: FakeTable): Reply {
  const { family, name, handle, flags, userdata } = table;
  return {
    type: NFT_MSG.newTable,
    family,
    attributes: [
      textAttribute(NFTA_TABLE.name, name),
      u32Attribute(NFTA_TABLE.flags, flags),
      u64Attribute(HANDLE.table, handle),
      ...optional(NFTA_TABLE.userdata, userdata),
    ],
  };
}

function chainReply({ family, name: tableName }: FakeTable, chain: FakeChain): Reply {
  const { name, handle, base, userdata } = chain;
  const hook =
    base === undefined
      ? []
      : [
          nest(NFTA_CHAIN.hook, [
            u32Attribute(NFTA_HOOK.hooknum, base.hook),
            u32Attribute(NFTA_HOOK.priority, base.priority),
            ...hookDevices(base.devices),
          ]),
          u32Attribute(NFTA_CHAIN.policy, base.policy),
          textAttribute(NFTA_CHAIN.type, base.type),
        ];
  return {
    type: NFT_MSG.newChain,
    family,
    attributes: [
      textAttribute(NFTA_CHAIN.table, tableName),
      textAttribute(NFTA_CHAIN.name, name),
      u64Attribute(NFTA_CHAIN.handle, handle),
      ...hook,
      ...(chain.anonymous ? [u32Attribute(NFTA_CHAIN.flags, CHAIN_BINDING)] : []),
      ...optional(NFTA_CHAIN.userdata, userdata),
    ],
  };
}

function hookDevices(devices: readonly string[]): readonly Uint8Array[] {
  const [first] = devices;
  if (first === undefined) return [];
  const one = devices.length === 1 && isPlainDevice(first) ? [textAttribute(NFTA_HOOK.dev, first)] : [];
  return [...one, nest(NFTA_HOOK.devs, deviceAttributes(devices))];
}

function ruleReplies(table: FakeTable, chain: FakeChain, handle: bigint | undefined): readonly Reply[] {
  const replies: Reply[] = [];
  let previous: FakeRule | undefined;
  for (const rule of chain.rules) {
    if (handle === undefined || rule.handle === handle) replies.push(ruleReply(table, chain, rule, previous));
    previous = rule;
  }
  return replies;
}

function ruleReply(
  { family, name }: FakeTable,
  chain: FakeChain,
  rule: FakeRule,
  previous: FakeRule | undefined,
): Reply {
  return {
    type: NFT_MSG.newRule,
    family,
    attributes: [
      textAttribute(NFTA_RULE.table, name),
      textAttribute(NFTA_RULE.chain, chain.name),
      u64Attribute(NFTA_RULE.handle, rule.handle),
      ...(previous === undefined ? [] : [u64Attribute(POSITION, previous.handle)]),
      nest(NFTA_RULE.expressions, [rule.wire]),
      ...optional(NFTA_RULE.userdata, rule.userdata),
    ],
  };
}

function setReply({ family, name: tableName }: FakeTable, set: FakeSet): Reply {
  const { dataType, objectType, size, timeoutMs } = set;
  return {
    type: NFT_MSG.newSet,
    family,
    attributes: [
      textAttribute(NFTA_SET.table, tableName),
      textAttribute(NFTA_SET.name, set.name),
      u64Attribute(HANDLE.set, set.handle),
      ...(set.flags === 0 ? [] : [u32Attribute(NFTA_SET.flags, set.flags)]),
      u32Attribute(NFTA_SET.keyType, set.keyType),
      u32Attribute(NFTA_SET.keyLen, set.keyLength),
      ...(dataType === undefined
        ? []
        : [u32Attribute(NFTA_SET.dataType, dataType), u32Attribute(NFTA_SET.dataLen, set.dataLength)]),
      ...(objectType === undefined ? [] : [u32Attribute(15, objectType)]),
      ...(timeoutMs === 0n ? [] : [u64Attribute(NFTA_SET.timeout, timeoutMs)]),
      ...optional(NFTA_SET.userdata, set.userdata),
      nest(NFTA_SET.desc, size === undefined ? [] : [u32Attribute(NFTA_SET_DESC_SIZE, size)]),
      ...[...set.raw].map(([type, bytes]) => attribute(type, bytes)),
    ],
  };
}

/** A listing of elements comes in parts. */
function parts(elements: readonly FakeElement[], set: FakeSet): readonly (readonly FakeElement[])[] {
  const each = 40 + 2 * set.keyLength + set.dataLength;
  const perPart = Math.max(1, Math.floor(MAX_ELEMENT_BYTES / each / 4));
  const result: (readonly FakeElement[])[] = [];
  for (let at = 0; at < elements.length; at += perPart) result.push(elements.slice(at, at + perPart));
  return result;
}

function findElement(present: readonly FakeElement[], wanted: Uint8Array): FakeElement | undefined {
  const fields = attributeMap(wanted);
  const bytes = attributeMap(fields.get(NFTA_SET_ELEM.key)).get(NFTA_DATA.value);
  const key = bytes === undefined ? '' : Buffer.from(bytes).toString('latin1');
  const isCatchAll = bytes === undefined;
  return present.find(
    (element) => element.key === key && ((element.flags & ELEMENT_FLAG.catchAll) !== 0) === isCatchAll,
  );
}

function elementAttribute(set: FakeSet, element: FakeElement, nowMs: number): Uint8Array {
  const value = (text: string) => attribute(NFTA_DATA.value, Buffer.from(text, 'latin1'));
  const { key, keyEnd, data, verdict, chain, object, flags, timeoutMs, expiresAtMs, userdata } = element;
  const isTimed = (set.flags & FAKE_SET_FLAG.timeout) !== 0 && timeoutMs > 0n;
  const left = BigInt(Math.max(0, Math.floor(expiresAtMs - nowMs)));
  return nest(NFTA_LIST_ELEMENT, [
    ...((flags & ELEMENT_FLAG.catchAll) === 0 ? [nest(NFTA_SET_ELEM.key, [value(key)])] : []),
    ...(keyEnd === undefined ? [] : [nest(NFTA_SET_ELEM.keyEnd, [value(keyEnd)])]),
    ...(data === undefined ? [] : [nest(NFTA_SET_ELEM.data, [value(data)])]),
    ...(verdict === undefined ? [] : [nest(NFTA_SET_ELEM.data, [wireVerdict(verdict, chain?.name)])]),
    ...(object === undefined ? [] : [textAttribute(NFTA_SET_ELEM_OBJREF, object.name)]),
    ...(flags === 0 ? [] : [u32Attribute(NFTA_SET_ELEM.flags, flags)]),
    ...(isTimed && timeoutMs !== set.timeoutMs ? [u64Attribute(NFTA_SET_ELEM.timeout, timeoutMs)] : []),
    ...(isTimed ? [u64Attribute(NFTA_SET_ELEM.expiration, left)] : []),
    ...optional(NFTA_SET_ELEM.userdata, userdata),
    element.more,
  ]);
}

function objectReply({ family, name }: FakeTable, object: FakeObject, isFlowtable: boolean): Reply {
  const numbers = isFlowtable ? 'flowtable' : 'object';
  const own = [...object.raw].map(([type, bytes]) => attribute(type, bytes));
  return {
    type: isFlowtable ? NFT_MSG.newFlowtable : NFT_MSG.newObj,
    family,
    attributes: [
      ...(object.raw.has(1) ? [] : [textAttribute(1, name)]),
      ...own,
      u32Attribute(USE[numbers], object.uses),
      u64Attribute(HANDLE[numbers], object.handle),
    ],
  };
}

function u64Attribute(type: number, value: bigint): Uint8Array {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(value);
  return attribute(type, bytes);
}

function optional(type: number, bytes: Uint8Array | undefined): readonly Uint8Array[] {
  return bytes === undefined ? [] : [attribute(type, bytes)];
}
