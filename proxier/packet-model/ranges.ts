import { BlockList, isIPv6 } from 'node:net';

/** An IP family as Kubernetes spells it. */
export type IPFamily = 'IPv4' | 'IPv6';

export function familyOf(address: string): IPFamily {
  return isIPv6(address) ? 'IPv6' : 'IPv4';
}

/** The CIDRs of the family. */
export function ofFamily(cidrs: readonly string[], family: IPFamily): readonly string[] {
  return cidrs.filter((cidr) => familyOf(cidr.split('/')[0] ?? '') === family);
}

const tests = new Map<string, (address: string) => boolean>();

/** A test for lying in one of the CIDRs, made once for each list. Throws what node:net throws when one is none. */
export function within(cidrs: readonly string[]): (address: string) => boolean {
  const key = cidrs.join();
  const known = tests.get(key);
  if (known !== undefined) return known;
  const list = new BlockList();
  for (const cidr of cidrs) {
    const [base = '', length] = cidr.split('/');
    list.addSubnet(base, Number(length), isIPv6(base) ? 'ipv6' : 'ipv4');
  }
  const test = (address: string) => list.check(address, isIPv6(address) ? 'ipv6' : 'ipv4');
  tests.set(key, test);
  return test;
}
