import type { AnonymousSet } from './anonymous-set.ts';

/**
 * One instruction of the kernel's nf_tables machine. `name` is the kernel's, `attributes` carry libnftnl's
 * `NFTNL_EXPR_*` numbers with values as libnftnl takes them: integers in host order, strings without a final zero.
 */
export interface Expression {
  readonly name: string;
  readonly attributes: readonly ExpressionAttribute[];
  /** The set without a name that this expression looks into; a transaction makes it together with the rule. */
  readonly anonymousSet?: AnonymousSet;
}

/** An attribute of an expression, by libnftnl's number. */
export interface ExpressionAttribute {
  readonly id: number;
  readonly bytes: Uint8Array;
}

export function expression(
  name: string,
  attributes: readonly (ExpressionAttribute | undefined)[],
): Expression {
  return Object.freeze({ name, attributes: attributes.filter((attribute) => attribute !== undefined) });
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
