import type { Chain } from './chain.ts';
import { verdictExpression } from './expression/compute.ts';
import type { Expression } from './expression/expression.ts';
import { checkComment } from './name.ts';
import { satisfy } from './statement/need.ts';
import type { Need, Statement } from './statement/source.ts';
import type { Verdict } from './verdict.ts';

/** A rule: expressions that the kernel runs in order until one ends it. */
export interface Rule {
  readonly kind: 'rule';
  /** The chain that it is in. */
  readonly chain: Chain;
  /** What the kernel runs, in order. */
  readonly expressions: readonly Expression[];
  /** At most 128 bytes. */
  readonly comment?: string;
}

/** A rule that is in the kernel, by the number the kernel gave it. `listRules` gives these. */
export interface RuleHandle {
  readonly kind: 'rule handle';
  /** The chain that it is in. */
  readonly chain: Chain;
  /** The kernel's number for it, unique in its table: nft's `handle 7`. */
  readonly handle: bigint;
}

/** A rule by its chain and the kernel's number for it. */
export function ruleHandle(chain: Chain, handle: bigint): RuleHandle {
  return Object.freeze({ kind: 'rule handle', chain, handle });
}

/**
 * Describes a rule: `rule(input, [eq(tcp.dport, 22), counter, accept])`. What a statement needs to be true of the packet
 * (TCP, before its ports are read) is checked first, once, as nft does. An expression (`expressions.…`) is taken as it is.
 */
export function rule(
  chain: Chain,
  statements: readonly (Statement | Verdict | Expression)[],
  options: { readonly comment?: string } = {},
): Rule {
  if (options.comment !== undefined) checkComment('comment', options.comment);
  const { family } = chain.table;
  const known: Need[] = [];
  const expressions: Expression[] = [];
  for (const part of statements) {
    if (!('kind' in part)) {
      expressions.push(part);
      continue;
    }
    if (part.kind === 'verdict') {
      expressions.push(verdictExpression(part));
      continue;
    }
    for (const need of part.needs) append(expressions, satisfy(need, family, known));
    append(expressions, part.expressions(family));
  }
  return Object.freeze({ kind: 'rule', chain, expressions: Object.freeze(expressions), ...options });
}

function append(list: Expression[], more: readonly Expression[]): void {
  for (const expression of more) list.push(expression);
}
