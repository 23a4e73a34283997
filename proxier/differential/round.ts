import { ZONES } from '../cluster-generator/address-plan.ts';
import { type NodeConfig, randomNodeConfig } from '../cluster-generator/node-config.ts';
import { packetsFor } from '../cluster-generator/packets.ts';
import { type Random, seeded } from '../cluster-generator/random.ts';
import { type ClusterState, randomChange } from '../cluster-generator/random-change.ts';
import { randomCluster } from '../cluster-generator/random-cluster.ts';
import { type Counter, compareSides, type Difference } from './compare.ts';
import type { Side } from './side.ts';
import { Stickiness } from './stickiness.ts';

/** One state of the cluster and how it came about. */
export interface Step {
  readonly name: string;
  readonly state: ClusterState;
  /** Our proxy was ended before, and another one started. */
  readonly restart: boolean;
}

/** What one seed stands for: a node, and the states that its cluster goes through. */
export interface Round {
  readonly seed: number;
  readonly node: NodeConfig;
  readonly steps: readonly Step[];
}

export interface RoundResult {
  readonly round: Round;
  readonly packets: number;
  /** After the steps up to and including number `step`. A round ends with the first step that has any. */
  readonly found:
    | {
        readonly step: number;
        readonly differences: readonly Difference[];
        /** Clients of sticky Services that kept their endpoint on one side only. */
        readonly unsteady: readonly Difference[];
      }
    | undefined;
}

/** Rounds that follow each other on one node: for another one kube-proxy has to be started anew. */
const ROUNDS_PER_NODE = 5;
const CHANGES = 4;
const PACKETS = 120;

export function roundOf(seed: number): Round {
  const random = seeded(seed);
  const zone = random.chance(80) ? random.pick(ZONES) : undefined;
  const node = randomNodeConfig(seeded(Math.floor(seed / ROUNDS_PER_NODE)));
  const first: Step = { name: 'start', state: { cluster: randomCluster(random), zone }, restart: false };
  const steps = [first];
  for (let state = first.state; steps.length <= CHANGES; ) {
    const { name, after, restart } = randomChange(random, state);
    steps.push({ name, state: after, restart });
    state = after;
  }
  return { seed, node, steps };
}

/** Plays the round on both sides; `ours` is the one that is restarted. */
export async function playRound(
  sides: readonly [Side, Side],
  round: Round,
  counter: Counter,
): Promise<RoundResult> {
  const random: Random = seeded(round.seed ^ 0x5eed);
  const stickiness = new Stickiness();
  let packets = 0;
  for (const [step, { state, restart }] of round.steps.entries()) {
    const [ours, reference] = sides;
    const isFirst = step === 0;
    await Promise.all([
      isFirst || restart ? ours.start(round.node, state) : ours.change(state),
      isFirst ? reference.start(round.node, state) : reference.change(state),
    ]);
    const chosen = packetsFor(random, state.cluster, PACKETS);
    packets += chosen.length;
    const differences = await compareSides(sides, chosen, counter);
    const unsteady = await stickiness.check(sides, state.cluster, chosen, counter);
    if (differences.length + unsteady.length > 0) {
      return { round, packets, found: { step, differences, unsteady } };
    }
  }
  return { round, packets, found: undefined };
}
