import { InvalidArgumentError } from '../../invalid-argument.ts';
import type { AnonymousVerdictMap } from '../anonymous-set.ts';
import { masqueradeExpression, natExpression, redirectExpression } from '../expression/act.ts';
import { lookupData } from '../expression/compute.ts';
import { counterKind, limitKind } from '../expression/kinds.ts';
import { immediate, metaStore } from '../expression/load.ts';
import { registerNumber, VERDICT_REGISTER } from '../expression/register.ts';
import { familyNumber } from '../family.ts';
import { type LimitOptions, limitFields } from '../limit-rate.ts';
import type { VerdictMap } from '../set.ts';
import { checkKey, loadKey, nameOfSet } from './combine.ts';
import { META_KEYS } from './metadata.ts';
import { type Source, type Statement, statement } from './source.ts';

/** Statements that do something. Verdicts (`accept`, `jump(chain)` …) stand beside them in a rule. */

/** Does what the map says for the value; a rule ends where it says nothing: nft's `ip saddr vmap @m`, `tcp dport vmap { … }`. */
export function vmap<K>(
  key: Source<K, unknown>,
  map: VerdictMap<K, unknown> | AnonymousVerdictMap<K>,
): Statement {
  checkKey(key.type, map.key, nameOfSet(map));
  const target = map.kind === 'verdict map' ? map.name : map;
  return statement(key.needs, [
    ...loadKey(key, map, 0),
    lookupData(registerNumber(0), target, VERDICT_REGISTER),
  ]);
}

/** What a rule may write of a packet's metadata, and how many bytes it has; `nftrace` and `broute` are yes or no. */
const WRITABLE_META = { mark: 4, priority: 4, secmark: 4, pkttype: 1 } as const;

/** Writes packet metadata: nft's `meta mark set 1`, `meta pkttype set host`, and `meta nftrace set 1` for `nft.trace()`. */
export function setMeta(key: keyof typeof WRITABLE_META, value: Source<never, unknown>): Statement;
export function setMeta(key: 'nftrace' | 'broute', value: boolean): Statement;
export function setMeta(
  key: keyof typeof WRITABLE_META | 'nftrace' | 'broute',
  value: Source<never, unknown> | boolean,
): Statement {
  const register = registerNumber(0);
  const store = metaStore(META_KEYS[key], register);
  if (typeof value === 'boolean')
    return statement([], [immediate(Uint8Array.of(value ? 1 : 0), register), store]);
  const byteLength = key === 'nftrace' || key === 'broute' ? 1 : WRITABLE_META[key];
  if (value.type.byteLength !== byteLength) {
    throw new InvalidArgumentError('value', value.type.name, `a value of ${8 * byteLength} bits`);
  }
  return statement(value.needs, [...value.load(0), store]);
}

/** Counts packets and bytes. */
export const counter: Statement = statement([], [counterKind.make({})]);

/** Matches up to a rate: nft's `limit rate 5/second`. */
export function limit(options: LimitOptions): Statement {
  return statement([], [limitKind.make(limitFields(options))]);
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

/** Where NAT leads: an address, and perhaps a port, or both from one place. */
export type NatTarget =
  | {
      /** As long as the family's addresses are. */
      readonly address: Source<string>;
      /** Left out: the port stays, unless it is taken. */
      readonly port?: Source<number>;
    }
  | {
      /** Address and port from one place: a map whose data is `ipv4_addr . inet_service`. */
      readonly endpoint: Source<readonly [string, number], unknown>;
    };

/** Changes the destination: nft's `dnat ip to 10.0.0.1:8080`, or `dnat ip to … map @endpoints`. */
export function dnat(family: 'ip' | 'ip6', to: NatTarget, ...flags: readonly NatFlag[]): Statement {
  return nat('dnat', family, to, flags);
}

/** Changes the source: nft's `snat ip to 192.0.2.1`. */
export function snat(family: 'ip' | 'ip6', to: NatTarget, ...flags: readonly NatFlag[]): Statement {
  return nat('snat', family, to, flags);
}

function nat(
  type: 'snat' | 'dnat',
  family: 'ip' | 'ip6',
  to: NatTarget,
  flags: readonly NatFlag[],
): Statement {
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
