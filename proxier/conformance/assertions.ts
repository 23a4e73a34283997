import { isDeepStrictEqual } from 'node:util';
import type { State } from './corpus.ts';
import type { Facts } from './subject.ts';

/** What was looked at, and what is wrong with it (nothing: it passed). */
export interface Check {
  readonly name: string;
  readonly problems: readonly string[];
}

const FACTS = ['servicePortCount', 'healthCheckPorts', 'localReadyEndpoints', 'endpointMap'] as const;

/** What a state says of the proxy's Services. Endpoints are compared as sets: rules are drawn by chance, not in an order. */
export function checkFacts(state: State, facts: Facts): readonly Check[] {
  return FACTS.flatMap((fact) => {
    const { [fact]: wanted } = state;
    if (wanted === undefined) return [];
    const seen = comparable(facts[fact]);
    const isEqual = isDeepStrictEqual(seen, comparable(wanted));
    const problem = `expected ${JSON.stringify(wanted)}, seen ${JSON.stringify(facts[fact])}`;
    return [{ name: fact, problems: isEqual ? [] : [problem] }];
  });
}

function comparable(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  return new Map(
    Object.entries(value).map(([key, each]) => [
      key,
      Array.isArray(each) ? new Set(each.map((item) => JSON.stringify(item))) : each,
    ]),
  );
}
