import { within } from '../invalid-argument.ts';
import type { AnonymousChain } from './anonymous-chain.ts';
import { verdictExpression } from './expression/compute.ts';
import type { Expression } from './expression/expression.ts';
import type { Family } from './family.ts';
import { checkComment } from './name.ts';
import { satisfy } from './statement/need.ts';
import type { Need, Statement } from './statement/source.ts';
import type { Verdict } from './verdict.ts';

/** What a rule is described with, in order. */
export type RuleParts = readonly (Statement | Verdict | Expression)[];

/** What a rule does, wherever it stands. */
export interface RuleBody {
  /** What the kernel runs, in order. */
  readonly expressions: readonly Expression[];
  /** At most 128 bytes. */
  readonly comment?: string;
}

/** The expressions of a rule in a table of a family, with the checks that its statements need in front of them. */
export function expressionsOf(statements: RuleParts, family: Family): readonly Expression[] {
  const known: Need[] = [];
  const expressions: Expression[] = [];
  for (const part of statements) {
    if (!('kind' in part)) {
      expressions.push(part);
      continue;
    }
    if (part.kind === 'verdict') {
      expressions.push(decision(part, family));
      continue;
    }
    for (const need of part.needs) append(expressions, satisfy(need, family, known));
    append(expressions, part.expressions(family));
  }
  return Object.freeze(expressions);
}

function append(list: Expression[], more: readonly Expression[]): void {
  for (const expression of more) list.push(expression);
}

function decision(verdict: Verdict, family: Family): Expression {
  const expression = verdictExpression(verdict);
  const { anonymousChain } = verdict;
  return anonymousChain === undefined
    ? expression
    : Object.freeze({ ...expression, anonymousChain: bodiesOf(anonymousChain, family) });
}

function bodiesOf({ rules }: AnonymousChain, family: Family): readonly RuleBody[] {
  const bodies = rules.map(({ statements, comment }, i) =>
    within(`rules[${i}]`, () => {
      if (comment !== undefined) checkComment('comment', comment);
      return {
        expressions: expressionsOf(statements, family),
        ...(comment === undefined ? {} : { comment }),
      };
    }),
  );
  return Object.freeze(bodies);
}
