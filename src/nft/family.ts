import { InvalidArgumentError } from '../invalid-argument.ts';

/** A table's address family. */
export type Family = 'ip' | 'ip6' | 'inet' | 'arp' | 'bridge' | 'netdev';

/** NFPROTO_* of linux/netfilter.h. */
const NUMBERS: Readonly<Record<Family, number>> = { inet: 1, ip: 2, arp: 3, netdev: 5, bridge: 7, ip6: 10 };

export function familyNumber(family: Family): number {
  const number = Object.hasOwn(NUMBERS, family) ? NUMBERS[family] : undefined;
  if (number === undefined) {
    throw new InvalidArgumentError(
      'family',
      family,
      `an address family (${Object.keys(NUMBERS).join(', ')})`,
    );
  }
  return number;
}

/** The family of a number that the kernel sent; undefined for one that has no tables. */
export function familyOf(number: number): Family | undefined {
  return (Object.keys(NUMBERS) as Family[]).find((family) => NUMBERS[family] === number);
}
