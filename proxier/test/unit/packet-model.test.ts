import { expect, test } from 'vitest';
import { type Flow, readCorpus, type Scenario } from '../../conformance/corpus.ts';
import { applied, firstObjects, type Objects, stepChanges } from '../../conformance/objects.ts';
import { modelPacket, worldOf } from '../../conformance/world-of.ts';
import { type AllowedOutcome, allowedOutcomes } from '../../packet-model/outcomes.ts';
import type { World } from '../../packet-model/world.ts';

/** The packet model says of each flow of the corpus what the corpus says. */

const CORPUS = readCorpus(new URL('../conformance/kube-proxy-flows.json', import.meta.url).pathname);

/** In the corpus' own words. */
function expectationOf(outcomes: readonly AllowedOutcome[]): unknown {
  const kinds = new Set(outcomes.map(({ kind }) => kind));
  if (kinds.size !== 1) return outcomes;
  const endpoints = outcomes.flatMap((outcome) => (outcome.kind === 'endpoint' ? [outcome] : []));
  if (endpoints.length === 0) return { [outcomes[0]?.kind ?? '']: true };
  const masqueraded = endpoints.filter(({ masquerade }) => masquerade).map(({ endpoint }) => endpoint);
  const isMixed = masqueraded.length > 0 && masqueraded.length < endpoints.length;
  return {
    endpoints: endpoints.map(({ endpoint }) => endpoint).sort(),
    masquerade: isMixed ? masqueraded.sort() : masqueraded.length > 0,
  };
}

function expected({ expect: wanted }: Flow): unknown {
  if (!('endpoints' in wanted)) return wanted;
  const { endpoints, masquerade } = wanted;
  return { endpoints: [...endpoints].sort(), masquerade };
}

interface Moment {
  readonly name: string;
  readonly world: World;
  readonly flows: readonly Flow[];
}

function momentsOf(scenario: Scenario): readonly Moment[] {
  const { config, name, flows = [], steps = [] } = scenario;
  // What the reader refuses is no object of the model either.
  const note = () => undefined;
  let zone = config.zone;
  let objects: Objects = firstObjects(scenario, note);
  const moments = [{ name, flows, world: worldOf(config, zone, objects) }];
  for (const step of steps) {
    zone = step.set?.node?.zone ?? zone;
    objects = applied(objects, stepChanges(step, note));
    moments.push({
      name: `${name}: ${step.name}`,
      flows: step.flows ?? [],
      world: worldOf(config, zone, objects),
    });
  }
  return moments;
}

test.each(CORPUS.map((scenario) => [scenario.name, scenario] as const))('%s', (_name, scenario) => {
  for (const { name, world, flows } of momentsOf(scenario)) {
    const said = flows.map((flow) => [
      flow.name,
      expectationOf(allowedOutcomes(world, modelPacket(flow, scenario.config))),
    ]);
    expect(said, name).toEqual(flows.map((flow) => [flow.name, expected(flow)]));
  }
});

test('the corpus is whole', () => {
  const flows = CORPUS.flatMap(({ flows = [], steps = [] }) => [
    ...flows,
    ...steps.flatMap((step) => step.flows ?? []),
  ]);
  expect([CORPUS.length, flows.length]).toEqual([76, 356]);
});
