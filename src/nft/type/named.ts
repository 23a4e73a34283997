import { InvalidArgumentError } from '../../invalid-argument.ts';
import type { DataType } from './data-type.ts';
import { readUint, writeUint } from './integer.ts';

interface NamedType<Name extends string> {
  readonly name: string;
  readonly id: number;
  readonly byteLength: 1 | 2 | 4;
  readonly byteOrder: 'host' | 'network';
  readonly values: Readonly<Record<Name, number>>;
  readonly expected: string;
}

/** A number whose values have names in nft; both may be given, the name is read back where there is one. */
function namedType<Name extends string>(definition: NamedType<Name>): DataType<Name | number, Name | number> {
  const { byteLength, byteOrder, values, expected } = definition;
  const littleEndian = byteOrder === 'host';
  const names = new Map(Object.entries<number>(values).map(([name, value]) => [value, name as Name]));
  const limit = 2 ** (8 * byteLength);
  return Object.freeze({
    name: definition.name,
    id: definition.id,
    byteLength,
    byteOrder,
    write(value: Name | number, into: Uint8Array, offset: number) {
      const number = typeof value === 'string' && Object.hasOwn(values, value) ? values[value] : value;
      if (typeof number !== 'number' || !Number.isInteger(number) || number < 0 || number >= limit) {
        throw new InvalidArgumentError('', value, expected);
      }
      writeUint(number, into, offset, byteLength, littleEndian);
    },
    read(bytes: Uint8Array, offset: number) {
      const number = readUint(bytes, offset, byteLength, littleEndian);
      return names.get(number) ?? number;
    },
  });
}

/** The IP protocols that have a name here; others are given and read as numbers. */
export type ProtocolName =
  | 'icmp'
  | 'tcp'
  | 'udp'
  | 'dccp'
  | 'gre'
  | 'esp'
  | 'ah'
  | 'ipv6-icmp'
  | 'sctp'
  | 'udplite';

/** `inet_proto`: an IP protocol by name or number, one byte. */
export const inetProto = namedType<ProtocolName>({
  name: 'inet_proto',
  id: 12,
  byteLength: 1,
  byteOrder: 'network',
  values: {
    icmp: 1,
    tcp: 6,
    udp: 17,
    dccp: 33,
    gre: 47,
    esp: 50,
    ah: 51,
    'ipv6-icmp': 58,
    sctp: 132,
    udplite: 136,
  },
  expected: 'an IP protocol ("tcp", "udp", "sctp" … or 0 to 255)',
});

/** `nf_proto`: the address family that a packet has inside an `inet` table. */
export const nfProto = namedType<'ipv4' | 'ipv6'>({
  name: 'nf_proto',
  id: 2,
  byteLength: 1,
  byteOrder: 'network',
  values: { ipv4: 2, ipv6: 10 },
  expected: 'a protocol family ("ipv4" or "ipv6")',
});

/** RTN_* by nft's names. @inline */
export type AddressTypeName =
  | 'unspec'
  | 'unicast'
  | 'local'
  | 'broadcast'
  | 'anycast'
  | 'multicast'
  | 'blackhole'
  | 'unreachable'
  | 'prohibit';

/** `fib_addrtype`: what the routing table says of an address, host order. */
export const fibAddrType = namedType<AddressTypeName>({
  name: 'fib_addrtype',
  id: 38,
  byteLength: 4,
  byteOrder: 'host',
  values: {
    unspec: 0,
    unicast: 1,
    local: 2,
    broadcast: 3,
    anycast: 4,
    multicast: 5,
    blackhole: 6,
    unreachable: 7,
    prohibit: 8,
  },
  expected: 'an address type ("local", "unicast" …)',
});

/** `arp_op`: what an ARP packet wants. */
export const arpOp = namedType({
  name: 'arp_op',
  id: 11,
  byteLength: 2,
  byteOrder: 'network',
  values: { request: 1, reply: 2, rrequest: 3, rreply: 4, inrequest: 8, inreply: 9, nak: 10 },
  expected: 'an ARP operation ("request", "reply" …)',
});

/** `icmp_type`. */
export const icmpType = namedType({
  name: 'icmp_type',
  id: 14,
  byteLength: 1,
  byteOrder: 'network',
  values: {
    'echo-reply': 0,
    'destination-unreachable': 3,
    'source-quench': 4,
    redirect: 5,
    'echo-request': 8,
    'router-advertisement': 9,
    'router-solicitation': 10,
    'time-exceeded': 11,
    'parameter-problem': 12,
    'timestamp-request': 13,
    'timestamp-reply': 14,
    'info-request': 15,
    'info-reply': 16,
    'address-mask-request': 17,
    'address-mask-reply': 18,
  },
  expected: 'an ICMP type ("echo-request" … or 0 to 255)',
});

/** `icmp_code`, of destination-unreachable. */
export const icmpCode = namedType({
  name: 'icmp_code',
  id: 32,
  byteLength: 1,
  byteOrder: 'network',
  values: {
    'net-unreachable': 0,
    'host-unreachable': 1,
    'prot-unreachable': 2,
    'port-unreachable': 3,
    'frag-needed': 4,
    'net-prohibited': 9,
    'host-prohibited': 10,
    'admin-prohibited': 13,
  },
  expected: 'an ICMP code ("host-unreachable" … or 0 to 255)',
});

