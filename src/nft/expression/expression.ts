import { InvalidArgumentError } from '../../invalid-argument.ts';
import type { AnyAnonymousSet } from '../anonymous-set.ts';
import type { RuleBody } from '../rule-body.ts';
import { accepted } from './accepted.ts';

/**
 * One instruction of the kernel's nf_tables machine. `name` is the kernel's, `attributes` carry libnftnl's
 * `NFTNL_EXPR_*` numbers with values as libnftnl takes them: integers in host order, strings without a final zero.
 */
export interface Expression {
  /** The kernel's name: `'payload'`. */
  readonly name: string;
  /** In the order in which libnftnl is given them. */
  readonly attributes: readonly ExpressionAttribute[];
  /** In place of `attributes`: netlink attributes as they go to the kernel, past libnftnl. */
  readonly raw?: Uint8Array;
  /** The set without a name that this expression looks into; a transaction makes it together with the rule. */
  readonly anonymousSet?: AnyAnonymousSet;
  /** The rules of the chain without a name that this verdict leads to; a transaction makes it together with the rule. */
  readonly anonymousChain?: readonly RuleBody[];
}

/** An attribute of an expression, by libnftnl's number. */
export interface ExpressionAttribute {
  /** libnftnl's number, `NFTNL_EXPR_*`. */
  readonly id: number;
  /** The value as libnftnl takes it: integers in host order. */
  readonly bytes: Uint8Array;
}

/** An expression as it goes over netlink: `NFTA_EXPR_NAME` and `NFTA_EXPR_DATA`. `listRules` gives these. */
export interface RawExpression {
  /** The kernel's name: `'payload'`. */
  readonly name: string;
  /** The attributes inside `NFTA_EXPR_DATA` as on the wire: integers big-endian. */
  readonly data: Uint8Array;
}

/**
 * An expression that is sent as it is, whatever it holds: one that was listed goes back unchanged, even if nobody here knows
 * it. (Not one that looks into a set without a name: that set belongs to its rule.)
 */
export function rawExpression({ name, data }: RawExpression): Expression {
  if (typeof name !== 'string' || !/^[\x21-\x7e]{1,15}$/.test(name)) {
    throw new InvalidArgumentError('name', name, "an expression's name (1 to 15 characters)");
  }
  const given = accepted(name, data);
  const padded = Buffer.alloc((given.length + 3) & ~3);
  padded.set(given);
  return Object.freeze({ name, attributes: [], raw: padded });
}

export function expression(
  name: string,
  attributes: readonly (ExpressionAttribute | undefined)[],
): Expression {
  return expressionOf(
    name,
    attributes.filter((attribute) => attribute !== undefined),
  );
}

/** The expression with just these attributes. */
export function expressionOf(name: string, attributes: readonly ExpressionAttribute[]): Expression {
  return Object.freeze({ name, attributes });
}

export function u32(id: number, value: number): ExpressionAttribute {
  return { id, bytes: new Uint8Array(new Uint32Array([value]).buffer) };
}

export function text(id: number, value: string): ExpressionAttribute {
  return { id, bytes: Buffer.from(value) };
}

export function bytes(id: number, value: Uint8Array): ExpressionAttribute {
  return { id, bytes: value };
}
