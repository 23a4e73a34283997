import { familyOf, type IPFamily, ofFamily, within } from './ranges.ts';
import type { ModelConfig } from './world.ts';

/** A packet of a new connection, as the proxy sees it first. */
export interface ModelPacket {
  readonly protocol: string;
  readonly source: string;
  readonly destination: string;
  readonly port: number;
  /** `undefined`: a process of the node sends it. */
  readonly inInterface: string | undefined;
}

const isLoopback = within(['127.0.0.0/8', '::1/128']);

/** What `fib … type local` says. */
export function isLocalAddress({ localAddresses }: ModelConfig, address: string): boolean {
  return isLoopback(address) || localAddresses.includes(address);
}

/** Whether the packet comes from a pod (§2.6); `undefined` when there is no way to tell. */
export function isFromPod({ detectLocal }: ModelConfig, packet: ModelPacket): boolean | undefined {
  switch (detectLocal.mode) {
    case 'none':
      return undefined;
    case 'BridgeInterface':
      return packet.inInterface === detectLocal.name;
    case 'InterfaceNamePrefix':
      return packet.inInterface?.startsWith(detectLocal.prefix) ?? false;
    default: {
      const [cidr] = ofFamily(detectLocal.cidrs, familyOf(packet.source));
      return cidr === undefined ? undefined : within([cidr])(packet.source);
    }
  }
}

/** Whether node ports are open at the address (§6.5). */
export function acceptsNodePorts(config: ModelConfig, address: string): boolean {
  if (isLoopback(address) || !isLocalAddress(config, address)) return false;
  const family = familyOf(address);
  if (config.nodePortAddresses.includes('primary')) return nodeIP(config, family) === address;
  const cidrs = ofFamily(config.nodePortAddresses, family);
  return cidrs.length === 0 || within(cidrs)(address);
}

/** The node's first address of the family. */
export function nodeIP({ nodeIPs }: ModelConfig, family: IPFamily): string | undefined {
  return nodeIPs.find((ip) => familyOf(ip) === family);
}
