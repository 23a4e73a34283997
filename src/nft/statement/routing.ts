import { InvalidArgumentError } from '../../invalid-argument.ts';
import type { Expression } from '../expression/expression.ts';
import { osfKind, rtKind, socketKind, tunnelKind, xfrmKind } from '../expression/kinds.ts';
import { fibLoad } from '../expression/load.ts';
import { registerNumber } from '../expression/register.ts';
import { ipv4Addr, ipv6Addr } from '../type/address.ts';
import type { DataType } from '../type/data-type.ts';
import {
  cgroupsv2,
  hostUint8,
  hostUint16,
  hostUint32,
  ifaceIndex,
  mark,
  realm,
  uint32,
} from '../type/integer.ts';
import { existence, existence32, fibAddrType } from '../type/named.ts';
import { ifname, name16 } from '../type/text.ts';
import type { Source } from './source.ts';

/** What the kernel knows of a packet beyond its bytes: routes, sockets, IPsec, the sender's operating system. */

function loaded<In, Out>(type: DataType<In, Out>, load: (register: number) => Expression): Source<In, Out> {
  return Object.freeze({
    kind: 'source',
    type,
    needs: [],
    load: (word: number) => [load(registerNumber(word))],
  });
}

/** NFTA_FIB_F_*. */
const FIB_FLAGS = { saddr: 1, daddr: 2, mark: 4, iif: 8, oif: 16 } as const;
const FIB_PRESENT = 32;

/** What of the packet goes into a look-up in the routing table: one of its addresses, with its mark or an interface. */
export type FibKey = keyof typeof FIB_FLAGS;

function fibFlags(of: readonly FibKey[]): number {
  const flags = of.reduce((sum, flag) => sum | FIB_FLAGS[flag], 0);
  if ((flags & (FIB_FLAGS.saddr | FIB_FLAGS.daddr)) === 0) {
    throw new InvalidArgumentError('of', of.join(' . '), 'a list with "saddr" or "daddr"');
  }
  return flags;
}

/** What kind of address the routing table holds an address of the packet for: nft's `fib saddr type`. */
export function fibType(...of: readonly FibKey[]): Source<Parameters<typeof fibAddrType.write>[0]> {
  const flags = fibFlags(of);
  return loaded(fibAddrType, (register) => fibLoad('type', flags, register));
}

/** The interface that a route to the address leads to: nft's `fib saddr . iif oif`. */
export function fibOif(...of: readonly FibKey[]): Source<number> {
  const flags = fibFlags(of);
  return loaded(ifaceIndex, (register) => fibLoad('oif', flags, register));
}

/** The name of that interface: nft's `fib saddr oifname`. */
export function fibOifname(...of: readonly FibKey[]): Source<string> {
  const flags = fibFlags(of);
  return loaded(ifname, (register) => fibLoad('oifname', flags, register));
}

/** Whether there is a route: nft's `fib saddr . iif oif missing`, which is reverse path filtering. */
export function fibExists(...of: readonly FibKey[]): Source<Parameters<typeof existence.write>[0]> {
  const flags = fibFlags(of) | FIB_PRESENT;
  return loaded(existence32, (register) => fibLoad('oif', flags, register));
}

/** NFT_RT_*. */
const RT_KEYS = { classid: 0, nexthop: 1, nexthop6: 2, mtu: 3, ipsec: 4 } as const;
const rtField = <In, Out>(type: DataType<In, Out>, key: number) =>
  loaded(type, (dreg) => rtKind.make({ key, dreg }));

/** The packet's route: nft's `rt`. */
export const rt = {
  classid: rtField(realm, RT_KEYS.classid),
  /** `rt ip nexthop`. */
  nexthop: rtField(ipv4Addr, RT_KEYS.nexthop),
  /** `rt ip6 nexthop`. */
  nexthop6: rtField(ipv6Addr, RT_KEYS.nexthop6),
  /** The largest segment that TCP may send on it. */
  mtu: rtField(hostUint16, RT_KEYS.mtu),
  ipsec: rtField(existence, RT_KEYS.ipsec),
} as const;

