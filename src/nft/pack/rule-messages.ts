import type { AnyAnonymousSet } from '../anonymous-set.ts';
import type { Expression } from '../expression/expression.ts';
import type { Rule } from '../rule.ts';
import type { RuleBody } from '../rule-body.ts';
import type { Table } from '../table.ts';
import {
  packAnonymousChain,
  packAnonymousElements,
  packAnonymousSet,
  packRule,
  packRuleChain,
  packRuleTable,
} from './packed-objects.ts';
import type { PackedWriter } from './packed-writer.ts';
import { NFT_MSG, NFTA_RULE_CHAIN_ID, NLM_F } from './uapi.ts';

/** One message of those that make a rule. */
export interface RuleMessage {
  readonly message: number;
  readonly flags: number;
  /** The rule that it makes, or belongs to. */
  readonly body: RuleBody;
  readonly pack: (writer: PackedWriter) => void;
}

/** Numbers for sets and chains without a name, new ones in the whole transaction. */
export interface Numbers {
  nextSet(): number;
  nextChain(): number;
}

/** Where a rule goes to. */
interface Destination {
  readonly table: Table;
  readonly flags: number;
  readonly pack: (writer: PackedWriter) => void;
}

/**
 * Everything that makes a rule, in the order of the kernel's needs: the sets and chains without a name that it uses, with what is
 * in them, and then the rule.
 */
export function ruleMessages(
  rule: Rule,
  flags: number,
  numbers: Numbers,
  packPlace: (writer: PackedWriter) => void,
): readonly RuleMessage[] {
  const pack = (writer: PackedWriter) => {
    packRuleChain(writer, rule.chain);
    packPlace(writer);
  };
  return messagesOf(rule, { table: rule.chain.table, flags, pack }, numbers);
}

function messagesOf(rule: RuleBody, to: Destination, numbers: Numbers): readonly RuleMessage[] {
  if (!rule.expressions.some(usesUnnamed)) return [ruleItself(rule, to, () => 0)];
  const messages: RuleMessage[] = [];
  const ids = new Map<AnyAnonymousSet | readonly RuleBody[], number>();
  const add = (message: number, flags: number, pack: RuleMessage['pack']) =>
    messages.push({ message, flags, body: rule, pack });
  for (const { anonymousSet: set, anonymousChain: bodies } of rule.expressions) {
    if (set !== undefined && !ids.has(set)) {
      const id = numbers.nextSet();
      ids.set(set, id);
      add(NFT_MSG.newSet, NLM_F.create, (writer) => packAnonymousSet(writer, to.table, set, id));
      add(NFT_MSG.newSetElem, NLM_F.create, (writer) => packAnonymousElements(writer, to.table, set, id));
    }
    if (bodies === undefined || ids.has(bodies)) continue;
    const id = numbers.nextChain();
    ids.set(bodies, id);
    add(NFT_MSG.newChain, NLM_F.create, (writer) => packAnonymousChain(writer, to.table, id));
    for (const body of bodies) messages.push(...messagesOf(body, inChain(to.table, id), numbers));
  }
  messages.push(ruleItself(rule, to, (part) => ids.get(part) ?? 0));
  return messages;
}

/** Most rules use neither: they are one message. */
function usesUnnamed({ anonymousSet, anonymousChain }: Expression): boolean {
  return anonymousSet !== undefined || anonymousChain !== undefined;
}

function ruleItself(rule: RuleBody, to: Destination, idOf: Parameters<typeof packRule>[2]): RuleMessage {
  const pack = (writer: PackedWriter) => {
    to.pack(writer);
    packRule(writer, rule, idOf);
  };
  return { message: NFT_MSG.newRule, flags: to.flags, body: rule, pack };
}

/** At the end of a chain without a name. */
function inChain(table: Table, id: number): Destination {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(id);
  return {
    table,
    flags: NLM_F.create | NLM_F.append,
    pack(writer) {
      packRuleTable(writer, table);
      writer.raw(NFTA_RULE_CHAIN_ID, bytes);
    },
  };
}
