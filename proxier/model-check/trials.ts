import type { PacketLab, Probe, ProbeResult } from '../../lab/packets/packet-lab.ts';
import { sourceAddress, type TestPacket } from '../cluster-generator/packets.ts';
import { type Verdict, verdictOf, verdictText } from '../conformance/verdict.ts';
import { DEVICE } from '../differential/node-lab.ts';
import type { AffinityMemory } from '../packet-model/affinity.ts';
import { type AllowedOutcome, allowedOutcomes } from '../packet-model/outcomes.ts';
import type { World } from '../packet-model/world.ts';

/** A packet of which the proxy made what the packet model does not allow, or never what it allows. */
export interface Contradiction {
  readonly packet: TestPacket;
  /** Of the client that showed it. */
  readonly source: string;
  readonly allowed: readonly string[];
  readonly seen: readonly string[];
}

/** What sends the packets. */
export type Sender = Pick<PacketLab, 'send' | 'forgetConnections'>;

/** Numbers clients, so that each try has one of its own where there are many. */
export type Counter = () => number;

interface Try {
  readonly packet: TestPacket;
  readonly source: string;
}

/** So many tries show each of n equally likely outcomes but for one time in 10^9. */
const triesFor = (outcomes: number) => (outcomes < 2 ? 3 : 12 + 24 * outcomes);
/** How often the node's own masqueraded packet may keep its source port by chance. */
const CHANCE = 1;

/** Tries all packets often enough to see every outcome, and compares with what the model allows. */
export async function contradictions(
  sender: Sender,
  world: World,
  memory: AffinityMemory,
  packets: readonly TestPacket[],
  counter: Counter,
): Promise<readonly Contradiction[]> {
  const inOrder = [...packets].sort((a, b) => place(world, a) - place(world, b));
  const turns = inOrder.map((packet) => {
    const outcomes = allowed(world, packet, sourceAddress(packet, 0)).length;
    return Array.from(
      { length: triesFor(outcomes) },
      (): Try => ({ packet, source: sourceAddress(packet, counter()) }),
    );
  });
  const tries = turns.flat();
  sender.forgetConnections();
  const results = await sender.send(tries.map(probeOf));
  // In the order of sending: each connection may make its client stick.
  const judged = tries.map((each, i) => judge(world, memory, each, results[i]));
  let end = 0;
  return turns.flatMap(({ length }) => {
    const begin = end;
    end += length;
    return summary(world, judged.slice(begin, end));
  });
}

/**
 * The node's own packets first, and those that are not masqueraded before all others: when a masqueraded connection has the node's
 * address and the same port already, the kernel gives the node's own another port, which would look like a masquerade.
 */
function place(world: World, packet: TestPacket): number {
  if (packet.origin !== 'node') return 2;
  const outcomes = allowed(world, packet, sourceAddress(packet, 0));
  return outcomes.some((outcome) => outcome.kind === 'endpoint' && outcome.masquerade) ? 1 : 0;
}

interface Judged extends Try {
  readonly verdict: Verdict;
  readonly allowed: readonly AllowedOutcome[];
  readonly isAllowed: boolean;
}

function judge(world: World, memory: AffinityMemory, each: Try, result: ProbeResult | undefined): Judged {
  if (result === undefined) throw new Error('a packet without a result');
  const verdict = verdictOf(result);
  const outcomes = allowed(world, each.packet, each.source, memory);
  const match = outcomes.find((outcome) => isSame(outcome, verdict));
  if (match?.kind === 'endpoint' && match.stickyBy !== undefined) {
    memory.remember(match.stickyBy, each.source, match.endpoint, Number.POSITIVE_INFINITY);
  }
  return { ...each, verdict, allowed: outcomes, isAllowed: match !== undefined };
}

function summary(world: World, tries: readonly Judged[]): readonly Contradiction[] {
  const wrong = tries.filter(({ isAllowed }) => !isAllowed);
  const [first] = wrong;
  if (first !== undefined && !wrong.every(isByChance))
    return [contradiction(wrong.find((each) => !isByChance(each)) ?? first, tries)];
  if (first !== undefined && wrong.length > CHANCE) return [contradiction(first, tries)];
  const [any] = tries;
  if (any === undefined || (any.packet.isSticky && any.packet.source.kind === 'one')) return [];
  const hidden = allowed(world, any.packet, any.source).some(
    (outcome) => !tries.some(({ verdict }) => isSame(outcome, verdict)),
  );
  // Where clients of a kind are not treated alike (source ranges), each has outcomes of its own.
  const isAlike = tries.every(({ allowed: outcomes }) => outcomes.length === any.allowed.length);
  return hidden && isAlike && wrong.length === 0 ? [contradiction(any, tries)] : [];
}

/** Looks like a masqueraded packet of the node whose port was drawn anew and is the same. */
function isByChance({ packet, verdict, allowed: outcomes }: Judged): boolean {
  if (packet.origin !== 'node' || verdict.kind !== 'endpoint' || verdict.isMasqueraded) return false;
  return outcomes.some((outcome) => isSame(outcome, { ...verdict, isMasqueraded: true }));
}

function contradiction(
  { packet, source, allowed: outcomes }: Judged,
  tries: readonly Judged[],
): Contradiction {
  const seen = new Set(tries.map(({ verdict }) => verdictText(verdict)));
  return { packet, source, allowed: outcomes.map(outcomeText), seen: [...seen].sort() };
}

function allowed(
  world: World,
  { protocol, destination, port, origin }: TestPacket,
  source: string,
  memory?: AffinityMemory,
): readonly AllowedOutcome[] {
  const inInterface = origin === 'node' ? undefined : DEVICE[origin];
  const recall = memory && ((servicePort: string, client: string) => memory.recall(servicePort, client, 0));
  return allowedOutcomes(world, { protocol, source, destination, port, inInterface }, recall);
}

function isSame(outcome: AllowedOutcome, verdict: Verdict): boolean {
  if (outcome.kind !== 'endpoint' || verdict.kind !== 'endpoint') return outcome.kind === verdict.kind;
  return outcome.endpoint === verdict.endpoint && outcome.masquerade === verdict.isMasqueraded;
}

function outcomeText(outcome: AllowedOutcome): string {
  if (outcome.kind !== 'endpoint') return outcome.kind;
  return verdictText({ kind: 'endpoint', endpoint: outcome.endpoint, isMasqueraded: outcome.masquerade });
}

function probeOf({ packet, source }: Try): Probe {
  const { origin, protocol, destination, port } = packet;
  return { from: DEVICE[origin], protocol, source, destination, port };
}
