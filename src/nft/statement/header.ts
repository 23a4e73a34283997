import { anonymousSet } from '../anonymous-set.ts';
import { cmp, lookup } from '../expression/compute.ts';
import type { Expression } from '../expression/expression.ts';
import { type PayloadBase, payload } from '../expression/load.ts';
import { registerNumber } from '../expression/register.ts';
import { etherAddr, ipv4Addr, ipv6Addr } from '../type/address.ts';
import { bytesOf, type DataType } from '../type/data-type.ts';
import { tcpFlag } from '../type/flags.ts';
import { etherType, inetService, uint8, uint16, uint24, uint32 } from '../type/integer.ts';
import {
  arpOp,
  dccpPacketType,
  dscp,
  ecn,
  icmpCode,
  icmpType,
  icmpv6Code,
  icmpv6Type,
  igmpType,
  inetProto,
} from '../type/named.ts';
import { bitSource } from './bits.ts';
import { type Checksum, loadOnce, type Need, type Source } from './source.ts';

/** The headers of packets. Names are nft's; a rule checks first that the packet has the header. */

/** One header: where it begins, what a packet must be to have it, and its checksum. */
interface Header {
  readonly base: PayloadBase;
  readonly needs: readonly Need[];
  readonly checksum?: Checksum;
}

function field<In, Out>(
  { base, needs, checksum }: Header,
  type: DataType<In, Out>,
  offset: number,
): Source<In, Out> {
  return Object.freeze({
    kind: 'source',
    type,
    needs,
    field: { base, offset, ...(checksum === undefined ? {} : { checksum }) },
    load: loadOnce((word) => payload(base, offset, type.byteLength, registerNumber(word))),
  });
}

/** The bits of `mask` in the bytes from `offset` on. */
function bits<In, Out>(
  header: Header,
  type: DataType<In, Out>,
  offset: number,
  mask: number,
): Source<In, Out> {
  const whole = field(header, type, offset);
  const { needs, field: place } = whole;
  return bitSource(type, mask, whole.load, { needs, ...(place === undefined ? {} : { field: place }) });
}

const IPV4: readonly Need[] = [{ layer: 'network', family: 'ip' }];
const IPV6: readonly Need[] = [{ layer: 'network', family: 'ip6' }];

function transport(protocol: number, checksum?: Checksum, network: readonly Need[] = []): Header {
  const needs: readonly Need[] = [...network, { layer: 'transport', protocol }];
  return { base: 'transport', needs, ...(checksum === undefined ? {} : { checksum }) };
}

function ports(header: Header) {
  return { sport: field(header, inetService, 0), dport: field(header, inetService, 2) } as const;
}

function inet(offset: number): Checksum {
  return { type: 'inet', offset };
}

const ETHER: Header = { base: 'link', needs: [{ layer: 'link' }] };

/** The Ethernet header. */
export const ether = {
  daddr: field(ETHER, etherAddr, 0),
  saddr: field(ETHER, etherAddr, 6),
  type: field(ETHER, etherType, 12),
} as const;

const VLAN_TAG = Uint8Array.of(0x81, 0);
const VLAN: Header = { base: 'link', needs: [{ layer: 'link' }, { layer: 'ether type', type: VLAN_TAG }] };

/** The tag of a virtual LAN (802.1Q), where the frame still has it. */
export const vlan = {
  pcp: bits(VLAN, uint8, 14, 0xe0),
  dei: bits(VLAN, uint8, 14, 0x10),
  id: bits(VLAN, uint16, 14, 0x0fff),
  type: field(VLAN, etherType, 16),
} as const;

const ARP: Header = { base: 'network', needs: [{ layer: 'network', family: 'arp' }] };

