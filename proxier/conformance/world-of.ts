import type { ModelPacket } from '../packet-model/origin.ts';
import { makeWorld, type World } from '../packet-model/world.ts';
import type { Flow, ScenarioConfig } from './corpus.ts';
import { inInterfaceOf, localDetection } from './node-config.ts';
import type { Objects } from './objects.ts';

/** The packet model's world for a scenario's objects. */
export function worldOf(config: ScenarioConfig, zone: string, objects: Objects): World {
  const { nodeName, nodeIPs, localAddresses, masqueradeAll, nodePortAddresses, serviceCIDRs } = config;
  return makeWorld(
    {
      nodeName,
      zone: zone === '' ? undefined : zone,
      nodeIPs,
      localAddresses,
      detectLocal: localDetection(config),
      masqueradeAll,
      nodePortAddresses,
      serviceCidrs: serviceCIDRs,
    },
    [...objects.services.values()],
    [...objects.endpointSlices.values()],
  );
}

/** A flow's packet as the model takes it. */
export function modelPacket(flow: Flow, config: ScenarioConfig): ModelPacket {
  const { protocol, sourceIP, destIP, destPort } = flow;
  return {
    protocol,
    source: sourceIP,
    destination: destIP,
    port: destPort,
    inInterface: inInterfaceOf(flow, config),
  };
}
