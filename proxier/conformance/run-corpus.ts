import type { Check } from './assertions.ts';
import type { Scenario } from './corpus.ts';
import { runScenario } from './scenario.ts';
import type { StartSubject } from './subject.ts';

/** A check of a scenario that did not pass. */
interface Failure {
  readonly scenario: string;
  readonly check: string;
  readonly problems: readonly string[];
}

export interface CorpusResult {
  readonly passed: number;
  /** Failed checks, and flows that a broken scenario never came to. */
  readonly failed: number;
  readonly failures: readonly Failure[];
  /** What the proxier refused to read, by scenario. */
  readonly notes: readonly string[];
}

/** More of them only wait for each other: two cores, and the kernel builds one namespace at a time. */
const AT_ONCE = 4;

/** Runs scenarios, some at a time; tells of them in their order. */
export async function runCorpus(scenarios: readonly Scenario[], start: StartSubject): Promise<CorpusResult> {
  const results = new Map<Scenario, CorpusResult>();
  // Those that wait go first: they are what the others can be run beside.
  const waiting = [...scenarios].sort((a, b) => waitMs(b) - waitMs(a)).values();
  const work = async () => {
    for (const scenario of waiting) results.set(scenario, await runOne(scenario, start));
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  const inOrder = scenarios.flatMap((scenario) => results.get(scenario) ?? []);
  return {
    passed: inOrder.reduce((sum, { passed }) => sum + passed, 0),
    failed: inOrder.reduce((sum, { failed }) => sum + failed, 0),
    failures: inOrder.flatMap(({ failures }) => failures),
    notes: inOrder.flatMap(({ notes }) => notes),
  };
}

async function runOne(scenario: Scenario, start: StartSubject): Promise<CorpusResult> {
  const checks: Check[] = [];
  const notes: string[] = [];
  let notTried = 0;
  const note = (text: string) => void notes.push(`${scenario.name}: ${text}`);
  try {
    await runScenario(scenario, start, (check) => void checks.push(check), note);
  } catch (error) {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    notTried = Math.max(0, flowCount(scenario) - checks.length - 1);
    checks.push({ name: 'it broke', problems: [text, `${notTried} more flows were not tried`] });
  }
  const failures = checks.filter(({ problems }) => problems.length > 0);
  return {
    passed: checks.length - failures.length,
    failed: failures.length + notTried,
    failures: failures.map(({ name, problems }) => ({ scenario: scenario.name, check: name, problems })),
    notes,
  };
}

/** How many flows a scenario has, those of its steps included. */
export function flowCount({ flows = [], steps = [] }: Scenario): number {
  return steps.reduce((sum, step) => sum + (step.flows?.length ?? 0), flows.length);
}

function waitMs({ steps = [] }: Scenario): number {
  return steps.reduce((sum, { advanceMs = 0 }) => sum + advanceMs, 0);
}
