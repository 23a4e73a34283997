import type { ClusterManifests } from '../cluster-generator/manifests.ts';
import { frontendOf, sourceAddress, stickyFrontends, type TestPacket } from '../cluster-generator/packets.ts';
import { seeded } from '../cluster-generator/random.ts';
import { type Counter, type Difference, probeOf } from './compare.ts';
import type { Side } from './side.ts';
import { isChoice, type Verdict, verdictOf } from './verdict.ts';

/** One client of one sticky frontend, and what each side chose for it so far, the latest last. */
interface Client {
  readonly packet: TestPacket;
  readonly chosen: readonly [Verdict[], Verdict[]];
}

const MAX_CLIENTS = 60;
const NEW_CLIENTS = 20;

/**
 * Clients of Services with session affinity, followed through the steps of a round. Which endpoint one gets is chance; but where both
 * sides happened to choose the same, either both keep it or neither does.
 */
export class Stickiness {
  #clients: Client[] = [];

  /** Takes some of the packets as new clients, tries all, and gives those whose endpoint one side kept and the other did not. */
  async check(
    sides: readonly [Side, Side],
    cluster: ClusterManifests,
    packets: readonly TestPacket[],
    counter: Counter,
  ): Promise<readonly Difference[]> {
    const sticky = packets.filter(({ isSticky, source }) => isSticky && source.kind !== 'one');
    const stillSticky = stickyFrontends(cluster);
    this.#clients = this.#clients.filter(({ packet }) => stillSticky.has(frontendOf(packet)));
    const room = Math.min(NEW_CLIENTS, MAX_CLIENTS - this.#clients.length);
    const chosen = sticky.length === 0 ? [] : seeded(counter()).some(sticky, room);
    this.#clients.push(...chosen.map((packet) => newClient(packet, counter())));
    const now = await Promise.all(sides.map((side) => verdictsOf(side, this.#clients)));
    return this.#clients.flatMap((client, index) =>
      compareClient(client, [now[0]?.[index], now[1]?.[index]]),
    );
  }
}

/** A client of an address that nobody else has: whoever uses two frontends of a Service may have two endpoints. */
function newClient(packet: TestPacket, n: number): Client {
  const source = { kind: 'one', address: sourceAddress(packet, n) } as const;
  return { packet: { ...packet, source }, chosen: [[], []] };
}

async function verdictsOf(side: Side, clients: readonly Client[]): Promise<readonly Verdict[]> {
  const results = await side.send(clients.map(({ packet }) => probeOf(packet, 0)));
  return results.map(verdictOf);
}

function compareClient(client: Client, now: readonly (Verdict | undefined)[]): readonly Difference[] {
  const [left = '', right = ''] = now;
  const [leftBefore, rightBefore] = client.chosen;
  const [wasLeft, wasRight] = [leftBefore.at(-1), rightBefore.at(-1)];
  // kube-proxy remembers one endpoint for each policy, and goes back to an older one when it may be used again.
  const isOlder = rightBefore.slice(0, -1).includes(right) || leftBefore.slice(0, -1).includes(left);
  if (isChoice(left)) leftBefore.push(left);
  if (isChoice(right)) rightBefore.push(right);
  if (wasLeft === undefined || wasLeft !== wasRight || isOlder) return [];
  if ((left === wasLeft) === (right === wasRight)) return [];
  const packet = { ...client.packet, name: `${client.packet.name}, which had ${wasLeft}` };
  return [{ packet, seen: [[left], [right]], tries: 1 }];
}
