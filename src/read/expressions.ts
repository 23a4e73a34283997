import { attributeMap, attributes, textOf } from '../netlink/attribute.ts';
import { immediateKind } from '../nft/expression/immediate.ts';
import { EXPRESSION_KINDS } from '../nft/expression/kinds.ts';
import { NFTA_EXPR } from './uapi.ts';

/** An expression as the kernel has it. */
export interface ListedExpression {
  /** The kernel's name: `payload`, `cmp` … */
  readonly name: string;
  /** Its attributes as the kernel sent them (NFTA_*, integers big-endian): nothing is lost, whatever it is. */
  readonly data: Uint8Array;
  /** The attributes by name, as `expressions.….make` takes them; undefined when one of them is not known here. */
  readonly fields: Readonly<Record<string, unknown>> | undefined;
}

const NOTHING = new Uint8Array(0);

/** The expressions of a rule, in order. */
export function readExpressions(list: Uint8Array | undefined): readonly ListedExpression[] {
  return [...attributes(list ?? NOTHING)].map(({ bytes }) => {
    const expression = attributeMap(bytes);
    const name = textOf(expression.get(NFTA_EXPR.name)) ?? '';
    const data = Uint8Array.from(expression.get(NFTA_EXPR.data) ?? NOTHING);
    const kind = name === immediateKind.name ? immediateKind : EXPRESSION_KINDS.get(name);
    return { name, data, fields: kind?.read(data) };
  });
}
