import { setTimeout as sleep } from 'node:timers/promises';
import type { PacketLab } from '../../lab/packets/packet-lab.ts';
import { type Check, checkFacts } from './assertions.ts';
import { type PlantedFlow, PlantedFlows } from './conntrack-flows.ts';
import type { ConntrackEntry, Flow, Scenario, State, Step } from './corpus.ts';
import { tryFlow } from './flow-trial.ts';
import { openNode } from './node.ts';
import {
  applied,
  asChanges,
  firstObjects,
  type Note,
  type Objects,
  stepChanges,
  TIME_SCALE,
} from './objects.ts';
import type { StartSubject, Subject } from './subject.ts';
import { worldOf } from './world-of.ts';

/** Runs a scenario, giving each check as it is made. Rejects when something breaks: then the rest has not been looked at. */
export async function runScenario(
  scenario: Scenario,
  start: StartSubject,
  check: (check: Check) => void,
  note: Note,
): Promise<void> {
  await using lab = await openNode(scenario);
  const run = new ScenarioRun(scenario, lab, start, check);
  try {
    await run.begin(firstObjects(scenario, note));
    for (const step of scenario.steps ?? []) await run.step(step, note);
  } finally {
    await run.end();
  }
}

/** A scenario under way. */
class ScenarioRun {
  readonly #scenario: Scenario;
  readonly #lab: PacketLab;
  readonly #start: StartSubject;
  readonly #check: (check: Check) => void;
  readonly #planted: PlantedFlows;
  readonly #remembered = new Map<string, string>();
  #zone: string;
  #objects: Objects = { services: new Map(), endpointSlices: new Map() };
  #subject: Subject | undefined;

  constructor(scenario: Scenario, lab: PacketLab, start: StartSubject, check: (check: Check) => void) {
    this.#scenario = scenario;
    this.#lab = lab;
    this.#start = start;
    this.#check = check;
    this.#planted = new PlantedFlows(lab);
    this.#zone = scenario.config.zone;
  }

  async begin(objects: Objects): Promise<void> {
    await this.#watched(this.#scenario, objects, () => this.#restart(objects));
    await this.#look(this.#scenario);
  }

  async step(step: Step, note: Note): Promise<void> {
    if (step.advanceMs !== undefined) await sleep(step.advanceMs / TIME_SCALE);
    const changes = stepChanges(step, note);
    const objects = applied(this.#objects, changes);
    const zone = step.set?.node?.zone ?? this.#zone;
    await this.#watched(step, objects, async () => {
      const isNewZone = zone !== this.#zone;
      this.#zone = zone;
      if (step.restart) return this.#restart(objects);
      if (isNewZone) await this.#running().setZone(zone);
      await this.#running().apply(changes);
    });
    await this.#look(step);
  }

  async end(): Promise<void> {
    await this.#subject?.stop();
  }

  /** Does what changes the objects, and looks what it did to the flows that were there before. */
  async #watched(state: State, objects: Objects, change: () => Promise<void>): Promise<void> {
    const { conntrack = [], conntrackCleanupRequired } = state;
    const entries = this.#planted.plant(conntrack.map((entry) => this.#plantedEntry(entry)));
    const stale = conntrackCleanupRequired === undefined ? [] : staleFlows(this.#objects, objects);
    const canaries = this.#planted.plant(stale);
    await change();
    this.#objects = objects;
    const left = conntrack.length + stale.length === 0 ? new Set<number>() : await this.#planted.left();
    for (const [i, { expectDeleted, ...entry }] of conntrack.entries()) {
      const isDeleted = !left.has(entries[i] ?? 0);
      const problem = `expected the flow to ${expectDeleted ? 'be deleted' : 'stay'}`;
      this.#check({
        name: `${this.#at(state)}conntrack ${JSON.stringify(entry)}`,
        problems: isDeleted === expectDeleted ? [] : [problem],
      });
    }
    if (conntrackCleanupRequired === undefined) return;
    const isCleaned = canaries.some((port) => !left.has(port));
    // Without a UDP port nobody can have a stale flow.
    const isRight = isCleaned === conntrackCleanupRequired || canaries.length === 0;
    const problem = `expected stale UDP flows to ${conntrackCleanupRequired ? 'be deleted' : 'stay'}`;
    this.#check({ name: `${this.#at(state)}conntrackCleanupRequired`, problems: isRight ? [] : [problem] });
  }

  #plantedEntry({ protocol, origDst, origDstPort, replySrc, replySrcPort }: ConntrackEntry): PlantedFlow {
    const [node = ''] = this.#scenario.config.nodeIPs;
    return {
      protocol,
      destination: origDst ?? node,
      port: origDstPort,
      replySource: replySrc,
      replyPort: replySrcPort ?? origDstPort,
    };
  }

  async #restart(objects: Objects): Promise<void> {
    await this.#subject?.stop();
    this.#subject = undefined;
    this.#subject = await this.#start(this.#lab.host.netnsPath, this.#scenario.config, this.#zone);
    await this.#subject.apply(asChanges(objects));
  }

  async #look(state: State): Promise<void> {
    for (const flow of state.flows ?? []) await this.#tryFlow(state, flow);
    for (const { name, problems } of checkFacts(state, this.#running().facts())) {
      this.#check({ name: `${this.#at(state)}${name}`, problems });
    }
  }

  async #tryFlow(state: State, flow: Flow): Promise<void> {
    const { config } = this.#scenario;
    const world = worldOf(config, this.#zone, this.#objects);
    const { problems, endpoint } = await tryFlow(this.#lab, config, world, flow, this.#remembered);
    this.#check({ name: `${this.#at(state)}${flowText(flow)}`, problems });
    if ('endpoints' in flow.expect && flow.expect.remember !== undefined && endpoint !== undefined) {
      this.#remembered.set(flow.expect.remember, endpoint);
    }
  }

  /** Where in the scenario: nothing before its first step. */
  #at(state: State): string {
    return state === this.#scenario ? '' : `${state.name}: `;
  }

  #running(): Subject {
    if (this.#subject === undefined) throw new Error('the scenario has not begun');
    return this.#subject;
  }
}

function flowText({ name, protocol, sourceIP, destIP, destPort }: Flow): string {
  return `${name} (${protocol} ${sourceIP} → ${destIP} ${destPort})`;
}

/** A flow to each UDP cluster IP there is before or after, with an answer from nobody's endpoint. */
function staleFlows(before: Objects, after: Objects): readonly PlantedFlow[] {
  const services = new Map([...before.services, ...after.services]);
  return [...services.values()].flatMap(({ spec }) =>
    spec.ports
      .filter(({ protocol }) => protocol === 'UDP')
      .flatMap(({ port }) =>
        spec.clusterIPs
          .filter((ip) => ip !== 'None')
          .map((destination): PlantedFlow => {
            const replySource = destination.includes(':') ? '2001:db8:ffff::1' : '192.0.2.99';
            return { protocol: 'UDP', destination, port, replySource, replyPort: 9 };
          }),
      ),
  );
}
