import { chain } from '../src/nft/chain.ts';
import type { Expression } from '../src/nft/expression/expression.ts';
import { rule } from '../src/nft/rule.ts';
import { table } from '../src/nft/table.ts';
import { CASES, type ExpressionCase, LACKING, RANGES } from '../test/kernel/expression-cases.ts';

/** What proves a row of docs/coverage.md: a test by its file and its whole name. A run of that file fails where it did not pass. */
export interface Proof {
  /** Below test/. */
  readonly file: string;
  /** The names of its groups and its own, with ` > ` between them. */
  readonly test: string;
}

/** In a cell: proven, or why there is nothing to prove. */
export type Cell = Proof | string;

export function kernel(file: string, test: string): Proof {
  return { file: `kernel/${file}.test.ts`, test };
}

export function unit(file: string, test: string): Proof {
  return { file: `unit/${file}.test.ts`, test };
}

/** Proven by a comparison of one rule with nft. */
export interface RuleProof {
  readonly equal: Proof;
  readonly read: Proof;
  readonly expressions: readonly Expression[];
}

function expressionsOf({ family, statements }: ExpressionCase): readonly Expression[] {
  return rule(chain(table(family, 't'), 'c'), statements).expressions;
}

const AGAIN = 'what was read makes the same expressions, by field and as bytes';

const COMPARED: readonly RuleProof[] = CASES.map((each) => ({
  equal: kernel('expressions', `family ${each.family} > ${each.text}`),
  read: kernel('expressions', `family ${each.family} > ${AGAIN}`),
  expressions: expressionsOf(each),
}));
/** What this kernel lacks: read back without a kernel only. */
const SENT_ONLY: readonly RuleProof[] = LACKING.flatMap((each) =>
  expressionsOf(each).map((expression) => ({
    equal: kernel('unsupported', `expressions > family ${each.family}: ${each.text}`),
    read: unit('codecs', `expressions > ${expression.name}`),
    expressions: [expression],
  })),
);
const IN_WORDS: readonly RuleProof[] = RANGES.map((each) => ({
  equal: kernel('expressions', `range: ${each.text}`),
  read: kernel('expressions', 'random values of fields come back as they were written'),
  expressions: expressionsOf(each).filter(({ name }) => name === 'range'),
}));

/** The first rule that is compared with nft's and has an expression so; of what this kernel has, where it has it. */
export function ruleWith(is: (expression: Expression) => boolean): RuleProof | undefined {
  const all = [...COMPARED, ...SENT_ONLY, ...IN_WORDS];
  return all.find(({ expressions }) => expressions.some(is));
}

/** The value of a four-byte attribute, by libnftnl's number; undefined where there is none. */
export function numberIn({ attributes }: Expression, id: number): number | undefined {
  return attributes.find((attribute) => attribute.id === id)?.bytes[0];
}
