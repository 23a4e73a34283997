import { type Expression, expression, text, u8, u16, u32, u64 } from './expression.ts';

/** Expressions that do something to the packet, or count it. */

/** Counts packets and bytes. */
export function counterExpression(): Expression {
  return expression('counter', []);
}

/** NFT_LIMIT_PKTS 0 or NFT_LIMIT_PKT_BYTES 1; the unit is in seconds; `invert` matches what is over the limit. */
export function limitExpression(
  rate: bigint,
  unitSeconds: bigint,
  burst: number,
  type: number,
  invert: boolean,
): Expression {
  return expression('limit', [
    u64(1, rate),
    u64(2, unitSeconds),
    u32(3, burst),
    u32(4, type),
    u32(5, invert ? 1 : 0),
  ]);
}

export interface LogAttributes {
  readonly prefix?: string;
  readonly group?: number;
  /** syslog's level, 0 to 7. */
  readonly level?: number;
}

export function logExpression({ prefix, group, level }: LogAttributes): Expression {
  return expression('log', [
    prefix === undefined ? undefined : text(1, prefix),
    group === undefined ? undefined : u16(2, group),
    level === undefined ? undefined : u32(5, level),
  ]);
}

/** NFT_REJECT_ICMP_UNREACH 0, NFT_REJECT_TCP_RST 1, NFT_REJECT_ICMPX_UNREACH 2. */
export function rejectExpression(type: number, code: number): Expression {
  return expression('reject', [u32(1, type), u8(2, code)]);
}

export interface NatRegisters {
  readonly address?: number;
  readonly port?: number;
}

/** NFT_NAT_SNAT 0 or NFT_NAT_DNAT 1, of an NFPROTO_* family; flags are NF_NAT_RANGE_*. */
export function natExpression(
  type: number,
  family: number,
  registers: NatRegisters,
  flags: number,
): Expression {
  return expression('nat', [
    u32(1, type),
    u32(2, family),
    registers.address === undefined ? undefined : u32(3, registers.address),
    registers.port === undefined ? undefined : u32(5, registers.port),
    flags === 0 ? undefined : u32(7, flags),
  ]);
}

/** Source NAT to the address of the interface that the packet leaves by. */
export function masqueradeExpression(flags: number): Expression {
  return expression('masq', flags === 0 ? [] : [u32(1, flags)]);
}

/** Destination NAT to this machine. */
export function redirectExpression(portRegister: number | undefined, flags: number): Expression {
  return expression('redir', [
    portRegister === undefined ? undefined : u32(1, portRegister),
    flags === 0 ? undefined : u32(3, flags),
  ]);
}