/** `icmpv6_type`. */
export const icmpv6Type = namedType({
  name: 'icmpv6_type',
  id: 29,
  byteLength: 1,
  byteOrder: 'network',
  values: {
    'destination-unreachable': 1,
    'packet-too-big': 2,
    'time-exceeded': 3,
    'parameter-problem': 4,
    'echo-request': 128,
    'echo-reply': 129,
    'mld-listener-query': 130,
    'mld-listener-report': 131,
    'mld-listener-done': 132,
    'nd-router-solicit': 133,
    'nd-router-advert': 134,
    'nd-neighbor-solicit': 135,
    'nd-neighbor-advert': 136,
    'nd-redirect': 137,
    'router-renumbering': 138,
    'ind-neighbor-solicit': 141,
    'ind-neighbor-advert': 142,
    'mld2-listener-report': 143,
  },
  expected: 'an ICMPv6 type ("echo-request" … or 0 to 255)',
});

/** `icmpv6_code`, of destination-unreachable. */
export const icmpv6Code = namedType({
  name: 'icmpv6_code',
  id: 33,
  byteLength: 1,
  byteOrder: 'network',
  values: {
    'no-route': 0,
    'admin-prohibited': 1,
    'addr-unreachable': 3,
    'port-unreachable': 4,
    'policy-fail': 5,
    'reject-route': 6,
  },
  expected: 'an ICMPv6 code ("addr-unreachable" … or 0 to 255)',
});

/** `igmp_type`. */
export const igmpType = namedType({
  name: 'igmp_type',
  id: 42,
  byteLength: 1,
  byteOrder: 'network',
  values: {
    'membership-query': 17,
    'membership-report-v1': 18,
    'membership-report-v2': 22,
    'membership-report-v3': 34,
    'leave-group': 23,
  },
  expected: 'an IGMP type ("membership-query" … or 0 to 255)',
});

/** `dccp_pkttype`, four bits. */
export const dccpPacketType = namedType({
  name: 'dccp_pkttype',
  id: 16,
  byteLength: 1,
  byteOrder: 'network',
  values: {
    request: 0,
    response: 1,
    data: 2,
    ack: 3,
    dataack: 4,
    closereq: 5,
    close: 6,
    reset: 7,
    sync: 8,
    syncack: 9,
  },
  expected: 'a DCCP packet type ("request" … or 0 to 15)',
});

/** `mh_type`: what a Mobility Header of IPv6 is about. */
export const mobilityType = namedType({
  name: 'mh_type',
  id: 17,
  byteLength: 1,
  byteOrder: 'network',
  values: {
    'binding-refresh-request': 0,
    'home-test-init': 1,
    'careof-test-init': 2,
    'home-test': 3,
    'careof-test': 4,
    'binding-update': 5,
    'binding-acknowledgement': 6,
    'binding-error': 7,
    'fast-binding-update': 8,
    'fast-binding-acknowledgement': 9,
    'fast-binding-advertisement': 10,
    'experimental-mobility-header': 11,
    'home-agent-switch-message': 12,
  },
  expected: 'a Mobility Header type ("binding-update" … or 0 to 255)',
});

/** `dscp`: the class of service of an IP packet, six bits. */
export const dscp = namedType({
  name: 'dscp',
  id: 36,
  byteLength: 1,
  byteOrder: 'network',
  values: {
    cs0: 0x00,
    cs1: 0x08,
    cs2: 0x10,
    cs3: 0x18,
    cs4: 0x20,
    cs5: 0x28,
    cs6: 0x30,
    cs7: 0x38,
    lephb: 0x01,
    af11: 0x0a,
    af12: 0x0c,
    af13: 0x0e,
    af21: 0x12,
    af22: 0x14,
    af23: 0x16,
    af31: 0x1a,
    af32: 0x1c,
    af33: 0x1e,
    af41: 0x22,
    af42: 0x24,
    af43: 0x26,
    va: 0x2c,
    ef: 0x2e,
  },
  expected: 'a DSCP ("cs1", "ef" … or 0 to 63)',
});

/** `ecn`: two bits that announce congestion. */
export const ecn = namedType({
  name: 'ecn',
  id: 37,
  byteLength: 1,
  byteOrder: 'network',
  values: { 'not-ect': 0, ect1: 1, ect0: 2, ce: 3 },
  expected: 'an ECN ("not-ect", "ect0", "ect1" or "ce")',
});

/** `pkt_type`: whom a frame was for. */
export const packetType = namedType({
  name: 'pkt_type',
  id: 31,
  byteLength: 1,
  byteOrder: 'host',
  values: { host: 0, broadcast: 1, multicast: 2, other: 3 },
  expected: 'a packet type ("host", "broadcast", "multicast", "other")',
});

/** `ct_dir`: a connection's direction. */
export const ctDirection = namedType({
  name: 'ct_dir',
  id: 27,
  byteLength: 1,
  byteOrder: 'host',
  values: { original: 0, reply: 1 },
  expected: 'a direction ("original" or "reply")',
});

/** `boolean`: whether something is there. */
export const existence = namedType({
  name: 'boolean',
  id: 39,
  byteLength: 1,
  byteOrder: 'host',
  values: { missing: 0, exists: 1 },
  expected: '"exists" or "missing"',
});

/** The same in four bytes, as the kernel answers whether there is a route. */
export const existence32 = namedType({
  name: 'boolean',
  id: 39,
  byteLength: 4,
  byteOrder: 'host',
  values: { missing: 0, exists: 1 },
  expected: '"exists" or "missing"',
});

/** `day` of the week, in UTC. */
export const dayOfWeek = namedType({
  name: 'day',
  id: 45,
  byteLength: 1,
  byteOrder: 'host',
  values: { Sunday: 0, Monday: 1, Tuesday: 2, Wednesday: 3, Thursday: 4, Friday: 5, Saturday: 6 },
  expected: 'a day of the week ("Monday" … or 0, Sunday, to 6)',
});
