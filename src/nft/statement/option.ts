import { InvalidArgumentError } from '../../invalid-argument.ts';
import { toNetworkOrder } from '../expression/compute.ts';
import { exthdrKind } from '../expression/kinds.ts';
import { immediate } from '../expression/load.ts';
import { registerNumber } from '../expression/register.ts';
import { ipv6Addr } from '../type/address.ts';
import { bytesOf, type DataType } from '../type/data-type.ts';
import { uint8, uint16, uint32 } from '../type/integer.ts';
import { existence, inetProto, mobilityType } from '../type/named.ts';
import { bitSource } from './bits.ts';
import { type Need, type Source, type Statement, statement } from './source.ts';

/** Options and extension headers, which are not at a fixed place of a packet: nft's `tcp option`, `ip option`, `exthdr`, `sctp chunk`. */

/** Where the kernel looks for an option: NFT_EXTHDR_OP_*. @inline */
type Place = 'ipv6' | 'tcpopt' | 'ipv4' | 'sctp' | 'dccp';

/** NFT_EXTHDR_F_PRESENT. */
const PRESENT = 1;

/** A field of an option: may be read, and those of TCP written by `setTcpOption`. */
export interface OptionField<In, Out = In> extends Source<In, Out> {
  /** Where it is. */
  readonly option: { readonly op: Place; readonly type: number; readonly offset: number };
}

/** One kind of option or extension header, by its number. */
function optionKind(op: Place, type: number, needs: readonly Need[] = []) {
  const field = <In, Out>(dataType: DataType<In, Out>, offset: number): OptionField<In, Out> => {
    const place = { op, type, offset };
    return Object.freeze({
      kind: 'source',
      type: dataType,
      needs,
      option: place,
      load: (word: number) => [
        exthdrKind.make({ ...place, len: dataType.byteLength, dreg: registerNumber(word) }),
      ],
    });
  };
  const exists: Source<Parameters<typeof existence.write>[0]> = Object.freeze({
    kind: 'source',
    type: existence,
    needs,
    load: (word: number) => [
      exthdrKind.make({ op, type, offset: 0, len: 1, flags: PRESENT, dreg: registerNumber(word) }),
    ],
  });
  return {
    field,
    bits: (dataType: DataType<number>, offset: number, mask: number): Source<number> =>
      bitSource(dataType, mask, field(dataType, offset).load, { needs }),
    /** Whether the packet has it at all: nft's `tcp option sack-perm exists`. */
    exists,
  } as const;
}

type OptionKind = ReturnType<typeof optionKind>;

/** TCPOPT_*. */
const TCP_OPTIONS = {
  eol: 0,
  nop: 1,
  maxseg: 2,
  window: 3,
  sackPerm: 4,
  sack: 5,
  timestamp: 8,
  md5sig: 19,
  mptcp: 30,
  fastopen: 34,
} as const;
/** The names of TCP's options; others are numbers. */
export type TcpOptionName = keyof typeof TCP_OPTIONS;

function tcpKind(option: TcpOptionName | number): OptionKind {
  return optionKind('tcpopt', tcpOptionNumber(option));
}

function tcpOptionNumber(option: TcpOptionName | number): number {
  const number = typeof option === 'number' ? option : TCP_OPTIONS[option];
  if (Number.isInteger(number) && number >= 0 && number <= 255) return number;
  throw new InvalidArgumentError('option', option, 'a TCP option ("maxseg" … or 0 to 255)');
}

const maxseg = tcpKind('maxseg');
const tcpWindow = tcpKind('window');
const sack = tcpKind('sack');
const timestamp = tcpKind('timestamp');
const mptcp = tcpKind('mptcp');
const SACK_BLOCK_BYTES = 8;

/** The options of TCP. */
export const tcpOption = {
  /** Largest segment: `tcp option maxseg size`. */
  maxsegSize: maxseg.field(uint16, 2),
  windowCount: tcpWindow.field(uint8, 2),
  /** The n-th block, from 0. */
  sackLeft: (block = 0) => sack.field(uint32, 2 + SACK_BLOCK_BYTES * block),
  /** The end of the n-th block, from 0. */
  sackRight: (block = 0) => sack.field(uint32, 6 + SACK_BLOCK_BYTES * block),
  timestampTsval: timestamp.field(uint32, 2),
  timestampTsecr: timestamp.field(uint32, 6),
  mptcpSubtype: mptcp.bits(uint8, 2, 0xf0),
  /** Whether the packet has the option. */
  exists: (option: TcpOptionName | number) => tcpKind(option).exists,
  /** Bytes of any option: nft's `tcp option @255,8,8`, in bytes. */
  raw: (option: number, offset: number, byteLength: 1 | 2 | 4) =>
    tcpKind(option).field(INTEGERS[byteLength], offset),
} as const;

const INTEGERS = { 1: uint8, 2: uint16, 4: uint32 } as const;

/** Writes an option that the packet has: nft's `tcp option maxseg size set 1400`, or `set rt mtu`. */
export function setTcpOption(field: OptionField<number>, value: number | Source<number, unknown>): Statement {
  const { type, option } = field;
  if (option.op !== 'tcpopt') throw new InvalidArgumentError('field', option.op, 'a field of a TCP option');
  const register = registerNumber(0);
  const write = exthdrKind.make({ ...option, len: type.byteLength, sreg: register });
  if (typeof value === 'number') return statement([], [immediate(bytesOf(type, value), register), write]);
  if (value.type.byteLength !== type.byteLength) {
    throw new InvalidArgumentError('value', value.type.name, `a value of ${type.byteLength} bytes`);
  }
  return statement(value.needs, [...value.load(0), ...turned(value, register), write]);
}

function turned({ type }: Source<number, unknown>, register: number) {
  return type.byteOrder === 'host' ? [toNetworkOrder(register, type.byteLength)] : [];
}

