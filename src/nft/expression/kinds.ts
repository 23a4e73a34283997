import { defineExpression, type ExpressionKind } from './define.ts';
import {
  bareText,
  data,
  named,
  nestedExpression,
  nestedExpressions,
  opaque,
  text,
  u8,
  u16,
  u32,
  u64,
} from './field.ts';

export { immediateKind } from './immediate.ts';

/**
 * Every expression that libnftnl 1.2.4 knows, field by field: libnftnl's number (NFTNL_EXPR_*), then the kernel's (NFTA_*).
 * Registers are the kernel's numbers (`registerNumber`).
 */

/** Bytes of the packet: into a register, or from one into the packet. */
export const payloadKind = defineExpression('payload', {
  dreg: u32(1, 1),
  base: named(2, 2, { link: 0, network: 1, transport: 2, inner: 3, tunnel: 4 }),
  offset: u32(3, 3),
  len: u32(4, 4),
  sreg: u32(5, 5),
  csumType: named(6, 6, { none: 0, inet: 1, sctp: 2 }),
  csumOffset: u32(7, 7),
  csumFlags: u32(8, 8),
});

export const exthdrKind = defineExpression('exthdr', {
  dreg: u32(1, 1),
  type: u8(2, 2),
  offset: u32(3, 3),
  len: u32(4, 4),
  flags: u32(5, 5),
  op: named(6, 6, { ipv6: 0, tcpopt: 1, ipv4: 2, sctp: 3, dccp: 4 }),
  sreg: u32(7, 7),
});

export const metaKind = defineExpression('meta', { key: u32(1, 2), dreg: u32(2, 1), sreg: u32(3, 3) });

export const ctKind = defineExpression('ct', {
  dreg: u32(1, 1),
  key: u32(2, 2),
  direction: named(3, 3, { original: 0, reply: 1 }, u8),
  sreg: u32(4, 4),
});

export const rtKind = defineExpression('rt', { key: u32(1, 2), dreg: u32(2, 1) });

export const socketKind = defineExpression('socket', { key: u32(1, 1), dreg: u32(2, 2), level: u32(3, 3) });

export const tunnelKind = defineExpression('tunnel', {
  key: named(1, 1, { path: 0, id: 1 }),
  dreg: u32(2, 2),
  mode: named(undefined, 3, { none: 0, rx: 1, tx: 2 }),
});

export const fibKind = defineExpression('fib', {
  dreg: u32(1, 1),
  result: named(2, 2, { oif: 1, oifname: 2, type: 3 }),
  flags: u32(3, 3),
});

export const osfKind = defineExpression('osf', { dreg: u32(1, 1), ttl: u8(2, 2), flags: u32(3, 3) });

export const xfrmKind = defineExpression('xfrm', {
  dreg: u32(1, 1),
  key: u32(3, 2),
  direction: named(4, 3, { in: 0, out: 1 }, u8),
  spnum: u32(5, 4),
});

export const numgenKind = defineExpression('numgen', {
  dreg: u32(1, 1),
  modulus: u32(2, 2),
  type: named(3, 3, { inc: 0, random: 1 }),
  offset: u32(4, 4),
});

export const hashKind = defineExpression('hash', {
  sreg: u32(1, 1),
  dreg: u32(2, 2),
  len: u32(3, 3),
  modulus: u32(4, 4),
  seed: u32(5, 5),
  offset: u32(6, 6),
  type: named(7, 7, { jhash: 0, symhash: 1 }),
});

const COMPARISONS = { eq: 0, neq: 1, lt: 2, lte: 3, gt: 4, gte: 5 } as const;

export const cmpKind = defineExpression('cmp', {
  sreg: u32(1, 1),
  op: named(2, 2, COMPARISONS),
  data: data(3, 3),
});

export const rangeKind = defineExpression('range', {
  sreg: u32(1, 1),
  op: named(2, 2, { eq: 0, neq: 1 }),
  from: data(3, 3),
  to: data(4, 4),
});

export const bitwiseKind = defineExpression('bitwise', {
  sreg: u32(1, 1),
  dreg: u32(2, 2),
  len: u32(3, 3),
  mask: data(4, 4),
  xor: data(5, 5),
  op: named(6, 6, { 'mask xor': 0, lshift: 1, rshift: 2, and: 3, or: 4, xor: 5 }),
  data: data(7, 7),
  /** The operand is a register too: kernel 6.13. */
  sreg2: u32(undefined, 8),
});

export const byteorderKind = defineExpression('byteorder', {
  dreg: u32(1, 2),
  sreg: u32(2, 1),
  op: named(3, 3, { ntoh: 0, hton: 1 }),
  len: u32(4, 4),
  size: u32(5, 5),
});

export const lookupKind = defineExpression('lookup', {
  sreg: u32(1, 2),
  dreg: u32(2, 3),
  set: text(3, 1),
  setId: u32(4, 4),
  flags: u32(5, 5),
});

