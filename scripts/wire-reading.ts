import {
  type AnonymousMap,
  type AnySet,
  anonymousMap,
  anonymousSet,
  anonymousVerdictMap,
  chain,
  type Expression,
  type Family,
  type RuleBody,
  rule,
  table,
} from '../src/index.ts';
import { attributeMap, textOf, u32Of } from '../src/netlink/attribute.ts';
import { type Message, messages } from '../src/netlink/message.ts';
import { immediateKind } from '../src/nft/expression/immediate.ts';
import { EXPRESSION_KINDS } from '../src/nft/expression/kinds.ts';
import { NFT_MSG } from '../src/nft/pack/uapi.ts';
import { readComment } from '../src/nft/userdata.ts';
import { eachElement, type ListedElement } from '../src/read/elements.ts';
import { type ListedExpression, readExpressions } from '../src/read/expressions.ts';
import { readSet } from '../src/read/objects.ts';
import { encodedBatch } from './encoded-batch.ts';

const RULE = { chain: 2, expressions: 4, userdata: 7, chainId: 11 } as const;
const SET = { flags: 3, id: 10 } as const;
const ELEMENTS_ID = 4;
const CHAIN_ID = 11;
const ANONYMOUS = 1;
/** A set without a name that packets fill: later versions of nft give it one, and so must programs. */
export const METER = 'a meter of nft before 1.1';

/** What messages of nft say, read by the library and made again from what was read. */

/** The wire's messages as the reader takes them. */
export function messagesOf(wire: readonly string[]): readonly Message[] {
  const parts = wire.map((hex) => Buffer.from(hex, 'hex'));
  return [
    ...messages(Buffer.concat(parts.map((part) => Buffer.concat([part, Buffer.alloc(-part.length & 3)])))),
  ];
}

type Owned = Partial<Pick<Expression, 'anonymousSet' | 'anonymousChain'>>;

/** What a rule's messages describe. */
export class Reading {
  readonly #sets = new Map<number, NonNullable<Expression['anonymousSet']>>();
  readonly #bodies = new Map<number, RuleBody[]>();
  readonly named: AnySet[] = [];
  rule: RuleBody = { expressions: [] };
  chain = '';

  constructor(family: Family, of: string, list: readonly Message[]) {
    const t = table(family, of);
    for (const message of list) {
      const fields = attributeMap(message.attributes);
      switch (message.type) {
        case NFT_MSG.newSet:
          this.#readSet(t, message, list);
          break;
        case NFT_MSG.newChain:
          this.#bodies.set(u32Of(fields.get(CHAIN_ID)) ?? 0, []);
          break;
        case NFT_MSG.newRule:
          this.#readRule(fields);
          break;
      }
    }
  }

  #readSet(t: ReturnType<typeof table>, message: Message, list: readonly Message[]): void {
    const fields = attributeMap(message.attributes);
    const id = u32Of(fields.get(SET.id)) ?? 0;
    const set = readSet(message, t);
    if (set === undefined) throw new Error('a set that cannot be read');
    if (((u32Of(fields.get(SET.flags)) ?? 0) & ANONYMOUS) === 0) {
      this.named.push(set);
      return;
    }
    if (set.dynamic) throw new Error(METER);
    const own = list.filter(
      ({ type, attributes: of }) =>
        type === NFT_MSG.newSetElem && u32Of(attributeMap(of).get(ELEMENTS_ID)) === id,
    );
    const elements = [...eachElement({ ...set, catchAll: true }, own)] as unknown as ListedElement<
      unknown,
      unknown
    >[];
    this.#sets.set(id, anonymous(set, elements));
  }

  #readRule(fields: ReadonlyMap<number, Uint8Array>): void {
    const comment = readComment(fields.get(RULE.userdata), 'other');
    const expressions = readExpressions(fields.get(RULE.expressions)).map((each) => this.#again(each));
    const body = { expressions, ...(comment === undefined ? {} : { comment }) };
    const id = u32Of(fields.get(RULE.chainId));
    if (id !== undefined) {
      this.#bodies.get(id)?.push(body);
      return;
    }
    this.rule = body;
    this.chain = textOf(fields.get(RULE.chain)) ?? '';
  }

  /** The expression made from its fields, and what it owns. */
  #again({ name, data, fields }: ListedExpression): Expression {
    if (fields === undefined) throw new Error(`expression ${name} has something that is not known`);
    if (name === immediateKind.name) {
      const made = immediateKind.make(fields as never);
      const verdict = attributeMap(attributeMap(attributeMap(data).get(2)).get(2));
      const bodies = this.#bodies.get(u32Of(verdict.get(3)) ?? 0);
      return bodies === undefined ? made : { ...made, anonymousChain: bodies };
    }
    const kind = EXPRESSION_KINDS.get(name);
    if (kind === undefined) throw new Error(`no expression ${name}`);
    const { setId, ...rest } = fields as { readonly setId?: number; readonly set?: string };
    const anonymousSet = setId === undefined ? undefined : this.#sets.get(setId);
    if (anonymousSet === undefined) return kind.make(fields as never);
    const { set: _, ...own } = rest;
    const owned: Owned = { anonymousSet };
    return { ...kind.make(own as never), ...owned };
  }
}

function anonymous(set: AnySet, list: readonly ListedElement<unknown, unknown>[]) {
  const options = ({ comment }: ListedElement<unknown, unknown>) =>
    comment === undefined ? {} : { comment };
  const elements = list.map((each) => ({ key: each.key, value: each.value, ...options(each) })) as never;
  const key = set.key as never;
  if (set.kind === 'set') return anonymousSet(key, elements);
  if (set.kind === 'verdict map') return anonymousVerdictMap(key, elements);
  return anonymousMap(key, set.data as never, elements) as AnonymousMap<unknown, never, unknown>;
}

/** The messages that a transaction of ours makes of it. */
export async function encode(
  { rule: { expressions, comment }, chain: c, named }: Reading,
  family: Family,
  t: string,
) {
  const batch = await encodedBatch((transaction) => {
    for (const set of named) transaction.add(set);
    const into = chain(table(family, t), c);
    transaction.add(rule(into, expressions, comment === undefined ? {} : { comment }));
  });
  return [...messages(batch)].filter(({ type, attributes: of }) => of.length > 0 && type < 0x100);
}
