import { InvalidArgumentError } from '../../invalid-argument.ts';
import {
  ctLoad,
  fibType as fibTypeExpression,
  metaLoad,
  numgen as numgenExpression,
} from '../expression/load.ts';
import { registerNumber } from '../expression/register.ts';
import type { DataType } from '../type/data-type.ts';
import { ctState, ctStatus } from '../type/flags.ts';
import { hostUint32, ifaceIndex, mark } from '../type/integer.ts';
import { fibAddrType, inetProto, nfProto } from '../type/named.ts';
import { classid, ifname } from '../type/text.ts';
import type { Source } from './source.ts';

/** NFT_META_* keys of linux/netfilter/nf_tables.h. */
export const META_KEYS = {
  priority: 2,
  mark: 3,
  iif: 4,
  oif: 5,
  iifname: 6,
  oifname: 7,
  nfproto: 15,
  l4proto: 16,
} as const;
/** NFT_CT_* keys. */
export const CT_KEYS = { state: 0, status: 2, mark: 3 } as const;

function metaField<In, Out>(type: DataType<In, Out>, key: number): Source<In, Out> {
  return Object.freeze({
    kind: 'source',
    type,
    needs: [],
    load: (word: number) => [metaLoad(key, registerNumber(word))],
  });
}

function ctField<In, Out>(type: DataType<In, Out>, key: number): Source<In, Out> {
  return Object.freeze({
    kind: 'source',
    type,
    needs: [],
    load: (word: number) => [ctLoad(key, registerNumber(word))],
  });
}

/** Packet metadata. */
export const meta = {
  priority: metaField(classid, META_KEYS.priority),
  mark: metaField(mark, META_KEYS.mark),
  iif: metaField(ifaceIndex, META_KEYS.iif),
  oif: metaField(ifaceIndex, META_KEYS.oif),
  iifname: metaField(ifname, META_KEYS.iifname),
  oifname: metaField(ifname, META_KEYS.oifname),
  nfproto: metaField(nfProto, META_KEYS.nfproto),
  l4proto: metaField(inetProto, META_KEYS.l4proto),
} as const;

/** Connection tracking. */
export const ct = {
  state: ctField(ctState, CT_KEYS.state),
  status: ctField(ctStatus, CT_KEYS.status),
  mark: ctField(mark, CT_KEYS.mark),
} as const;

const FIB_FLAGS = { saddr: 1, daddr: 2, mark: 4, iif: 8, oif: 16 } as const;

/** What kind of address the routing table holds an address of the packet for: nft's `fib saddr type`. */
export function fibType(
  ...of: readonly (keyof typeof FIB_FLAGS)[]
): Source<Parameters<typeof fibAddrType.write>[0]> {
  const flags = of.reduce((sum, flag) => sum | FIB_FLAGS[flag], 0);
  if ((flags & (FIB_FLAGS.saddr | FIB_FLAGS.daddr)) === 0) {
    throw new InvalidArgumentError('of', of.join(' . '), 'a list with "saddr" or "daddr"');
  }
  return Object.freeze({
    kind: 'source',
    type: fibAddrType,
    needs: [],
    load: (word: number) => [fibTypeExpression(flags, registerNumber(word))],
  });
}

/** A number from `offset` to `offset + mod - 1`, at random or in turns: nft's `numgen random mod 3 offset 10`. */
export function numgen(mode: 'random' | 'inc', mod: number, offset = 0): Source<number> {
  if (!Number.isInteger(mod) || mod < 1 || mod > 0xffffffff) {
    throw new InvalidArgumentError('mod', mod, 'a modulus of at least 1');
  }
  if (!Number.isInteger(offset) || offset < 0 || offset + mod - 1 > 0xffffffff) {
    throw new InvalidArgumentError('offset', offset, 'an offset that leaves all results within 32 bits');
  }
  return Object.freeze({
    kind: 'source',
    type: hostUint32,
    needs: [],
    load: (word: number) => [numgenExpression(mode, mod, offset, registerNumber(word))],
  });
}
