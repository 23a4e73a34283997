import { InvalidArgumentError } from '../../invalid-argument.ts';
import { metaLoad, numgen as numgenExpression } from '../expression/load.ts';
import { registerNumber } from '../expression/register.ts';
import { etherAddr } from '../type/address.ts';
import type { DataType } from '../type/data-type.ts';
import {
  devgroup,
  etherType,
  gid,
  hostUint8,
  hostUint16,
  hostUint32,
  ifaceIndex,
  ifaceType,
  mark,
  realm,
  uid,
  uint32,
} from '../type/integer.ts';
import { dayOfWeek, existence, inetProto, nfProto, packetType } from '../type/named.ts';
import { classid, ifname } from '../type/text.ts';
import { timeNs, timeOfDay } from '../type/time.ts';
import { loadOnce, type Source } from './source.ts';

/** NFT_META_* keys of linux/netfilter/nf_tables.h. */
export const META_KEYS = {
  length: 0,
  protocol: 1,
  priority: 2,
  mark: 3,
  iif: 4,
  oif: 5,
  iifname: 6,
  oifname: 7,
  iiftype: 8,
  oiftype: 9,
  skuid: 10,
  skgid: 11,
  nftrace: 12,
  rtclassid: 13,
  secmark: 14,
  nfproto: 15,
  l4proto: 16,
  ibrname: 17,
  obrname: 18,
  pkttype: 19,
  cpu: 20,
  iifgroup: 21,
  oifgroup: 22,
  cgroup: 23,
  random: 24,
  ipsec: 25,
  iifkind: 26,
  oifkind: 27,
  ibrpvid: 28,
  ibrvproto: 29,
  time: 30,
  day: 31,
  hour: 32,
  sdif: 33,
  sdifname: 34,
  broute: 35,
  ibrhwaddr: 37,
} as const;

function metaField<In, Out>(type: DataType<In, Out>, key: number): Source<In, Out> {
  return Object.freeze({
    kind: 'source',
    type,
    needs: [],
    load: loadOnce((word) => metaLoad(key, registerNumber(word))),
  });
}

/** Packet metadata, by nft's names. Those of bridges (`ibr…`, `obr…`) are for tables of family bridge. */
export const meta = {
  length: metaField(hostUint32, META_KEYS.length),
  protocol: metaField(etherType, META_KEYS.protocol),
  priority: metaField(classid, META_KEYS.priority),
  mark: metaField(mark, META_KEYS.mark),
  iif: metaField(ifaceIndex, META_KEYS.iif),
  oif: metaField(ifaceIndex, META_KEYS.oif),
  iifname: metaField(ifname, META_KEYS.iifname),
  oifname: metaField(ifname, META_KEYS.oifname),
  iiftype: metaField(ifaceType, META_KEYS.iiftype),
  oiftype: metaField(ifaceType, META_KEYS.oiftype),
  skuid: metaField(uid, META_KEYS.skuid),
  skgid: metaField(gid, META_KEYS.skgid),
  rtclassid: metaField(realm, META_KEYS.rtclassid),
  secmark: metaField(hostUint32, META_KEYS.secmark),
  nfproto: metaField(nfProto, META_KEYS.nfproto),
  l4proto: metaField(inetProto, META_KEYS.l4proto),
  ibrname: metaField(ifname, META_KEYS.ibrname),
  obrname: metaField(ifname, META_KEYS.obrname),
  pkttype: metaField(packetType, META_KEYS.pkttype),
  cpu: metaField(hostUint32, META_KEYS.cpu),
  iifgroup: metaField(devgroup, META_KEYS.iifgroup),
  oifgroup: metaField(devgroup, META_KEYS.oifgroup),
  cgroup: metaField(hostUint32, META_KEYS.cgroup),
  /** Another number for each packet. */
  random: metaField(uint32, META_KEYS.random),
  ipsec: metaField(existence, META_KEYS.ipsec),
  iifkind: metaField(ifname, META_KEYS.iifkind),
  oifkind: metaField(ifname, META_KEYS.oifkind),
  ibrpvid: metaField(hostUint16, META_KEYS.ibrpvid),
  ibrvproto: metaField(etherType, META_KEYS.ibrvproto),
  /** Kernel 6.15 or newer. */
  ibrhwaddr: metaField(etherAddr, META_KEYS.ibrhwaddr),
  time: metaField(timeNs, META_KEYS.time),
  day: metaField(dayOfWeek, META_KEYS.day),
  hour: metaField(timeOfDay, META_KEYS.hour),
  sdif: metaField(ifaceIndex, META_KEYS.sdif),
  sdifname: metaField(ifname, META_KEYS.sdifname),
  /** Whether `nft.trace()` shows the packet. */
  nftrace: metaField(hostUint8, META_KEYS.nftrace),
} as const;

/** A number from `offset` to `offset + mod - 1`, at random or in turns: nft's `numgen random mod 3 offset 10`. */
export function numgen(mode: 'random' | 'inc', mod: number, offset = 0): Source<number> {
  checkModulus(mod, offset);
  return Object.freeze({
    kind: 'source',
    type: hostUint32,
    needs: [],
    load: (word: number) => [numgenExpression(mode, mod, offset, registerNumber(word))],
  });
}

/** All results of a modulus and an offset must fit in 32 bits. */
export function checkModulus(mod: number, offset: number): void {
  if (!Number.isInteger(mod) || mod < 1 || mod > 0xffffffff) {
    throw new InvalidArgumentError('mod', mod, 'a modulus of at least 1');
  }
  if (!Number.isInteger(offset) || offset < 0 || offset + mod - 1 > 0xffffffff) {
    throw new InvalidArgumentError('offset', offset, 'an offset that leaves all results within 32 bits');
  }
}
