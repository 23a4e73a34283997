import { etherAddr, ipv4Addr, ipv6Addr } from './address.ts';
import { concatType, registerLength } from './concat.ts';
import type { DataType } from './data-type.ts';
import { ctEvent, ctState, ctStatus, tcpFlag } from './flags.ts';
import {
  cgroupsv2,
  devgroup,
  etherType,
  gid,
  ifaceIndex,
  ifaceType,
  inetService,
  mark,
  realm,
  uid,
} from './integer.ts';
import { ctLabel } from './label.ts';
import {
  arpOp,
  ctDirection,
  dayOfWeek,
  dccpPacketType,
  dscp,
  ecn,
  existence,
  fibAddrType,
  icmpCode,
  icmpType,
  icmpv6Code,
  icmpv6Type,
  igmpType,
  inetProto,
  mobilityType,
  nfProto,
  packetType,
} from './named.ts';
import { classid, ifname } from './text.ts';
import { timeNs, timeOfDay } from './time.ts';

type AnyType = DataType<never, unknown>;

const TYPES: ReadonlyMap<number, AnyType> = new Map(
  [
    ipv4Addr,
    ipv6Addr,
    etherAddr,
    etherType,
    inetProto,
    inetService,
    mark,
    ifaceIndex,
    classid,
    ctState,
    ctStatus,
    fibAddrType,
    ifname,
    nfProto,
    arpOp,
    icmpType,
    icmpCode,
    icmpv6Type,
    icmpv6Code,
    igmpType,
    dccpPacketType,
    mobilityType,
    dscp,
    ecn,
    packetType,
    ctDirection,
    existence,
    dayOfWeek,
    timeNs,
    timeOfDay,
    tcpFlag,
    ctEvent,
    ctLabel,
    realm,
    uid,
    gid,
    devgroup,
    ifaceType,
    cgroupsv2,
  ].map((type) => [type.id, type as AnyType]),
);

/** The type of a set that was read from the kernel, by nft's number; plain bytes when nft's number is not known here. */
export function typeById(id: number, byteLength: number): AnyType {
  const single = TYPES.get(id);
  if (single !== undefined) return single.byteLength === byteLength ? single : rawType(id, byteLength);
  const fields: AnyType[] = [];
  for (let rest = id; rest > 0; rest = Math.floor(rest / 64)) {
    const field = TYPES.get(rest % 64);
    if (field === undefined) return rawType(id, byteLength);
    fields.unshift(field);
  }
  // Of more than five fields nft's number has lost the first: it must not be taken for another type.
  const total = fields.reduce((sum, field) => sum + registerLength(field.byteLength), 0);
  if (fields.length < 2 || fields.length > 5 || total !== byteLength) return rawType(id, byteLength);
  return concatType(...fields);
}

function rawType(id: number, byteLength: number): DataType<Uint8Array> {
  return Object.freeze({
    name: `type ${id}`,
    id,
    byteLength,
    byteOrder: 'none' as const,
    write(value: Uint8Array, into: Uint8Array, offset: number) {
      into.set(value.subarray(0, byteLength), offset);
    },
    read(bytes: Uint8Array, offset: number) {
      return bytes.slice(offset, offset + byteLength);
    },
  });
}
