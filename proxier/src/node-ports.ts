import { networkInterfaces } from 'node:os';
import { parseAddress } from './kube/address.ts';
import { cidrContains, parseCidr } from './kube/cidr.ts';
import { type Family, familyOf } from './model/family.ts';

/** On which of the node's addresses a family's node ports are. */
export interface NodePortAddresses {
  /** On all but loopback. */
  readonly everywhere: boolean;
  /** Otherwise on these. */
  readonly addresses: readonly string[];
}

/**
 * As kube-proxy reads `nodePortAddresses`: `primary` is the node's first address of the family; of networks those addresses
 * count that an interface has. Networks of the other family only, or a network of all addresses, mean all.
 */
export function nodePortAddresses(
  family: Family,
  wanted: readonly string[],
  nodeIPs: readonly string[],
  interfaceAddresses: readonly string[],
): NodePortAddresses {
  if (wanted.includes('primary')) {
    const primary = nodeIPs.find((ip) => familyOf(ip) === family);
    return { everywhere: false, addresses: primary === undefined ? [] : [primary] };
  }
  const networks = wanted.flatMap((text) => parseCidr(text) ?? []);
  const own = networks.filter((network) => network.family === (family === 'ip' ? 'IPv4' : 'IPv6'));
  if (own.length === 0 || own.some(({ prefixLength }) => prefixLength === 0)) {
    return { everywhere: true, addresses: [] };
  }
  const isIn = (ip: string) => {
    const address = parseAddress(ip);
    return address !== undefined && own.some((network) => cidrContains(network, address));
  };
  return { everywhere: false, addresses: interfaceAddresses.filter((ip) => !isLoopback(ip) && isIn(ip)) };
}

function isLoopback(ip: string): boolean {
  return ip === '::1' || ip.startsWith('127.');
}

/** The addresses of this process's network namespace. */
export function ownInterfaceAddresses(): readonly string[] {
  return Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .map(({ address }) => address);
}
