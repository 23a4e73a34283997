import { InvalidArgumentError } from '../invalid-argument.ts';
import type { Chain } from '../nft/chain.ts';
import { rawExpression } from '../nft/expression/expression.ts';
import { type Rule, type RuleCompat, rule } from '../nft/rule.ts';
import type { ListedExpression } from './expressions.ts';
import type { ListedRule } from './objects.ts';

/**
 * The description that would make a listed rule once more, in its own or in another chain: every expression byte for byte, the
 * comment, and for rules of iptables-nft the protocol that their matches ask for. Throws InvalidArgumentError for a rule that uses a set
 * or chain without a name: those belong to their rule.
 */
export function copyRule(listed: ListedRule, into: Chain = listed.chain): Rule {
  for (const { name, fields } of listed.expressions) {
    const target = OWNED_BY[name]?.(fields ?? {});
    if (target !== undefined && /^__(set|map|objmap|chain)\d+$/.test(target)) {
      throw new InvalidArgumentError('listed', target, 'a name that two rules can use');
    }
  }
  const compat = compatOf(listed.expressions);
  return rule(into, listed.expressions.map(rawExpression), {
    ...(listed.comment === undefined ? {} : { comment: listed.comment }),
    ...(compat === undefined ? {} : { compat }),
  });
}

type Fields = Readonly<Record<string, unknown>>;

/** What may be of a rule's own, by the expression that uses it. */
const OWNED_BY: Readonly<Record<string, (fields: Fields) => string | undefined>> = {
  lookup: ({ set }) => set as string | undefined,
  objref: ({ set }) => set as string | undefined,
  immediate: ({ verdict }) => (verdict as { readonly chain?: string } | undefined)?.chain,
};

/** NFT_META_L4PROTO. */
const META_L4PROTO = 16;
/** Where the headers of IPv4 and IPv6 have it. */
const PROTOCOL_OFFSETS: readonly unknown[] = [9, 6];

/**
 * The kernel does not list NFTA_RULE_COMPAT. iptables-nft takes it from what the rule compares, and so does this: the protocol that
 * was last compared before the first match or target.
 */
function compatOf(expressions: readonly ListedExpression[]): RuleCompat | undefined {
  const end = expressions.findIndex(({ name }) => name === 'match' || name === 'target');
  if (end === -1) return undefined;
  const compared = expressions.slice(0, end).findLastIndex(isProtocol);
  const { op, data } = (compared === -1 ? undefined : expressions[compared + 1]?.fields) ?? {};
  const isOne = expressions[compared + 1]?.name === 'cmp' && data instanceof Uint8Array && data.length === 1;
  if (!isOne || (op !== 'eq' && op !== 'neq')) return { protocol: 0 };
  return { protocol: data[0] ?? 0, ...(op === 'neq' ? { invert: true } : {}) };
}

function isProtocol({ name, fields }: ListedExpression): boolean {
  if (name === 'meta') return fields?.['key'] === META_L4PROTO;
  if (name !== 'payload') return false;
  return fields?.['base'] === 'network' && fields['len'] === 1 && PROTOCOL_OFFSETS.includes(fields['offset']);
}
