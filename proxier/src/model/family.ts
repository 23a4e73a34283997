import { type IPFamily, familyOf as ipFamilyOf } from '../kube/address.ts';

/** An address family under the name of its nftables table. */
export type Family = 'ip' | 'ip6';

export const FAMILIES: readonly Family[] = ['ip', 'ip6'];

/** Kubernetes' name of the family. */
export function ipFamily(family: Family): IPFamily {
  return family === 'ip' ? 'IPv4' : 'IPv6';
}

/** The family of a canonical address. */
export function familyOf(address: string): Family {
  return ipFamilyOf(address) === 'IPv4' ? 'ip' : 'ip6';
}
