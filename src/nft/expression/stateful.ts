import { InvalidArgumentError } from '../../invalid-argument.ts';
import { attribute, nest, textAttribute } from '../../netlink/attribute.ts';
import type { Family } from '../family.ts';
import type { Statement } from '../statement/source.ts';
import type { Expression, RawExpression } from './expression.ts';
import { EXPRESSION_KINDS } from './kinds.ts';

/** Expressions that a set's elements can have each for itself. */
const STATEFUL: ReadonlySet<string> = new Set(['counter', 'limit', 'quota', 'last', 'connlimit']);
const LIST_ELEM = 1;
/** NFTA_EXPR_*. */
const EXPRESSION = { name: 1, data: 2 } as const;

/** The statements of a set or an element as expressions on the wire. Throws InvalidArgumentError. */
export function statefulExpressions(
  statements: readonly Statement[],
  family: Family,
  argument = 'statements',
): readonly RawExpression[] {
  return statements.map((statement, i) => {
    const [expression, ...more] = statement.expressions(family);
    if (expression === undefined || more.length > 0 || !STATEFUL.has(expression.name)) {
      const names = 'counter, limit, quota, lastUsed or connectionLimit';
      throw new InvalidArgumentError(
        `${argument}[${i}]`,
        expression?.name ?? 'a statement',
        `one of ${names}`,
      );
    }
    return wireForm(expression);
  });
}

/** All attributes of these expressions are integers: turned round they are what goes to the kernel. */
function wireForm({ name, attributes, raw }: Expression): RawExpression {
  if (raw !== undefined) return { name, data: raw };
  const fields = Object.values(EXPRESSION_KINDS.get(name)?.fields ?? {});
  const parts = attributes.map(({ id, bytes }) => {
    const field = fields.find(({ library }) => library === id);
    return attribute(field?.wire ?? 0, Uint8Array.from(bytes).reverse());
  });
  return { name, data: Buffer.concat(parts) };
}

/** An attribute that holds one expression, or another that holds a list of them. */
export function expressionsAttribute(
  one: number,
  several: number,
  expressions: readonly RawExpression[],
): { readonly type: number; readonly value: Uint8Array } {
  const [first] = expressions;
  if (first !== undefined && expressions.length === 1) return { type: one, value: contents(first) };
  const list = expressions.map((expression) => nest(LIST_ELEM, [contents(expression)]));
  return { type: several, value: Buffer.concat(list) };
}

function contents({ name, data }: RawExpression): Uint8Array {
  return Buffer.concat([textAttribute(EXPRESSION.name, name), nest(EXPRESSION.data, [data])]);
}
