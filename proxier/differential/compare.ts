import type { Probe } from '../../lab/packets/packet-lab.ts';
import { sourceAddress, type TestPacket } from '../cluster-generator/packets.ts';
import { DEVICE } from './node-lab.ts';
import type { Side } from './side.ts';
import { isChoice, type Verdict, verdictOf } from './verdict.ts';

/** A packet of which two proxies made something else. */
export interface Difference {
  readonly packet: TestPacket;
  /** All verdicts that were seen on each side, sorted. */
  readonly seen: readonly [readonly Verdict[], readonly Verdict[]];
  /** On each side. */
  readonly tries: number;
}

/** Tries of every packet; of those that have a choice; and what is added while the sides differ. */
const FIRST_TRIES = 3;
const CHOICE_TRIES = 9;
const MORE_TRIES = 64;
/** How improbable chance must have become as the reason why one side did not show a verdict of the other. */
const CHANCE = 1e-9;

/** A packet under way, with what was seen of it. */
interface Trial {
  readonly packet: TestPacket;
  readonly seen: readonly [Set<Verdict>, Set<Verdict>];
  /** How many tries were given an endpoint: source ranges may let few clients in. */
  readonly choices: [number, number];
  tries: number;
}

/** Numbers tries, so that each has a client of its own: with session affinity an old client shows nothing new. */
export type Counter = () => number;

/**
 * Sends the packets through both sides, several times each, and gives those whose verdicts differ. Endpoints are chosen at random, so
 * both sides are asked until they have shown the same set, or until an equal side would have done so but for one time in 10⁹.
 */
async function compare(
  sides: readonly [Side, Side],
  packets: readonly TestPacket[],
  counter: Counter,
): Promise<readonly Difference[]> {
  const trials = packets.map(
    (packet): Trial => ({ packet, seen: [new Set(), new Set()], choices: [0, 0], tries: 0 }),
  );
  await tryAll(sides, trials, FIRST_TRIES, counter);
  await tryAll(sides, trials.filter(hasChoice), CHOICE_TRIES, counter);
  let open = trials.filter((trial) => !agree(trial));
  const differences: Difference[] = [];
  while (open.length > 0) {
    differences.push(...open.filter(isDecided).map(differenceOf));
    const undecided = open.filter((trial) => !isDecided(trial));
    await tryAll(sides, undecided, MORE_TRIES, counter);
    open = undecided.filter((trial) => !agree(trial));
  }
  return differences;
}

/**
 * The same without what chance may still do: whether the node's own packets are masqueraded is told by their source port alone. One in
 * 60,000 keeps it; and one that is not masqueraded gets another where an older connection to the endpoint has it already. So a difference
 * in them counts when it shows again, with all older connections forgotten.
 */
export async function compareSides(
  sides: readonly [Side, Side],
  packets: readonly TestPacket[],
  counter: Counter,
): Promise<readonly Difference[]> {
  const differences = await compare(sides, packets, counter);
  const ofNode = differences.filter(({ packet }) => packet.origin === 'node');
  if (ofNode.length === 0) return differences;
  const others = differences.filter(({ packet }) => packet.origin !== 'node');
  for (const side of sides) side.forgetConnections();
  return [
    ...others,
    ...(await compare(
      sides,
      ofNode.map(({ packet }) => packet),
      counter,
    )),
  ];
}

async function tryAll(
  sides: readonly [Side, Side],
  trials: readonly Trial[],
  tries: number,
  counter: Counter,
): Promise<void> {
  if (trials.length === 0) return;
  const turns = Array.from({ length: tries }, () => trials).flat();
  const probes = turns.map(({ packet }) => probeOf(packet, counter()));
  await Promise.all(
    sides.map(async (side, index) => {
      const results = await side.send(probes);
      for (const [turn, result] of results.entries())
        note(turns[turn], index === 0 ? 0 : 1, verdictOf(result));
    }),
  );
  for (const trial of trials) trial.tries += tries;
}

function note(trial: Trial | undefined, side: 0 | 1, verdict: Verdict): void {
  trial?.seen[side].add(verdict);
  if (trial !== undefined && isChoice(verdict)) trial.choices[side] += 1;
}

/** Try number n of the packet. */
export function probeOf(packet: TestPacket, n: number): Probe {
  return {
    from: DEVICE[packet.origin],
    protocol: packet.protocol,
    source: sourceAddress(packet, n),
    destination: packet.destination,
    port: packet.port,
  };
}

function hasChoice({ seen: [left, right] }: Trial): boolean {
  return [...left, ...right].some(isChoice);
}

/** A single client of a sticky Service stays with what each side once chose for it, by any of the Service's frontends: that is chance. */
function agree({ packet, seen: [left, right] }: Trial): boolean {
  const isChance = packet.isSticky && packet.source.kind === 'one';
  if (isChance && hasOnlyChoices(packet, left) && hasOnlyChoices(packet, right)) return true;
  return left.size === right.size && isSubset(left, right);
}

function hasOnlyChoices({ mayEndHere }: TestPacket, verdicts: ReadonlySet<Verdict>): boolean {
  return [...verdicts].every((verdict) => isChoice(verdict) || (mayEndHere && verdict === 'dropped'));
}

function isSubset(some: ReadonlySet<Verdict>, all: ReadonlySet<Verdict>): boolean {
  return [...some].every((verdict) => all.has(verdict));
}

/**
 * With n verdicts, all as likely, one stays hidden with a probability of (1 - 1/n)^tries. Two more than seen: to be safe. Where the
 * sides differ in endpoints alone, only those tries say something that were given one.
 */
function isDecided({ seen: [left, right], choices, tries }: Trial): boolean {
  const n = new Set([...left, ...right]).size + 2;
  const isAboutChoices = isSubset(withoutChoices(left), right) && isSubset(withoutChoices(right), left);
  return (1 - 1 / n) ** (isAboutChoices ? Math.max(...choices) : tries) < CHANCE;
}

function withoutChoices(verdicts: ReadonlySet<Verdict>): ReadonlySet<Verdict> {
  return new Set([...verdicts].filter((verdict) => !isChoice(verdict)));
}

function differenceOf({ packet, seen: [left, right], tries }: Trial): Difference {
  return { packet, seen: [[...left].sort(), [...right].sort()], tries };
}