/** Writes to a set: `expression` is what each new element has for itself, `expressions` in place of it when there are two. */
export const dynsetKind = defineExpression(
  'dynset',
  {
    set: text(undefined, 1),
    setId: u32(undefined, 2),
    op: named(undefined, 3, { add: 0, update: 1, delete: 2 }),
    sreg: u32(undefined, 4),
    sregData: u32(undefined, 5),
    timeout: u64(undefined, 6),
    expression: nestedExpression(7),
    flags: u32(undefined, 9),
    expressions: nestedExpressions(10),
  },
  true,
);

export const objrefKind = defineExpression('objref', {
  type: u32(1, 1),
  name: bareText(2, 2),
  sreg: u32(3, 3),
  set: bareText(4, 4),
  setId: u32(5, 5),
});

export const counterKind = defineExpression('counter', { packets: u64(1, 2), bytes: u64(2, 1) });

export const quotaKind = defineExpression('quota', {
  bytes: u64(1, 1),
  flags: u32(2, 2),
  consumed: u64(3, 4),
});

export const limitKind = defineExpression('limit', {
  rate: u64(1, 1),
  unit: u64(2, 2),
  burst: u32(3, 3),
  type: named(4, 4, { packets: 0, bytes: 1 }),
  flags: u32(5, 5),
});

export const connlimitKind = defineExpression('connlimit', { count: u32(1, 1), flags: u32(2, 2) });

export const lastKind = defineExpression('last', { msecs: u64(1, 2), set: u32(2, 1) });

export const logKind = defineExpression('log', {
  prefix: text(1, 2),
  group: u16(2, 1),
  snaplen: u32(3, 3),
  queueThreshold: u16(4, 4),
  level: u32(5, 5),
  flags: u32(6, 6),
});

export const rejectKind = defineExpression('reject', {
  type: named(1, 1, { icmp: 0, 'tcp reset': 1, icmpx: 2 }),
  code: u8(2, 2),
});

export const natKind = defineExpression('nat', {
  type: named(1, 1, { snat: 0, dnat: 1 }),
  family: u32(2, 2),
  addrMin: u32(3, 3),
  addrMax: u32(4, 4),
  protoMin: u32(5, 5),
  protoMax: u32(6, 6),
  flags: u32(7, 7),
});

export const masqKind = defineExpression('masq', {
  flags: u32(1, 1),
  protoMin: u32(2, 2),
  protoMax: u32(3, 3),
});

export const redirKind = defineExpression('redir', {
  protoMin: u32(1, 1),
  protoMax: u32(2, 2),
  flags: u32(3, 3),
});

export const tproxyKind = defineExpression('tproxy', { family: u32(1, 1), addr: u32(2, 2), port: u32(3, 3) });

export const queueKind = defineExpression('queue', {
  num: u16(1, 1),
  total: u16(2, 2),
  flags: u16(3, 3),
  sregNum: u32(4, 4),
});

export const dupKind = defineExpression('dup', { addr: u32(1, 1), dev: u32(2, 2) });

export const fwdKind = defineExpression('fwd', { dev: u32(1, 1), addr: u32(2, 2), nfproto: u32(3, 3) });

export const flowOffloadKind = defineExpression('flow_offload', { table: text(1, 1) });

export const notrackKind = defineExpression('notrack', {});

export const synproxyKind = defineExpression('synproxy', {
  mss: u16(1, 1),
  wscale: u8(2, 2),
  flags: u32(3, 3),
});

/** A header inside a tunnel, which another expression (`payload` or `meta`) reads: kernel 6.2, not in libnftnl 1.2.4. */
export const innerKind = defineExpression(
  'inner',
  {
    num: u32(undefined, 1),
    type: u32(undefined, 2),
    flags: u32(undefined, 3),
    hdrsize: u32(undefined, 4),
    expression: nestedExpression(5),
  },
  true,
);

/** A match of x_tables, as iptables-nft makes them: `info` is its C structure. */
export const matchKind = defineExpression('match', { name: text(1, 1), rev: u32(2, 2), info: opaque(3, 3) });

/** A target of x_tables. */
export const targetKind = defineExpression('target', {
  name: text(1, 1),
  rev: u32(2, 2),
  info: opaque(3, 3),
});

/** The kinds by the kernel's name for them. */
export const EXPRESSION_KINDS: ReadonlyMap<string, ExpressionKind> = new Map(
  [
    payloadKind,
    exthdrKind,
    metaKind,
    ctKind,
    rtKind,
    socketKind,
    tunnelKind,
    fibKind,
    osfKind,
    xfrmKind,
    numgenKind,
    hashKind,
    cmpKind,
    rangeKind,
    bitwiseKind,
    byteorderKind,
    lookupKind,
    dynsetKind,
    objrefKind,
    counterKind,
    quotaKind,
    limitKind,
    connlimitKind,
    lastKind,
    logKind,
    rejectKind,
    natKind,
    masqKind,
    redirKind,
    tproxyKind,
    queueKind,
    dupKind,
    fwdKind,
    flowOffloadKind,
    notrackKind,
    synproxyKind,
    innerKind,
    matchKind,
    targetKind,
  ].map((kind) => [kind.name, kind as ExpressionKind]),
);
