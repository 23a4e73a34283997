import type { LocalDetection } from '../packet-model/world.ts';
import type { Flow, ScenarioConfig } from './corpus.ts';

/** How traffic from pods is told, with what its mode needs. Throws when the scenario leaves that out. */
export function localDetection({ detectLocal }: ScenarioConfig): LocalDetection {
  const { mode, clusterCIDR = [], nodeCIDR = [], bridgeInterface, interfaceNamePrefix } = detectLocal;
  switch (mode) {
    case 'ClusterCIDR':
      return { mode, cidrs: clusterCIDR };
    case 'NodeCIDR':
      return { mode, cidrs: nodeCIDR };
    case 'BridgeInterface':
      return { mode, name: needed(bridgeInterface, 'bridgeInterface') };
    default:
      return { mode, prefix: needed(interfaceNamePrefix, 'interfaceNamePrefix') };
  }
}

function needed(value: string | undefined, name: string): string {
  if (value === undefined) throw new Error(`the scenario's detectLocal has no ${name}`);
  return value;
}

const LOOPBACK = new Set(['127.0.0.1', '::1']);

/** The device by which a flow comes in; `undefined`: the node sends it. */
export function inInterfaceOf({ inInterface, sourceIP }: Flow, config: ScenarioConfig): string | undefined {
  if (inInterface !== undefined) return inInterface;
  const isOwn = LOOPBACK.has(sourceIP) || config.localAddresses.includes(sourceIP);
  return isOwn ? undefined : 'outside';
}
