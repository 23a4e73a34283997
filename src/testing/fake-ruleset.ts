import type { PackedExpression } from './unpack.ts';

/** What a fake kernel holds. Bytes are kept as strings of one character a byte, like packed values. */

export interface FakeTable {
  readonly chains: Map<string, FakeChain>;
  readonly sets: Map<string, FakeSet>;
}

interface FakeChain {
  readonly isBase: boolean;
  rules: readonly FakeRule[];
}

export interface FakeRule {
  readonly handle: bigint;
  readonly expressions: readonly PackedExpression[];
}

export interface FakeSet {
  readonly isMap: boolean;
  readonly keyLength: number;
  readonly size: number | undefined;
  readonly elements: Map<string, FakeElement>;
}

export interface FakeElement {
  /** A map's data. */
  readonly data: string | undefined;
  /** A verdict map's verdict code, and the chain it leads to. */
  readonly verdict: number | undefined;
  readonly chain: string | undefined;
}

const LOOKUP_SET = 3;
const IMMEDIATE_CHAIN = 4;

/** Whether a rule or a verdict map of the table leads to the chain. */
export function isChainUsed(table: FakeTable, name: string): boolean {
  for (const set of table.sets.values()) {
    for (const element of set.elements.values()) if (element.chain === name) return true;
  }
  return anyExpression(table, (expression) => textOf(expression, 'immediate', IMMEDIATE_CHAIN) === name);
}

/** Whether a rule of the table looks into the set. */
export function isSetUsed(table: FakeTable, name: string): boolean {
  return anyExpression(table, (expression) => textOf(expression, 'lookup', LOOKUP_SET) === name);
}

/** The names that an expression leads to: a set it looks into, a chain it goes to. */
export function references(expression: PackedExpression): { readonly set?: string; readonly chain?: string } {
  const set = textOf(expression, 'lookup', LOOKUP_SET);
  const chain = textOf(expression, 'immediate', IMMEDIATE_CHAIN);
  return { ...(set === undefined ? {} : { set }), ...(chain === undefined ? {} : { chain }) };
}

function anyExpression(table: FakeTable, test: (expression: PackedExpression) => boolean): boolean {
  for (const chain of table.chains.values()) {
    for (const rule of chain.rules) if (rule.expressions.some(test)) return true;
  }
  return false;
}

function textOf(expression: PackedExpression, name: string, attribute: number): string | undefined {
  return expression.name === name ? expression.attributes.get(attribute)?.toString() : undefined;
}
