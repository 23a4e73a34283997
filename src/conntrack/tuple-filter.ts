import { attribute, nest } from '../netlink/attribute.ts';
import { ipv4Addr, ipv6Addr } from '../nft/type/address.ts';
import { CTA, CTA_FILTER, CTA_IP, CTA_PROTO, CTA_TUPLE, FILTER_FLAG } from './uapi.ts';

/** Of which family a flow is. */
export type Family = 'ip' | 'ip6';

/** One direction of a flow. */
export interface TupleFilter {
  /** An IPv4 or IPv6 address. */
  readonly source?: string;
  /** An IPv4 or IPv6 address. */
  readonly destination?: string;
  /** 0 to 65535. */
  readonly sourcePort?: number;
  /** 0 to 65535. */
  readonly destinationPort?: number;
  /** ICMP or ICMPv6, 0 to 255. */
  readonly icmpType?: number;
  /** ICMP or ICMPv6, 0 to 255. */
  readonly icmpCode?: number;
  /** ICMP or ICMPv6 echo, 0 to 65535. */
  readonly icmpId?: number;
}

/** By its writing alone: `addressBytes` looks closer. */
export function addressFamily(address: string): Family {
  return address.includes(':') ? 'ip6' : 'ip';
}

/** Throws InvalidArgumentError. */
export function addressBytes(address: string): Uint8Array {
  const type = addressFamily(address) === 'ip' ? ipv4Addr : ipv6Addr;
  const bytes = new Uint8Array(type.byteLength);
  type.write(address, bytes, 0);
  return bytes;
}

/**
 * The original tuple and the flags that say which parts of it count; nothing when none do. The reply's cannot be given: the
 * kernel reads it by the flags of the original's (nf_conntrack_netlink.c, ctnetlink_alloc_filter, at least up to 6.18).
 */
export function tupleAttributes(
  tuple: TupleFilter | undefined,
  family: Family,
  protocol: number | undefined,
): readonly Uint8Array[] {
  const { flags, parts } = encodeTuple(tuple, family, protocol);
  if (flags === 0) return [];
  return [
    nest(CTA.filter, [attribute(CTA_FILTER.originalFlags, hostU32Bytes(flags))]),
    nest(CTA.tupleOriginal, parts),
  ];
}

interface EncodedTuple {
  readonly flags: number;
  readonly parts: readonly Uint8Array[];
}

function encodeTuple(tuple: TupleFilter = {}, family: Family, protocol: number | undefined): EncodedTuple {
  const ip = encodeAddresses(tuple, family);
  const proto = encodeProtocol(tuple, family, protocol);
  return {
    flags: ip.flags | proto.flags,
    parts: [
      ...(ip.parts.length === 0 ? [] : [nest(CTA_TUPLE.ip, ip.parts)]),
      ...(proto.parts.length === 0 ? [] : [nest(CTA_TUPLE.proto, proto.parts)]),
    ],
  };
}

/**
 * Of IPv6 none: the kernel's comparison is the wrong way around and gives all flows but those that are asked for
 * (ctnetlink_filter_match_tuple, at least up to 6.18).
 */
function encodeAddresses({ source, destination }: TupleFilter, family: Family): EncodedTuple {
  if (family === 'ip6') return { flags: 0, parts: [] };
  return {
    flags:
      (source === undefined ? 0 : FILTER_FLAG.source) |
      (destination === undefined ? 0 : FILTER_FLAG.destination),
    parts: [
      ...(source === undefined ? [] : [attribute(CTA_IP.v4Source, addressBytes(source))]),
      ...(destination === undefined ? [] : [attribute(CTA_IP.v4Destination, addressBytes(destination))]),
    ],
  };
}

type ProtocolField = Exclude<keyof TupleFilter, 'source' | 'destination'>;

/** What a tuple has besides addresses. */
export const PROTOCOL_FIELDS: readonly {
  readonly field: ProtocolField;
  readonly bytes: 1 | 2;
  readonly attribute: number;
  readonly flag: number;
  readonly family?: Family;
}[] = [
  { field: 'sourcePort', bytes: 2, attribute: CTA_PROTO.sourcePort, flag: FILTER_FLAG.sourcePort },
  {
    field: 'destinationPort',
    bytes: 2,
    attribute: CTA_PROTO.destinationPort,
    flag: FILTER_FLAG.destinationPort,
  },
  { field: 'icmpType', bytes: 1, attribute: CTA_PROTO.icmpType, flag: FILTER_FLAG.icmpType, family: 'ip' },
  { field: 'icmpCode', bytes: 1, attribute: CTA_PROTO.icmpCode, flag: FILTER_FLAG.icmpCode, family: 'ip' },
  { field: 'icmpId', bytes: 2, attribute: CTA_PROTO.icmpId, flag: FILTER_FLAG.icmpId, family: 'ip' },
  { field: 'icmpType', bytes: 1, attribute: CTA_PROTO.icmp6Type, flag: FILTER_FLAG.icmp6Type, family: 'ip6' },
  { field: 'icmpCode', bytes: 1, attribute: CTA_PROTO.icmp6Code, flag: FILTER_FLAG.icmp6Code, family: 'ip6' },
  { field: 'icmpId', bytes: 2, attribute: CTA_PROTO.icmp6Id, flag: FILTER_FLAG.icmp6Id, family: 'ip6' },
];

function encodeProtocol(tuple: TupleFilter, family: Family, protocol: number | undefined): EncodedTuple {
  let flags = 0;
  const parts: Uint8Array[] = [];
  for (const { field, bytes, attribute: type, flag, family: only } of PROTOCOL_FIELDS) {
    const value = tuple[field];
    if (value === undefined || (only !== undefined && only !== family)) continue;
    flags |= flag;
    parts.push(attribute(type, bytes === 1 ? Uint8Array.of(value) : u16Bytes(value)));
  }
  // Without a protocol the kernel refuses the rest.
  if (protocol === undefined) return { flags: 0, parts: [] };
  return {
    flags: flags | FILTER_FLAG.protocol,
    parts: [attribute(CTA_PROTO.number, Uint8Array.of(protocol)), ...parts],
  };
}

/** Big-endian. */
export function u16Bytes(value: number): Uint8Array {
  return Uint8Array.of(value >> 8, value & 0xff);
}

/** The filter's flags alone are host-endian. */
function hostU32Bytes(value: number): Uint8Array {
  return new Uint8Array(Uint32Array.of(value).buffer);
}
