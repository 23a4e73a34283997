import { PacketLab } from '../../lab/packets/packet-lab.ts';
import { ADDRESS_PLAN, POD_BRIDGE, POD_INTERFACE_PREFIX } from '../cluster-generator/address-plan.ts';
import type { Origin } from '../cluster-generator/packets.ts';

/** The device that packets of each origin come in by. */
export const DEVICE: Readonly<Record<Origin, string>> = {
  outside: 'out0',
  pods: `${POD_INTERFACE_PREFIX}1`,
  bridge: POD_BRIDGE,
  node: 'node',
};

/** The generated clusters' node: its addresses, its pods behind one device, everything else behind another. */
export function openNodeLab(label: string): Promise<PacketLab> {
  const plans = [ADDRESS_PLAN.IPv4, ADDRESS_PLAN.IPv6];
  const prefix = (address: string) => `${address}/${address.includes(':') ? 128 : 32}`;
  return PacketLab.open({
    label,
    links: {
      [DEVICE.outside]: {
        addresses: plans.flatMap(({ nodeIP, otherLocalIPs }) => [nodeIP, ...otherLocalIPs].map(prefix)),
        routes: ['0.0.0.0/0', '::/0'],
      },
      [DEVICE.pods]: { routes: plans.map(({ nodeCidr }) => nodeCidr) },
      [DEVICE.bridge]: {},
    },
  });
}
