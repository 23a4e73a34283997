import { InvalidArgumentError } from '../../invalid-argument.ts';
import { ctLoad, ctStore, type Direction } from '../expression/load.ts';
import { registerNumber } from '../expression/register.ts';
import { ipv4Addr, ipv6Addr } from '../type/address.ts';
import type { DataType } from '../type/data-type.ts';
import { ctEvent, ctState, ctStatus } from '../type/flags.ts';
import { hostUint16, hostUint32, hostUint64, inetService, mark, uint32 } from '../type/integer.ts';
import { ctLabel } from '../type/label.ts';
import { ctDirection, inetProto, nfProto } from '../type/named.ts';
import { name16 } from '../type/text.ts';
import { durationMs } from '../type/time.ts';
import { type Source, type Statement, statement } from './source.ts';

/** NFT_CT_* keys of linux/netfilter/nf_tables.h. */
const CT_KEYS = {
  state: 0,
  direction: 1,
  status: 2,
  mark: 3,
  secmark: 4,
  expiration: 5,
  helper: 6,
  l3proto: 7,
  protocol: 10,
  protoSrc: 11,
  protoDst: 12,
  label: 13,
  packets: 14,
  bytes: 15,
  avgpkt: 16,
  zone: 17,
  event: 18,
  ipSaddr: 19,
  ipDaddr: 20,
  ip6Saddr: 21,
  ip6Daddr: 22,
  id: 23,
} as const;

function ctField<In, Out>(type: DataType<In, Out>, key: number, direction?: Direction): Source<In, Out> {
  return Object.freeze({
    kind: 'source',
    type,
    needs: [],
    load: (word: number) => [ctLoad(key, registerNumber(word), direction)],
  });
}

/** What each direction of a connection has for itself: nft's `ct original ip saddr`. */
function oneWay(direction: Direction) {
  return {
    l3proto: ctField(nfProto, CT_KEYS.l3proto, direction),
    protocol: ctField(inetProto, CT_KEYS.protocol, direction),
    ipSaddr: ctField(ipv4Addr, CT_KEYS.ipSaddr, direction),
    ipDaddr: ctField(ipv4Addr, CT_KEYS.ipDaddr, direction),
    ip6Saddr: ctField(ipv6Addr, CT_KEYS.ip6Saddr, direction),
    ip6Daddr: ctField(ipv6Addr, CT_KEYS.ip6Daddr, direction),
    protoSrc: ctField(inetService, CT_KEYS.protoSrc, direction),
    protoDst: ctField(inetService, CT_KEYS.protoDst, direction),
    packets: ctField(hostUint64, CT_KEYS.packets, direction),
    bytes: ctField(hostUint64, CT_KEYS.bytes, direction),
    avgpkt: ctField(hostUint64, CT_KEYS.avgpkt, direction),
    zone: ctField(hostUint16, CT_KEYS.zone, direction),
  } as const;
}

/** Connection tracking, by nft's names. Counts are of both directions, where none is named, and only there if conntrack counts. */
export const ct = {
  state: ctField(ctState, CT_KEYS.state),
  direction: ctField(ctDirection, CT_KEYS.direction),
  status: ctField(ctStatus, CT_KEYS.status),
  mark: ctField(mark, CT_KEYS.mark),
  secmark: ctField(hostUint32, CT_KEYS.secmark),
  /** Time that is left, in ms. */
  expiration: ctField(durationMs, CT_KEYS.expiration),
  helper: ctField(name16, CT_KEYS.helper),
  label: ctField(ctLabel, CT_KEYS.label),
  l3proto: ctField(nfProto, CT_KEYS.l3proto),
  protocol: ctField(inetProto, CT_KEYS.protocol),
  packets: ctField(hostUint64, CT_KEYS.packets),
  bytes: ctField(hostUint64, CT_KEYS.bytes),
  avgpkt: ctField(hostUint64, CT_KEYS.avgpkt),
  zone: ctField(hostUint16, CT_KEYS.zone),
  id: ctField(uint32, CT_KEYS.id),
  /** The direction of the connection's first packet: nft's `ct original`. */
  original: oneWay('original'),
  /** The direction of the answers: nft's `ct reply`. */
  reply: oneWay('reply'),
} as const;

/** What a rule may write, and its type. */
const WRITABLE = { mark, secmark: hostUint32, label: ctLabel, zone: hostUint16, event: ctEvent } as const;

/**
 * Writes what conntrack keeps of a connection: nft's `ct mark set 1`, `ct zone set 5` (in a chain of priority raw, before
 * conntrack has seen the packet; `direction`: `ct original zone set 5`), `ct event set new,destroy`.
 */
export function setCt(
  key: keyof typeof WRITABLE,
  value: Source<never, unknown>,
  { direction }: { readonly direction?: Direction } = {},
): Statement {
  const { byteLength, name } = WRITABLE[key];
  if (value.type.byteLength !== byteLength) {
    throw new InvalidArgumentError('value', value.type.name, `a value of ${byteLength} bytes (${name})`);
  }
  return statement(value.needs, [...value.load(0), ctStore(CT_KEYS[key], registerNumber(0), direction)]);
}

/** Writes the connection's mark: nft's `ct mark set 1`. */
export function setCtMark(value: Source<never, unknown>): Statement {
  return setCt('mark', value);
}