/** Takes an option out of the packet (puts "no operation" in its place): nft's `reset tcp option sack-perm`. Kernel 5.18 or newer. */
export function resetTcpOption(option: TcpOptionName | number): Statement {
  return statement([], [exthdrKind.make({ type: tcpOptionNumber(option), op: 'tcpopt' })]);
}

const IPV4: readonly Need[] = [{ layer: 'network', family: 'ip' }];
const ipKind = (number: number) => optionKind('ipv4', number, IPV4);
/** IPOPT_*: copied flag and class included. */
const [lsrr, rr, ssrr, ra] = [ipKind(131), ipKind(7), ipKind(137), ipKind(148)];

function routeOption(kind: OptionKind) {
  return {
    exists: kind.exists,
    type: kind.field(uint8, 0),
    length: kind.field(uint8, 1),
    ptr: kind.field(uint8, 2),
    addr: kind.field(uint32, 3),
  } as const;
}

/** The options of IPv4. */
export const ipOption = {
  /** Loose source routing: nft's `ip option lsrr`. */
  lsrr: routeOption(lsrr),
  /** Record route: nft's `ip option rr`. */
  rr: routeOption(rr),
  /** Strict source routing: nft's `ip option ssrr`. */
  ssrr: routeOption(ssrr),
  /** Router alert: nft's `ip option ra`. */
  ra: {
    exists: ra.exists,
    type: ra.field(uint8, 0),
    length: ra.field(uint8, 1),
    value: ra.field(uint16, 2),
  },
} as const;

const IPV6: readonly Need[] = [{ layer: 'network', family: 'ip6' }];
const ip6Kind = (protocol: number) => optionKind('ipv6', protocol, IPV6);
/** IPPROTO_*. */
const [hbh, routing, frag, destination, mobility] = [0, 43, 44, 60, 135].map(ip6Kind) as [
  OptionKind,
  OptionKind,
  OptionKind,
  OptionKind,
  OptionKind,
];

/** The extension headers of IPv6. */
export const ip6Extension = {
  /** Hop by hop. */
  hbh: { exists: hbh.exists, nexthdr: hbh.field(inetProto, 0), hdrlength: hbh.field(uint8, 1) },
  /** Routing. */
  rt: {
    exists: routing.exists,
    nexthdr: routing.field(inetProto, 0),
    hdrlength: routing.field(uint8, 1),
    type: routing.field(uint8, 2),
    segLeft: routing.field(uint8, 3),
  },
  /** Routing of type 4, segments. */
  srh: {
    lastEntry: routing.field(uint8, 4),
    flags: routing.field(uint8, 5),
    tag: routing.field(uint16, 6),
    /** The n-th segment, from 1. */
    sid: (n: number) => routing.field(ipv6Addr, 8 + 16 * (n - 1)),
  },
  /** Fragment: nft's `frag`. */
  frag: {
    exists: frag.exists,
    nexthdr: frag.field(inetProto, 0),
    reserved: frag.field(uint8, 1),
    fragOff: frag.bits(uint16, 2, 0xfff8),
    moreFragments: frag.bits(uint8, 3, 0x01),
    id: frag.field(uint32, 4),
  },
  /** Destination options: nft's `dst`. */
  dst: {
    exists: destination.exists,
    nexthdr: destination.field(inetProto, 0),
    hdrlength: destination.field(uint8, 1),
  },
  /** Mobility: nft's `mh`. */
  mh: {
    exists: mobility.exists,
    nexthdr: mobility.field(inetProto, 0),
    hdrlength: mobility.field(uint8, 1),
    type: mobility.field(mobilityType, 2),
    checksum: mobility.field(uint16, 4),
  },
} as const;

/** SCTP's chunk types. */
const SCTP_CHUNKS = {
  data: 0,
  init: 1,
  'init-ack': 2,
  sack: 3,
  heartbeat: 4,
  'heartbeat-ack': 5,
  abort: 6,
  shutdown: 7,
  'shutdown-ack': 8,
  error: 9,
  'cookie-echo': 10,
  'cookie-ack': 11,
  ecne: 12,
  cwr: 13,
  'shutdown-complete': 14,
  asconf: 193,
  'asconf-ack': 128,
  'forward-tsn': 192,
} as const;
/** The names of SCTP's chunks. */
export type SctpChunkName = keyof typeof SCTP_CHUNKS;

/** A chunk of SCTP; `at` reads its own fields by their offset in bytes (`sctp chunk data tsn` is `at(4, 4)`). */
export function sctpChunk(chunk: SctpChunkName) {
  if (!Object.hasOwn(SCTP_CHUNKS, chunk)) {
    throw new InvalidArgumentError('chunk', chunk, `one of ${Object.keys(SCTP_CHUNKS).join(', ')}`);
  }
  const kind = optionKind('sctp', SCTP_CHUNKS[chunk]);
  return {
    /** Whether the packet has it. */
    exists: kind.exists,
    /** Its number, one byte. */
    type: kind.field(uint8, 0),
    /** One byte. */
    flags: kind.field(uint8, 1),
    /** In bytes, network order; the header of four bytes included. */
    length: kind.field(uint16, 2),
    /** Any 1, 2 or 4 bytes of it, from the start of its header. */
    at: (offset: number, byteLength: 1 | 2 | 4) => kind.field(INTEGERS[byteLength], offset),
  } as const;
}

/** Whether a DCCP packet has an option, by its number. This takes a kernel with CONFIG_NFT_EXTHDR_DCCP (6.5 or newer). */
export function dccpOptionExists(option: number): Source<Parameters<typeof existence.write>[0]> {
  return optionKind('dccp', option, [{ layer: 'transport', protocol: 33 }]).exists;
}
