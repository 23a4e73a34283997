import { InvalidArgumentError } from '../invalid-argument.ts';
import type { RuleParts } from './rule-body.ts';

/** The rules of a chain without a name, which belongs to the one rule that jumps to it: nft's `jump { … }`. Kernel 5.9. */
export interface AnonymousChain {
  readonly kind: 'anonymous chain';
  /** In the order in which packets meet them. */
  readonly rules: readonly AnonymousRule[];
}

/** One of them. */
export interface AnonymousRule {
  /** What it is described with, in order. */
  readonly statements: RuleParts;
  /** At most 128 bytes. */
  readonly comment?: string;
}

/**
 * Describes a chain for one rule: `jump(anonymousChain([eq(tcp.dport, 22), accept], [counter, drop]))`. The kernel gives it a name of
 * its own, and deletes it together with the rule; since 6.4 it refuses one within another (EOPNOTSUPP). Throws
 * InvalidArgumentError.
 */
export function anonymousChain(...rules: readonly (RuleParts | AnonymousRule)[]): AnonymousChain {
  if (rules.length === 0) throw new InvalidArgumentError('rules', rules, 'a list with at least one rule');
  const described = rules.map((rule) => ('statements' in rule ? rule : { statements: rule }));
  return Object.freeze({ kind: 'anonymous chain', rules: Object.freeze(described) });
}
