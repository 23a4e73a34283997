import { InvalidArgumentError } from '../../invalid-argument.ts';
import {
  limitExpression,
  masqueradeExpression,
  natExpression,
  redirectExpression,
} from '../expression/act.ts';
import { lookupData } from '../expression/compute.ts';
import { counterKind, logKind } from '../expression/kinds.ts';
import { ctStore, metaStore } from '../expression/load.ts';
import { registerNumber, VERDICT_REGISTER } from '../expression/register.ts';
import { familyNumber } from '../family.ts';
import type { VerdictMap } from '../set.ts';
import { checkKey } from './combine.ts';
import { CT_KEYS, META_KEYS } from './metadata.ts';
import { type Source, type Statement, statement } from './source.ts';

/** Statements that do something. Verdicts (`accept`, `jump(chain)` …) stand beside them in a rule. */

/** Does what the map says for the value; a rule ends where it says nothing: nft's `ip saddr vmap @m`. */
export function vmap<K>(key: Source<K, unknown>, map: VerdictMap<K, unknown>): Statement {
  checkKey(key.type, map.key, map.name);
  return statement(key.needs, [...key.load(0), lookupData(registerNumber(0), map.name, VERDICT_REGISTER)]);
}

/** Writes packet metadata: nft's `meta mark set 1`. */
export function setMeta(key: 'mark' | 'priority', value: Source<never, unknown>): Statement {
  return statement(checkWord(value).needs, [...value.load(0), metaStore(META_KEYS[key], registerNumber(0))]);
}

/** Writes the connection's mark: nft's `ct mark set 1`. */
export function setCtMark(value: Source<never, unknown>): Statement {
  return statement(checkWord(value).needs, [...value.load(0), ctStore(CT_KEYS.mark, registerNumber(0))]);
}

function checkWord(value: Source<never, unknown>): Source<never, unknown> {
  if (value.type.byteLength === 4) return value;
  throw new InvalidArgumentError('value', value.type.name, 'a value of 32 bits');
}

/** Counts packets and bytes. */
export const counter: Statement = statement([], [counterKind.make({})]);

/** Writes a line to the kernel's log, or to a netlink group. */
export function log(
  options: { readonly prefix?: string; readonly group?: number; readonly level?: number } = {},
): Statement {
  const { prefix, group, level } = options;
  if (prefix !== undefined && Buffer.byteLength(prefix) > 127) {
    throw new InvalidArgumentError('prefix', prefix, 'a prefix of at most 127 bytes');
  }
  if (group !== undefined && (!Number.isInteger(group) || group < 0 || group > 0xffff)) {
    throw new InvalidArgumentError('group', group, 'a netlink group (0 to 65535)');
  }
  if (level !== undefined && (!Number.isInteger(level) || level < 0 || level > 7)) {
    throw new InvalidArgumentError('level', level, 'a syslog level (0 to 7)');
  }
  return statement([], [logKind.make(options)]);
}

const UNIT_SECONDS = { second: 1n, minute: 60n, hour: 3600n, day: 86_400n } as const;

/** How `limit` measures. */
export interface LimitOptions {
  /** Packets, or bytes, in each unit of time. */
  readonly rate: number;
  readonly per: keyof typeof UNIT_SECONDS;
  /** How much may come at once; nft's default is 5 packets. */
  readonly burst?: number;
  /** Counts bytes instead of packets. */
  readonly bytes?: boolean;
  /** Matches what is over the limit instead of what is below. */
  readonly over?: boolean;
}

/** Matches up to a rate: nft's `limit rate 5/second`. */
export function limit({
  rate,
  per,
  bytes = false,
  burst = bytes ? 0 : 5,
  over = false,
}: LimitOptions): Statement {
  if (!Number.isSafeInteger(rate) || rate < 1)
    throw new InvalidArgumentError('rate', rate, 'a whole number above 0');
  const type = bytes ? 'bytes' : 'packets';
  return statement(
    [],
    [limitExpression({ rate: BigInt(rate), unitSeconds: UNIT_SECONDS[per], burst, type, over })],
  );
}

/** NF_NAT_RANGE_*. */
const NAT_FLAGS = { random: 0x4, persistent: 0x8, fullyRandom: 0x10 } as const;
/** How ports are chosen: at random, at random by a better source, or the same for the same source. */
export type NatFlag = keyof typeof NAT_FLAGS;

function natFlags(flags: readonly NatFlag[]): number {
  return flags.reduce((sum, flag) => sum | NAT_FLAGS[flag], 0);
}

/** Gives the packet the source address of the interface it leaves by: nft's `masquerade fully-random`. */
export function masquerade(...flags: readonly NatFlag[]): Statement {
  return statement([], [masqueradeExpression(natFlags(flags))]);
}

/** Sends the packet to this machine: nft's `redirect to :8080`. */
export function redirect(port?: Source<number>, ...flags: readonly NatFlag[]): Statement {
  const load = port === undefined ? [] : port.load(0);
  const register = port === undefined ? undefined : registerNumber(0);
  return statement(port?.needs ?? [], [...load, redirectExpression(register, natFlags(flags))]);
}

type Target =
  | { readonly address: Source<string>; readonly port?: Source<number> }
  /** Address and port from one place: a map whose data is `ipv4_addr . inet_service`. */
  | { readonly endpoint: Source<readonly [string, number], unknown> };

/** Changes the destination: nft's `dnat ip to 10.0.0.1:8080`, or `dnat ip to … map @endpoints`. */
export function dnat(family: 'ip' | 'ip6', to: Target, ...flags: readonly NatFlag[]): Statement {
  return nat('dnat', family, to, flags);
}

/** Changes the source: nft's `snat ip to 192.0.2.1`. */
export function snat(family: 'ip' | 'ip6', to: Target, ...flags: readonly NatFlag[]): Statement {
  return nat('snat', family, to, flags);
}

function nat(type: 'snat' | 'dnat', family: 'ip' | 'ip6', to: Target, flags: readonly NatFlag[]): Statement {
  const addressLength = family === 'ip' ? 4 : 16;
  const portWord = addressLength / 4;
  const nftFamily = familyNumber(family);
  const registers = { address: registerNumber(0), port: registerNumber(portWord) };
  if ('endpoint' in to) {
    if (to.endpoint.type.byteLength !== addressLength + 4) {
      throw new InvalidArgumentError('to.endpoint', to.endpoint.type.name, `an ${family} address and a port`);
    }
    const needs = to.endpoint.needs;
    return statement(needs, [
      ...to.endpoint.load(0),
      natExpression(type, nftFamily, registers, natFlags(flags)),
    ]);
  }
  if (to.address.type.byteLength !== addressLength) {
    throw new InvalidArgumentError('to.address', to.address.type.name, `an ${family} address`);
  }
  const address = to.address.load(0);
  if (to.port === undefined) {
    const only = { address: registers.address };
    return statement(to.address.needs, [...address, natExpression(type, nftFamily, only, natFlags(flags))]);
  }
  // As nft does: two values that do not come from one place begin at registers of 128 bits.
  const separate = { address: registers.address, port: registerNumber(4) };
  const load = [...address, ...to.port.load(4)];
  const needs = [...to.address.needs, ...to.port.needs];
  return statement(needs, [...load, natExpression(type, nftFamily, separate, natFlags(flags))]);
}