/** The ARP header, as it is for IPv4 on Ethernet. */
export const arp = {
  htype: field(ARP, uint16, 0),
  ptype: field(ARP, etherType, 2),
  hlen: field(ARP, uint8, 4),
  plen: field(ARP, uint8, 5),
  operation: field(ARP, arpOp, 6),
  /** `arp saddr ether`. */
  saddrEther: field(ARP, etherAddr, 8),
  /** `arp saddr ip`. */
  saddrIp: field(ARP, ipv4Addr, 14),
  /** `arp daddr ether`. */
  daddrEther: field(ARP, etherAddr, 18),
  /** `arp daddr ip`. */
  daddrIp: field(ARP, ipv4Addr, 24),
} as const;

const IP: Header = { base: 'network', needs: IPV4, checksum: inet(10) };
const IP_ADDRESS: Header = { ...IP, checksum: { ...inet(10), isPseudoHeader: true } };

/** The IPv4 header. */
export const ip = {
  version: bits(IP, uint8, 0, 0xf0),
  hdrlength: bits(IP, uint8, 0, 0x0f),
  dscp: bits(IP, dscp, 1, 0xfc),
  ecn: bits(IP, ecn, 1, 0x03),
  length: field(IP, uint16, 2),
  id: field(IP, uint16, 4),
  /** With the flags in front: 0x2000 is "more fragments", 0x4000 "don't fragment". */
  fragOff: field(IP, uint16, 6),
  ttl: field(IP, uint8, 8),
  protocol: field(IP, inetProto, 9),
  checksum: field(IP, uint16, 10),
  saddr: field(IP_ADDRESS, ipv4Addr, 12),
  daddr: field(IP_ADDRESS, ipv4Addr, 16),
} as const;

const IP6: Header = { base: 'network', needs: IPV6 };
const IP6_ADDRESS: Header = { ...IP6, checksum: { type: 'none', offset: 0, isPseudoHeader: true } };

/** The IPv6 header. */
export const ip6 = {
  version: bits(IP6, uint8, 0, 0xf0),
  dscp: bits(IP6, widened(dscp), 0, 0x0fc0),
  ecn: bits(IP6, ecn, 1, 0x30),
  flowlabel: bits(IP6, uint24, 1, 0x0fffff),
  length: field(IP6, uint16, 4),
  nexthdr: field(IP6, inetProto, 6),
  hoplimit: field(IP6, uint8, 7),
  saddr: field(IP6_ADDRESS, ipv6Addr, 8),
  daddr: field(IP6_ADDRESS, ipv6Addr, 24),
} as const;

/** A type of one byte in two. */
function widened<In, Out>(type: DataType<In, Out>): DataType<In, Out> {
  return Object.freeze({
    ...type,
    byteLength: 2,
    write(value: In, into: Uint8Array, offset: number) {
      into[offset] = 0;
      type.write(value, into, offset + 1);
    },
    read: (bytes: Uint8Array, offset: number) => type.read(bytes, offset + 1),
  });
}

const TCP = transport(6, inet(16));

/** The TCP header. */
export const tcp = {
  ...ports(TCP),
  sequence: field(TCP, uint32, 4),
  ackseq: field(TCP, uint32, 8),
  doff: bits(TCP, uint8, 12, 0xf0),
  flags: field(TCP, tcpFlag, 13),
  window: field(TCP, uint16, 14),
  checksum: field(TCP, uint16, 16),
  urgptr: field(TCP, uint16, 18),
} as const;

const UDP = transport(17, inet(6));

/** The UDP header. */
export const udp = { ...ports(UDP), length: field(UDP, uint16, 4), checksum: field(UDP, uint16, 6) } as const;

const UDPLITE = transport(136);

/** The UDP-Lite header. */
export const udplite = {
  ...ports(UDPLITE),
  csumcov: field(UDPLITE, uint16, 4),
  checksum: field(UDPLITE, uint16, 6),
} as const;

const SCTP = transport(132, { type: 'sctp', offset: 8 });

/** The SCTP header; `sctpChunk` reads what follows it. */
export const sctp = {
  ...ports(SCTP),
  vtag: field(SCTP, uint32, 4),
  checksum: field(SCTP, uint32, 8),
} as const;

const DCCP = transport(33);

/** The DCCP header. */
export const dccp = { ...ports(DCCP), type: bits(DCCP, dccpPacketType, 8, 0x1e) } as const;

