import { LOCAL_ADDRESSES } from '../cluster-generator/address-plan.ts';
import type { NodeConfig } from '../cluster-generator/node-config.ts';
import { packetsFor } from '../cluster-generator/packets.ts';
import { seeded } from '../cluster-generator/random.ts';
import { startWith } from '../conformance/proxier-subject.ts';
import type { Subject } from '../conformance/subject.ts';
import { openNodeLab } from '../differential/node-lab.ts';
import { changesBetween } from '../differential/object-changes.ts';
import { roundOf } from '../differential/round.ts';
import { AffinityMemory } from '../packet-model/affinity.ts';
import { makeWorld } from '../packet-model/world.ts';
import { type Objects, objectsOf } from './objects-of.ts';
import { type Contradiction, type Counter, contradictions } from './trials.ts';

/** What one seed showed. */
export interface RoundResult {
  readonly packets: number;
  /** The steps that led there; the round ends with the first that has any. */
  readonly found:
    | { readonly steps: readonly string[]; readonly contradictions: readonly Contradiction[] }
    | undefined;
}

const NOTHING: Objects = { services: new Map(), endpointSlices: new Map() };
const PACKETS = 120;

/** A random cluster through some random changes, under the real proxier, with packets compared with the packet model. */
export async function playRound(seed: number): Promise<RoundResult> {
  const { node, steps } = roundOf(seed);
  const random = seeded(seed ^ 0x5eed);
  const memory = new AffinityMemory();
  await using lab = await openNodeLab('model-check');
  let clients = 0;
  const counter: Counter = () => clients++;
  let before = NOTHING;
  let zone: string | undefined;
  let subject: Subject | undefined;
  let packets = 0;
  try {
    for (const [i, { state, restart }] of steps.entries()) {
      const after = objectsOf(state.cluster);
      if (subject === undefined || restart) {
        await subject?.stop();
        subject = await startWith(lab.host.netnsPath, proxierConfig(node, state.zone));
        before = NOTHING;
      } else if (state.zone !== zone) {
        await subject.setZone(state.zone ?? '');
      }
      await subject.apply(changes(before, after));
      ({ before, zone } = { before: after, zone: state.zone });
      const world = makeWorld(
        modelConfig(node, zone),
        [...after.services.values()],
        [...after.endpointSlices.values()],
      );
      memory.forgetUnreachable(world);
      const chosen = packetsFor(random, state.cluster, PACKETS);
      packets += chosen.length;
      const wrong = await contradictions(lab, world, memory, chosen, counter);
      if (wrong.length > 0) {
        return {
          packets,
          found: { steps: steps.slice(0, i + 1).map(({ name }) => name), contradictions: wrong },
        };
      }
    }
  } finally {
    await subject?.stop();
  }
  return { packets, found: undefined };
}

function changes(before: Objects, after: Objects) {
  const services = changesBetween(before.services, after.services);
  const slices = changesBetween(before.endpointSlices, after.endpointSlices);
  return {
    services: { upserted: services.set, deleted: services.deleted },
    endpointSlices: { upserted: slices.set, deleted: slices.deleted },
  };
}

function proxierConfig({ podCidrs: _, ...node }: NodeConfig, zone: string | undefined) {
  return { ...node, zone, interfaceAddresses: () => ['127.0.0.1', '::1', ...LOCAL_ADDRESSES] };
}

function modelConfig(node: NodeConfig, zone: string | undefined) {
  return { ...node, zone, localAddresses: LOCAL_ADDRESSES };
}
