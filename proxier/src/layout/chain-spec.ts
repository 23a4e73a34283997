import type { Chain, Rule, Statement, Verdict } from 'nftlink';
import { rule } from 'nftlink';

/** A chain and what is in it. */
export interface ChainSpec {
  readonly chain: Chain;
  /** The same text, the same rules. */
  readonly content: string;
  readonly rules: () => readonly Rule[];
}

/** One rule: its statements, and a comment where it needs one. */
export type RuleText = readonly (Statement | Verdict)[] | CommentedRule;

interface CommentedRule {
  readonly statements: readonly (Statement | Verdict)[];
  readonly comment: string;
}

export function chainSpec(chain: Chain, content: string, rules: () => readonly RuleText[]): ChainSpec {
  return { chain, content, rules: () => rules().map((text) => ruleOf(chain, text)) };
}

function ruleOf(chain: Chain, text: RuleText): Rule {
  return 'statements' in text ? rule(chain, text.statements, { comment: text.comment }) : rule(chain, text);
}
