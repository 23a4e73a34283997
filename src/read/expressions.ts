import { attributeMap, attributes, textOf } from '../netlink/attribute.ts';
import { accepted } from '../nft/expression/accepted.ts';
import { immediateKind } from '../nft/expression/immediate.ts';
import { EXPRESSION_KINDS } from '../nft/expression/kinds.ts';
import { NFTA_EXPR } from './uapi.ts';

/** An expression as the kernel has it. */
export interface ListedExpression {
  /** The kernel's name: `payload`, `cmp` … */
  readonly name: string;
  /**
   * Its attributes as the kernel sent them (NFTA_*, integers big-endian): nothing is lost, whatever it is. A view into the
   * kernel's reply: copy it to change it.
   */
  readonly data: Uint8Array;
  /** The attributes by name, as `expressions.….make` takes them; undefined when one of them is not known here. */
  readonly fields: Readonly<Record<string, unknown>> | undefined;
}

const NOTHING = new Uint8Array(0);

/** The expressions of a rule, in order. */
export function readExpressions(list: Uint8Array | undefined): readonly ListedExpression[] {
  const expressions: ListedExpression[] = [];
  for (const { bytes } of attributes(list ?? NOTHING)) expressions.push(readExpression(bytes));
  return Object.freeze(expressions);
}

/** One expression, from its name and data. */
export function readExpression(bytes: Uint8Array): ListedExpression {
  const expression = attributeMap(bytes);
  const name = textOf(expression.get(NFTA_EXPR.name)) ?? '';
  const data = expression.get(NFTA_EXPR.data) ?? NOTHING;
  let fields: ListedExpression['fields'] | null = null;
  return Object.freeze({
    name,
    data,
    // Read when somebody asks: who lists rules rarely looks into every expression of each.
    get fields() {
      if (fields === null) fields = readFields(name, data);
      return fields;
    },
  });
}

function readFields(name: string, data: Uint8Array): ListedExpression['fields'] {
  const kind = name === immediateKind.name ? immediateKind : EXPRESSION_KINDS.get(name);
  return kind?.read(accepted(name, data));
}
