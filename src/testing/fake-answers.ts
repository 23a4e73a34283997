import { constants } from 'node:os';
import { attributeMap, attributes, textOf, u32Of, u64Of } from '../netlink/attribute.ts';
import { ELEMENT_FLAG, NFT_MSG, NFTA_OBJ, NLM_F } from '../nft/pack/uapi.ts';
import {
  NFTA_CHAIN,
  NFTA_DATA,
  NFTA_RULE,
  NFTA_SET,
  NFTA_SET_ELEM,
  NFTA_SET_ELEM_LIST,
} from '../read/uapi.ts';
import {
  describeChain,
  describeObject,
  describeRules,
  describeSet,
  describeTable,
} from './fake-descriptions.ts';
import { describeElements, inParts } from './fake-element-messages.ts';
import { findHolding, presentElements } from './fake-intervals.ts';
import { type FakeMessage, type FakeProcess, generationMessage, packMessage } from './fake-message.ts';
import {
  type FakeElement,
  type FakeObject,
  type FakeRuleset,
  type FakeSet,
  type FakeTable,
  tableKey,
} from './fake-ruleset.ts';

const { EINVAL, ENOENT } = constants.errno;

/** A question to a fake kernel, as `Transport.request` puts it. */
export interface Question {
  readonly message: number;
  readonly flags: number;
  readonly family: number;
  readonly attributes: Uint8Array;
}

/** What answers are made from. */
export interface Answering {
  readonly ruleset: FakeRuleset;
  readonly nowMs: number;
  /** Who asks. */
  readonly process: FakeProcess;
}

/** What the kernel would answer: docs/packed-format.md, "Request". */
export function answer(answering: Answering, question: Question): Uint8Array {
  const replies = new Answerer(answering, question).replies();
  const header = Buffer.alloc(8);
  if (typeof replies === 'number') {
    header.writeInt32LE(replies, 0);
    return header;
  }
  const { generation } = answering.ruleset;
  return Buffer.concat([header, ...replies.map((reply) => packMessage(reply, generation))]);
}

class Answerer {
  readonly #ruleset: FakeRuleset;
  readonly #nowMs: number;
  readonly #process: FakeProcess;
  readonly #question: Question;
  readonly #asked: ReadonlyMap<number, Uint8Array>;

  constructor({ ruleset, nowMs, process }: Answering, question: Question) {
    this.#ruleset = ruleset;
    this.#nowMs = nowMs;
    this.#process = process;
    this.#question = question;
    this.#asked = attributeMap(question.attributes);
  }

  /** The messages, or an errno. */
  replies(): readonly FakeMessage[] | number {
    switch (this.#question.message) {
      case NFT_MSG.getGen:
        return [generationMessage(this.#ruleset.generation, this.#process)];
      case NFT_MSG.getTable:
        return this.#isDump ? this.#tables.map(describeTable) : this.#one(() => [describeTable]);
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

  #one(
    find: (table: FakeTable) => readonly ((table: FakeTable) => FakeMessage)[],
  ): readonly FakeMessage[] | number {
    const table = this.#table;
    const [reply] = table === undefined ? [] : find(table);
    return table === undefined || reply === undefined ? ENOENT : [reply(table)];
  }

  #chains(): readonly FakeMessage[] | number {
    const name = this.#text(NFTA_CHAIN.name) ?? '';
    if (!this.#isDump) {
      return this.#one((table) => {
        const chain = table.chains.get(name);
        return chain === undefined ? [] : [() => describeChain(table, chain)];
      });
    }
    return this.#tables.flatMap((table) =>
      [...table.chains.values()].map((chain) => describeChain(table, chain)),
    );
  }

  #rules(): readonly FakeMessage[] | number {
    const [tableName, chainName] = [this.#text(NFTA_RULE.table), this.#text(NFTA_RULE.chain)];
    const handle = this.#isDump ? undefined : u64Of(this.#asked.get(NFTA_RULE.handle));
    if (!this.#isDump && this.#table?.chains.get(chainName ?? '') === undefined) return ENOENT;
    const found = this.#tables
      .filter(({ name }) => tableName === undefined || name === tableName)
      .flatMap((table) =>
        [...table.chains.values()]
          .filter(({ name }) => chainName === undefined || name === chainName)
          .flatMap((chain) => describeRules(table, chain, handle)),
      );
    return !this.#isDump && found.length === 0 ? ENOENT : found;
  }

  #sets(): readonly FakeMessage[] | number {
    const name = this.#text(NFTA_SET.name) ?? '';
    if (!this.#isDump) {
      return this.#one((table) => {
        const set = table.sets.get(name);
        return set === undefined ? [] : [() => describeSet(table, set)];
      });
    }
    if (this.#asked.has(NFTA_SET.table) && this.#table === undefined) return ENOENT;
    const tables = this.#asked.has(NFTA_SET.table) && this.#table ? [this.#table] : this.#tables;
    return tables.flatMap((table) => [...table.sets.values()].map((set) => describeSet(table, set)));
  }

  #elements(): readonly FakeMessage[] | number {
    const table = this.#table;
    const set = table?.sets.get(this.#text(NFTA_SET_ELEM_LIST.set) ?? '');
    if (table === undefined || set === undefined) return ENOENT;
    const present = presentElements(set, this.#nowMs);
    const reply = (list: readonly FakeElement[]) => describeElements(table, set, list, this.#nowMs);
    if (this.#isDump) return inParts(present, set).map(reply);
    const wanted = [...attributes(this.#asked.get(NFTA_SET_ELEM_LIST.elements) ?? new Uint8Array(0))];
    const found = wanted.map(({ bytes }) => findElement(set, present, bytes, this.#nowMs));
    return found.every((element) => element !== undefined)
      ? found.map((element) => reply([element]))
      : ENOENT;
  }

  #objects(): readonly FakeMessage[] | number {
    const isFlowtable = this.#question.message === NFT_MSG.getFlowtable;
    const [tableName, name] = [this.#text(1), this.#text(2)];
    const type = this.#asked.get(NFTA_OBJ.type);
    const found = this.#tables
      .filter((table) => tableName === undefined || table.name === tableName)
      .flatMap((table) =>
        [...(isFlowtable ? table.flowtables : table.objects).values()]
          .filter((object) => name === undefined || object.name === name)
          .filter((object) => isFlowtable || type === undefined || sameType(object, type))
          .map((object) => describeObject(table, object)),
      );
    return !this.#isDump && found.length === 0 ? ENOENT : found;
  }
}

function sameType({ raw }: FakeObject, wanted: Uint8Array): boolean {
  const type = raw.get(NFTA_OBJ.type);
  return type !== undefined && Buffer.compare(type, wanted) === 0;
}

function findElement(
  set: FakeSet,
  present: readonly FakeElement[],
  wanted: Uint8Array,
  nowMs: number,
): FakeElement | undefined {
  const fields = attributeMap(wanted);
  const bytes = attributeMap(fields.get(NFTA_SET_ELEM.key)).get(NFTA_DATA.value);
  const key = bytes === undefined ? '' : Buffer.from(bytes).toString('latin1');
  const isCatchAll = bytes === undefined;
  if (!isCatchAll && (set.boundaries !== undefined || set.fields.length > 0)) {
    const flags = u32Of(fields.get(NFTA_SET_ELEM.flags)) ?? 0;
    return findHolding(set, key, (flags & ELEMENT_FLAG.intervalEnd) !== 0, nowMs);
  }
  return present.find(
    (element) => element.key === key && ((element.flags & ELEMENT_FLAG.catchAll) !== 0) === isCatchAll,
  );
}
