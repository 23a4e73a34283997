import { type PayloadBase, payload } from '../expression/load.ts';
import { registerNumber } from '../expression/register.ts';
import { etherAddr, ipv4Addr, ipv6Addr } from '../type/address.ts';
import type { DataType } from '../type/data-type.ts';
import { etherType, inetService } from '../type/integer.ts';
import { inetProto } from '../type/named.ts';
import type { Need, Source } from './source.ts';

function field<In, Out>(
  type: DataType<In, Out>,
  base: PayloadBase,
  offset: number,
  needs: readonly Need[] = [],
): Source<In, Out> {
  return Object.freeze({
    kind: 'source',
    type,
    needs,
    field: { base, offset },
    load: (word: number) => [payload(base, offset, type.byteLength, registerNumber(word))],
  });
}

const IPV4: readonly Need[] = [{ layer: 'network', family: 'ip' }];
const IPV6: readonly Need[] = [{ layer: 'network', family: 'ip6' }];

function ports(protocol?: number) {
  const needs: readonly Need[] = protocol === undefined ? [] : [{ layer: 'transport', protocol }];
  return {
    sport: field(inetService, 'transport', 0, needs),
    dport: field(inetService, 'transport', 2, needs),
  } as const;
}

/** The Ethernet header. */
export const ether = {
  daddr: field(etherAddr, 'link', 0),
  saddr: field(etherAddr, 'link', 6),
  type: field(etherType, 'link', 12),
} as const;

/** The IPv4 header. */
export const ip = {
  protocol: field(inetProto, 'network', 9, IPV4),
  saddr: field(ipv4Addr, 'network', 12, IPV4),
  daddr: field(ipv4Addr, 'network', 16, IPV4),
} as const;

/** The IPv6 header. */
export const ip6 = {
  nexthdr: field(inetProto, 'network', 6, IPV6),
  saddr: field(ipv6Addr, 'network', 8, IPV6),
  daddr: field(ipv6Addr, 'network', 24, IPV6),
} as const;

/** Ports of TCP; reading one checks that the packet is TCP. */
export const tcp = ports(6);
/** Ports of UDP; reading one checks that the packet is UDP. */
export const udp = ports(17);
/** Ports of SCTP; reading one checks that the packet is SCTP. */
export const sctp = ports(132);
/** Ports of whatever transport header there is: check the protocol yourself, or have it in the same key. */
export const th = ports();
