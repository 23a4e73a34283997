import { attributeMap } from '../netlink/attribute.ts';
import { formatIPv4, formatIPv6 } from '../nft/type/address.ts';
import { inetProto, type ProtocolName } from '../nft/type/named.ts';
import { CTA_IP, CTA_PROTO, CTA_TUPLE } from './uapi.ts';

/** One direction of a flow: what its packets look like. */
export interface FlowTuple {
  /** An address as text: `'10.0.0.1'`. */
  readonly source: string;
  /** An address as text. */
  readonly destination: string;
  /** By name where it has one. */
  readonly protocol: ProtocolName | number;
  /** TCP, UDP, SCTP, DCCP, UDP-Lite; for GRE the keys. */
  readonly sourcePort?: number;
  /** TCP, UDP, SCTP, DCCP, UDP-Lite; for GRE the keys. */
  readonly destinationPort?: number;
  /** ICMP and ICMPv6: type and code, one byte each, and the id of echoes, 16 bits. */
  readonly icmp?: { readonly type: number; readonly code: number; readonly id: number };
  /** Where the directions differ in it (`ct original zone`). */
  readonly zone?: number;
}

/** Reads the nest of a CTA_TUPLE_*; undefined when it has no addresses. */
export function readTuple(nest: Uint8Array | undefined): FlowTuple | undefined {
  const fields = attributeMap(nest);
  const ip = attributeMap(fields.get(CTA_TUPLE.ip));
  const source = addressOf(ip, CTA_IP.v4Source, CTA_IP.v6Source);
  const destination = addressOf(ip, CTA_IP.v4Destination, CTA_IP.v6Destination);
  if (source === undefined || destination === undefined) return undefined;
  const zone = u16Of(fields.get(CTA_TUPLE.zone));
  return {
    source,
    destination,
    ...readProtocol(attributeMap(fields.get(CTA_TUPLE.proto))),
    ...(zone === undefined ? {} : { zone }),
  };
}

type Fields = ReadonlyMap<number, Uint8Array>;

function addressOf(fields: Fields, v4: number, v6: number): string | undefined {
  const four = fields.get(v4);
  if (four?.length === 4) return formatIPv4(four, 0);
  const six = fields.get(v6);
  return six?.length === 16 ? formatIPv6(six, 0) : undefined;
}

function readProtocol(
  fields: Fields,
): Pick<FlowTuple, 'protocol' | 'sourcePort' | 'destinationPort' | 'icmp'> {
  const number = fields.get(CTA_PROTO.number)?.[0] ?? 0;
  const sourcePort = u16Of(fields.get(CTA_PROTO.sourcePort));
  const destinationPort = u16Of(fields.get(CTA_PROTO.destinationPort));
  const id = u16Of(fields.get(CTA_PROTO.icmpId) ?? fields.get(CTA_PROTO.icmp6Id));
  const type = (fields.get(CTA_PROTO.icmpType) ?? fields.get(CTA_PROTO.icmp6Type))?.[0] ?? 0;
  const code = (fields.get(CTA_PROTO.icmpCode) ?? fields.get(CTA_PROTO.icmp6Code))?.[0] ?? 0;
  return {
    protocol: inetProto.read(Uint8Array.of(number), 0),
    ...(sourcePort === undefined ? {} : { sourcePort }),
    ...(destinationPort === undefined ? {} : { destinationPort }),
    ...(id === undefined ? {} : { icmp: { type, code, id } }),
  };
}

/** A 16-bit integer, big-endian. */
export function u16Of(bytes: Uint8Array | undefined): number | undefined {
  return bytes === undefined || bytes.length < 2 ? undefined : ((bytes[0] ?? 0) << 8) | (bytes[1] ?? 0);
}