/** NFT_SOCKET_*. */
const SOCKET_KEYS = { transparent: 0, mark: 1, wildcard: 2, cgroupv2: 3 } as const;
const socketField = <In, Out>(type: DataType<In, Out>, key: number) =>
  loaded(type, (dreg) => socketKind.make({ key, dreg }));

/** The socket on this machine that the packet is for: nft's `socket`. */
export const socket = {
  transparent: socketField(hostUint8, SOCKET_KEYS.transparent),
  mark: socketField(mark, SOCKET_KEYS.mark),
  wildcard: socketField(hostUint8, SOCKET_KEYS.wildcard),
  /** The cgroup at a level below the root, by the inode number of its folder: nft's `socket cgroupv2 level 1 "user.slice"`. */
  cgroupv2(level: number): Source<number | bigint, bigint> {
    if (!Number.isInteger(level) || level < 0 || level > 255) {
      throw new InvalidArgumentError('level', level, 'a level (0 to 255)');
    }
    return loaded(cgroupsv2, (dreg) => socketKind.make({ key: SOCKET_KEYS.cgroupv2, dreg, level }));
  },
} as const;

/** NF_OSF_TTL_*. */
const OSF_TTL = { strict: 0, loose: 1, skip: 2 } as const;
const OSF_VERSION = 1;

/** How `osf` compares the time to live of a packet. */
export type OsfTtl = keyof typeof OSF_TTL;

/** The sender's operating system, guessed by its first packet: nft's `osf`. The fingerprints must be loaded (nfnl_osf). */
export const osf = {
  /** `Linux`. */
  name: (ttl: OsfTtl = 'strict') => osfField(ttl, 0),
  /** `Linux:4.20`. */
  version: (ttl: OsfTtl = 'strict') => osfField(ttl, OSF_VERSION),
} as const;

function osfField(ttl: OsfTtl, flags: number): Source<string> {
  // The kernel refuses flags of 0.
  const fields = { ttl: OSF_TTL[ttl], ...(flags === 0 ? {} : { flags }) };
  return loaded(name16, (dreg) => osfKind.make({ dreg, ...fields }));
}

/** NFT_XFRM_KEY_*. */
const XFRM_KEYS = { daddr: 1, daddr6: 2, saddr: 3, saddr6: 4, reqid: 5, spi: 6 } as const;

/** What IPsec did or will do to the packet: nft's `ipsec in ip saddr`; `spnum` counts the transformations from the outside. */
export function ipsec(direction: 'in' | 'out', spnum = 0) {
  if (!Number.isInteger(spnum) || spnum < 0 || spnum > 255) {
    throw new InvalidArgumentError('spnum', spnum, 'the number of a transformation (0 to 255)');
  }
  const xfrmField = <In, Out>(type: DataType<In, Out>, key: number) =>
    loaded(type, (dreg) => xfrmKind.make({ dreg, key, direction, spnum }));
  return {
    /** `ip saddr`. */
    saddr: xfrmField(ipv4Addr, XFRM_KEYS.saddr),
    /** `ip daddr`. */
    daddr: xfrmField(ipv4Addr, XFRM_KEYS.daddr),
    /** `ip6 saddr`. */
    saddr6: xfrmField(ipv6Addr, XFRM_KEYS.saddr6),
    /** `ip6 daddr`. */
    daddr6: xfrmField(ipv6Addr, XFRM_KEYS.daddr6),
    /** nft's `reqid`, host order. */
    reqid: xfrmField(hostUint32, XFRM_KEYS.reqid),
    /** nft's `spi`, network order. */
    spi: xfrmField(uint32, XFRM_KEYS.spi),
  } as const;
}

/** The tunnel that the packet came by, where its device is in external mode: nft's `tunnel`. */
export const tunnel = {
  path: loaded(existence, (dreg) => tunnelKind.make({ key: 'path', dreg })),
  id: loaded(hostUint32, (dreg) => tunnelKind.make({ key: 'id', dreg })),
} as const;
