import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';
import {
  type Expectation,
  readCorpus,
  type Scenario,
  type State,
  type Step,
} from '../../conformance/corpus.ts';
import { applied, type Objects } from '../../conformance/objects.ts';
import { flowCount, runCorpus } from '../../conformance/run-corpus.ts';
import type { StartSubject } from '../../conformance/subject.ts';
import { worldOf } from '../../conformance/world-of.ts';
import { plainRules } from '../conformance/plain-rules.ts';

/** The conformance runner, tried with rules that are plainly right, and with rules that are wrong. */

/** What only a proxy could answer for, and the waiting: the plain rules know no scale of time. */
const LEFT_OUT: readonly string[] = [
  'servicePortCount',
  'healthCheckPorts',
  'localReadyEndpoints',
  'endpointMap',
  'conntrack',
  'conntrackCleanupRequired',
  'advanceMs',
] satisfies readonly (keyof Step)[];

function flowsOnly(scenario: Scenario): Scenario {
  return { ...stripped(scenario), steps: (scenario.steps ?? []).map(stripped) };
}

function stripped<T extends State>(state: T): T {
  return Object.fromEntries(Object.entries(state).filter(([key]) => !LEFT_OUT.includes(key))) as T;
}

/** Rules are written anew at each change. */
const startPlainRules: StartSubject = async (netnsPath, config, firstZone) => {
  let objects: Objects = { services: new Map(), endpointSlices: new Map() };
  let zone = firstZone;
  const load = async () => {
    const input = plainRules(worldOf(config, zone, objects));
    execFileSync('nsenter', [`--net=${netnsPath}`, 'nft', '-f', '-'], { input, stdio: 'pipe' });
  };
  return {
    apply(changes) {
      objects = applied(objects, changes);
      return load();
    },
    setZone(next) {
      zone = next;
      return load();
    },
    facts: () => ({ servicePortCount: 0, healthCheckPorts: {}, localReadyEndpoints: {}, endpointMap: {} }),
    stop: async () => undefined,
  };
};

const CORPUS = readCorpus(new URL('../conformance/kube-proxy-flows.json', import.meta.url).pathname).map(
  flowsOnly,
);
const FLOWS = CORPUS.reduce((sum, scenario) => sum + flowCount(scenario), 0);

test('rules that are right pass every flow', { timeout: 120_000 }, async () => {
  const { passed, failures, notes } = await runCorpus(CORPUS, startPlainRules);
  expect(failures).toEqual([]);
  // A slice of no address family is in the corpus, and nothing else that the reader refuses.
  expect(notes.filter((note) => !note.includes('addressType'))).toEqual([]);
  expect(passed).toBe(FLOWS);
});

/** The scenarios with every expectation made wrong. */
function spoilt(spoil: (expectation: Expectation) => Expectation): readonly Scenario[] {
  const spoilFlows = <T extends State>(state: T): T => ({
    ...state,
    flows: (state.flows ?? []).map((flow) => ({ ...flow, expect: spoil(flow.expect) })),
  });
  return CORPUS.map((scenario) => ({
    ...spoilFlows(scenario),
    steps: (scenario.steps ?? []).map(spoilFlows),
  }));
}

/** In turn: another kind of outcome, an endpoint that nobody gives, one too many, a wrong masquerade. */
function spoiler(): (expectation: Expectation) => Expectation {
  let turn = 0;
  return (expectation) => {
    if (!('endpoints' in expectation)) {
      const isReached = turn++ % 2 === 0;
      if (isReached) return { endpoints: ['10.0.0.1:80'], masquerade: false };
      return 'drop' in expectation ? { reject: true } : { drop: true };
    }
    const { endpoints, masquerade } = expectation;
    const [first = '', ...others] = endpoints;
    const wrong: readonly Expectation[] = [
      { drop: true },
      { endpoints: [...endpoints, '10.255.0.1:80'], masquerade },
      { endpoints: others.length === 0 ? [`${first}1`] : others, masquerade },
      { endpoints, masquerade: masquerade === false },
    ];
    return wrong[turn++ % wrong.length] ?? { drop: true };
  };
}

test('every expectation that is wrong is found', { timeout: 120_000 }, async () => {
  const { passed, failed } = await runCorpus(spoilt(spoiler()), startPlainRules);
  expect([passed, failed]).toEqual([0, FLOWS]);
});
