import { InvalidArgumentError } from '../invalid-argument.ts';
import type { Chain } from './chain.ts';
import { checkComment } from './name.ts';
import { expressionsOf, type RuleBody, type RuleParts } from './rule-body.ts';

/** A rule: expressions that the kernel runs in order until one ends it. */
export interface Rule extends RuleBody {
  readonly kind: 'rule';
  /** The chain that it is in. */
  readonly chain: Chain;
  /** What its matches and targets of x_tables need to know. */
  readonly compat?: RuleCompat;
}

/**
 * What a rule with matches and targets of x_tables (`match`, `target`) says of its packets: many of those are refused (EINVAL) unless
 * the rule is for their protocol. NFTA_RULE_COMPAT; the kernel does not list it.
 */
export interface RuleCompat {
  /** IPPROTO_*; 0: any. */
  readonly protocol: number;
  /** Any other protocol: iptables' `! -p`. */
  readonly invert?: boolean;
}

/** What a rule may have besides its statements. */
export interface RuleOptions {
  /** At most 128 bytes. */
  readonly comment?: string;
  /** Only for rules with matches and targets of x_tables. */
  readonly compat?: RuleCompat;
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
export function rule(chain: Chain, statements: RuleParts, options: RuleOptions = {}): Rule {
  const { comment, compat } = options;
  if (comment !== undefined) checkComment('comment', comment);
  if (compat !== undefined) checkCompat(compat);
  const expressions = expressionsOf(statements, chain.table.family);
  return Object.freeze({ kind: 'rule', chain, expressions, ...options });
}

function checkCompat({ protocol }: RuleCompat): void {
  if (Number.isInteger(protocol) && protocol >= 0 && protocol <= 0xff) return;
  throw new InvalidArgumentError('compat.protocol', protocol, "a protocol's number (0 to 255)");
}
