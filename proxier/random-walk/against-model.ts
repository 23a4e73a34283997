import type { ProbeResult } from '../../lab/packets/packet-lab.ts';
import { LOCAL_ADDRESSES } from '../cluster-generator/address-plan.ts';
import type { NodeConfig } from '../cluster-generator/node-config.ts';
import { sourceAddress, type TestPacket } from '../cluster-generator/packets.ts';
import type { ClusterState } from '../cluster-generator/random-change.ts';
import { probeOf } from '../differential/compare.ts';
import { DEVICE } from '../differential/node-lab.ts';
import { readManifest } from '../differential/our-proxier.ts';
import { verdictOf } from '../differential/verdict.ts';
import { type AllowedOutcome, allowedOutcomes } from '../packet-model/outcomes.ts';
import { makeWorld, type World } from '../packet-model/world.ts';
import type { EndpointSlice, Service } from '../src/kube/objects.ts';

/** The packet model's view of a generated cluster. */
export function worldOf(node: NodeConfig, { cluster, zone }: ClusterState): World {
  return makeWorld(
    { ...node, zone, localAddresses: LOCAL_ADDRESSES },
    [...cluster.services.values()].map((manifest) => readManifest(manifest) as Service),
    [...cluster.endpointSlices.values()].map((manifest) => readManifest(manifest) as EndpointSlice),
  );
}

/**
 * What a packet met that the model doesn't allow it, in words; `undefined`: all is well. `n` is the try's number. Who sticks to which
 * endpoint is left out: any that may be chosen is allowed.
 */
export function contradiction(
  world: World,
  packet: TestPacket,
  n: number,
  result: ProbeResult,
): string | undefined {
  const { from } = probeOf(packet, n);
  const allowed = allowedOutcomes(world, {
    protocol: packet.protocol,
    source: sourceAddress(packet, n),
    destination: packet.destination,
    port: packet.port,
    inInterface: from === DEVICE.node ? undefined : from,
  });
  // What comes in and is for the node itself never gets to postrouting.
  const canBeMasqueraded = result.outcome.fate !== 'delivered' || packet.origin === 'node';
  const texts = allowed.map((outcome) => allowedText(outcome, canBeMasqueraded));
  const seen = verdictOf(result).replace(/ masqueraded as .*/, ' masqueraded');
  return texts.includes(seen) ? undefined : `${packet.name}: ${seen}; allowed: ${texts.join(', ')}`;
}

function allowedText(outcome: AllowedOutcome, canBeMasqueraded: boolean): string {
  switch (outcome.kind) {
    case 'reject':
      return 'refused (port-unreachable)';
    case 'drop':
      return 'dropped';
    case 'untouched':
      return 'untouched';
    case 'endpoint':
      return `→ ${outcome.endpoint}${outcome.masquerade && canBeMasqueraded ? ' masqueraded' : ''}`;
  }
}
