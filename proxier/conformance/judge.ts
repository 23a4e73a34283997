import type { EndpointsExpected, Expectation } from './corpus.ts';
import { type Verdict, verdictText } from './verdict.ts';

/** Many connections of one flow. */
export interface Observation {
  readonly verdicts: readonly Verdict[];
  /** The client sticks to one endpoint: the others can't be seen. */
  readonly isSticky: boolean;
  /** The node itself is the source: a masquerade shows in the port only, which may by chance stay what it was. */
  readonly isOwn: boolean;
}

/** Endpoints that a scenario's clients were given, by the names of its flows. */
export type Remembered = ReadonlyMap<string, string>;

/** How often the port of a masqueraded connection may stay the same among some dozens: 1 of 64,000 does. */
const CHANCE = 1;

/** What is wrong with what was seen; nothing when it is what was expected. */
export function judge(
  expect: Expectation,
  observation: Observation,
  remembered: Remembered,
): readonly string[] {
  if ('endpoints' in expect) return judgeEndpoints(expect, observation, remembered);
  const kind = 'drop' in expect ? 'drop' : 'reject' in expect ? 'reject' : 'untouched';
  const isWrong = observation.verdicts.some((verdict) => verdict.kind !== kind);
  return isWrong ? [`expected ${kind}`] : [];
}

/** What was seen, counted: `10.0.0.1:80 ×31, drop ×2`. */
export function observationText({ verdicts }: Observation): string {
  const counts = new Map<string, number>();
  for (const verdict of verdicts)
    counts.set(verdictText(verdict), (counts.get(verdictText(verdict)) ?? 0) + 1);
  return [...counts].map(([text, count]) => `${text} ×${count}`).join(', ');
}

/** The one endpoint that was reached, to be remembered. */
export function onlyEndpoint({ verdicts }: Observation): string | undefined {
  const [first] = verdicts;
  return first?.kind === 'endpoint' ? first.endpoint : undefined;
}

function judgeEndpoints(
  expect: EndpointsExpected,
  { verdicts, isSticky, isOwn }: Observation,
  remembered: Remembered,
): readonly string[] {
  const { endpoints, masquerade } = expect;
  const wrong: string[] = [];
  const seen = new Set(
    verdicts.flatMap((verdict) => (verdict.kind === 'endpoint' ? [verdict.endpoint] : [])),
  );
  const isElsewhere = verdicts.some(
    (verdict) => verdict.kind !== 'endpoint' || !endpoints.includes(verdict.endpoint),
  );
  const missing = endpoints.filter((endpoint) => !seen.has(endpoint));
  if (isElsewhere || (!isSticky && missing.length > 0))
    wrong.push(`expected exactly ${endpoints.join(', ')}`);
  if (isSticky && seen.size > 1) wrong.push('expected one endpoint, since the client has affinity');
  for (const endpoint of seen) {
    const shouldBe = typeof masquerade === 'boolean' ? masquerade : masquerade.includes(endpoint);
    if (!isAsMasqueraded(verdicts, endpoint, shouldBe, isOwn)) {
      wrong.push(
        `expected ${endpoint} to be ${shouldBe ? 'masqueraded' : 'reached with the source as it was'}`,
      );
    }
  }
  return [...wrong, ...judgeMemory(expect, seen, remembered)];
}

function isAsMasqueraded(
  verdicts: readonly Verdict[],
  endpoint: string,
  shouldBe: boolean,
  isOwn: boolean,
): boolean {
  const flags = verdicts.flatMap((verdict) =>
    verdict.kind === 'endpoint' && verdict.endpoint === endpoint ? [verdict.isMasqueraded] : [],
  );
  const others = flags.filter((flag) => flag !== shouldBe).length;
  const isByChance = shouldBe && isOwn && others <= CHANCE && others < flags.length;
  return others === 0 || isByChance;
}

function judgeMemory(
  { endpoints, sameAs, sameAsIfAlive }: EndpointsExpected,
  seen: ReadonlySet<string>,
  remembered: Remembered,
): readonly string[] {
  const name = sameAs ?? sameAsIfAlive;
  if (name === undefined) return [];
  const before = remembered.get(name);
  if (before === undefined) return [`no flow remembered ${name}`];
  if (sameAs === undefined && !endpoints.includes(before)) return [];
  return [...seen].every((endpoint) => endpoint === before) ? [] : [`expected ${before} again`];
}