/** Ports of whatever transport header there is: check the protocol yourself, or have it in the same key. */
export const th = ports({ base: 'transport', needs: [] });

const AH = transport(51);

/** The authentication header of IPsec. */
export const ah = {
  nexthdr: field(AH, inetProto, 0),
  hdrlength: field(AH, uint8, 1),
  reserved: field(AH, uint16, 2),
  spi: field(AH, uint32, 4),
  sequence: field(AH, uint32, 8),
} as const;

const ESP = transport(50);

/** The encryption header of IPsec. */
export const esp = { spi: field(ESP, uint32, 0), sequence: field(ESP, uint32, 4) } as const;

const COMP = transport(108);

/** The compression header of IPsec. */
export const comp = {
  nexthdr: field(COMP, inetProto, 0),
  flags: field(COMP, uint8, 1),
  cpi: field(COMP, uint16, 2),
} as const;

/** What only some types of a message have: the type is checked first. */
function ofTypes<In>(
  header: Header,
  type: DataType<In, unknown>,
  types: readonly [In, ...In[]],
  make: (header: Header) => Source<number>,
): Source<number> {
  const register = registerNumber(0);
  const [only] = types;
  const test: Expression =
    types.length === 1
      ? cmp(register, 'eq', bytesOf(type, only))
      : lookup(register, anonymousSet(type, types as readonly unknown[] as readonly never[]));
  const match = [payload('transport', 0, 1, register), test];
  const key = `${type.name} ${types.join(' ')}`;
  return make({ ...header, needs: [...header.needs, { layer: 'header', key, match }] });
}

const ICMP = transport(1, inet(2), IPV4);
const ICMP_ECHO = ['echo-reply', 'echo-request'] as const;

/** The ICMP header. Fields that only some types have check the type. */
export const icmp = {
  type: field(ICMP, icmpType, 0),
  code: field(ICMP, icmpCode, 1),
  checksum: field(ICMP, uint16, 2),
  /** Of echo requests and replies. */
  id: ofTypes(ICMP, icmpType, ICMP_ECHO, (header) => field(header, uint16, 4)),
  /** Of echo requests and replies. */
  sequence: ofTypes(ICMP, icmpType, ICMP_ECHO, (header) => field(header, uint16, 6)),
  /** Of redirects. */
  gateway: ofTypes(ICMP, icmpType, ['redirect'], (header) => field(header, uint32, 4)),
  /** Of "fragmentation needed". */
  mtu: ofTypes(ICMP, icmpType, ['destination-unreachable'], (header) => field(header, uint16, 6)),
} as const;

const ICMPV6 = transport(58, inet(2), IPV6);
const ICMPV6_ECHO = ['echo-request', 'echo-reply'] as const;

/** The ICMPv6 header. Fields that only some types have check the type. */
export const icmpv6 = {
  type: field(ICMPV6, icmpv6Type, 0),
  code: field(ICMPV6, icmpv6Code, 1),
  checksum: field(ICMPV6, uint16, 2),
  /** Of echo requests and replies. */
  id: ofTypes(ICMPV6, icmpv6Type, ICMPV6_ECHO, (header) => field(header, uint16, 4)),
  /** Of echo requests and replies. */
  sequence: ofTypes(ICMPV6, icmpv6Type, ICMPV6_ECHO, (header) => field(header, uint16, 6)),
  /** Of "packet too big". */
  mtu: ofTypes(ICMPV6, icmpv6Type, ['packet-too-big'], (header) => field(header, uint32, 4)),
  /** Of listener queries. */
  maxDelay: ofTypes(ICMPV6, icmpv6Type, ['mld-listener-query'], (header) => field(header, uint16, 4)),
} as const;

const IGMP = transport(2, inet(2), IPV4);

/** The IGMP header. */
export const igmp = {
  type: field(IGMP, igmpType, 0),
  mrt: field(IGMP, uint8, 1),
  checksum: field(IGMP, uint16, 2),
  group: field(IGMP, uint32, 4),
} as const;
