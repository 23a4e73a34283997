import { InvalidArgumentError } from '../../invalid-argument.ts';
import { cmp } from '../expression/compute.ts';
import type { Expression } from '../expression/expression.ts';
import { metaLoad, payload } from '../expression/load.ts';
import { registerNumber } from '../expression/register.ts';
import { type Family, familyNumber } from '../family.ts';
import { META_KEYS } from './metadata.ts';
import type { Need } from './source.ts';

/** What a rule checks before its statements may read what they read: the same that nft puts in front of them. */

const REGISTER = registerNumber(0);
/** ARPHRD_ETHER of linux/if_arp.h, host order. */
const ETHERNET = Uint8Array.of(1, 0);
const ETHER_TYPES = {
  ip: Uint8Array.of(8, 0),
  ip6: Uint8Array.of(0x86, 0xdd),
  arp: Uint8Array.of(8, 6),
} as const;

/** The expressions that make sure of a need; nothing where the rule's family does, or where `known` has it already. */
export function satisfy(need: Need, family: Family, known: Need[]): readonly Expression[] {
  for (const other of known) if (isSame(need, other)) return [];
  known.push(need);
  switch (need.layer) {
    case 'transport':
      return transport(need.protocol);
    case 'network':
      return network(need.family, family);
    case 'link':
      // Frames of a bridge are always Ethernet's.
      return family === 'bridge'
        ? []
        : [metaLoad(META_KEYS.iiftype, REGISTER), cmp(REGISTER, 'eq', ETHERNET)];
    case 'ether type':
      return etherType(need.type);
    case 'header':
      return need.match;
  }
}

function isSame(need: Need, other: Need): boolean {
  switch (need.layer) {
    case 'transport':
      return other.layer === 'transport' && other.protocol === need.protocol;
    case 'network':
      return other.layer === 'network' && other.family === need.family;
    case 'link':
      return other.layer === 'link';
    case 'ether type':
      return other.layer === 'ether type' && Buffer.compare(other.type, need.type) === 0;
    case 'header':
      return other.layer === 'header' && other.key === need.key;
  }
}

const transports = new Map<number, readonly Expression[]>();

function transport(protocol: number): readonly Expression[] {
  const known = transports.get(protocol);
  if (known !== undefined) return known;
  const check = [metaLoad(META_KEYS.l4proto, REGISTER), cmp(REGISTER, 'eq', Uint8Array.of(protocol))];
  transports.set(protocol, check);
  return check;
}

function network(wanted: 'ip' | 'ip6' | 'arp', family: Family): readonly Expression[] {
  if (family === wanted) return [];
  if (family === 'inet' && wanted !== 'arp') {
    const nfproto = Uint8Array.of(familyNumber(wanted));
    return [metaLoad(META_KEYS.nfproto, REGISTER), cmp(REGISTER, 'eq', nfproto)];
  }
  if (family === 'bridge' && wanted === 'arp') return etherType(ETHER_TYPES.arp);
  if (family === 'bridge' || family === 'netdev') {
    return [metaLoad(META_KEYS.protocol, REGISTER), cmp(REGISTER, 'eq', ETHER_TYPES[wanted])];
  }
  throw new InvalidArgumentError('statements', wanted, `a header that rules of family ${family} can read`);
}

/** Where the Ethernet header says what follows it. */
const ETHER_TYPE_OFFSET = 12;

function etherType(type: Uint8Array): readonly Expression[] {
  return [payload('link', ETHER_TYPE_OFFSET, type.length, REGISTER), cmp(REGISTER, 'eq', type)];
}
