import { InvalidArgumentError, within as inArgument } from '../../invalid-argument.ts';
import type { AnonymousSet } from '../anonymous-set.ts';
import { bitwise, type Comparison, cmp, lookup } from '../expression/compute.ts';
import { payload } from '../expression/load.ts';
import { registerNumber } from '../expression/register.ts';
import type { AnySet, NftSet } from '../set.ts';
import { bytesOf } from '../type/data-type.ts';
import { ifname } from '../type/text.ts';
import { comparable, inPlace } from './bits.ts';
import { checkKey, loadKey, nameOfSet } from './combine.ts';
import { type Source, type Statement, statement } from './source.ts';

/** Matches: a rule ends where one is false. */

const REGISTER = registerNumber(0);

function compare<In>(source: Source<In, unknown>, operator: Comparison, value: In): Statement {
  if (isDevice(source)) refuseStar('value', value, operator === 'eq' ? 'startsWith' : 'startsOtherwise');
  const bytes = inArgument('value', () => bytesOf(source.type, value));
  return statement(source.needs, [...comparable(source), cmp(REGISTER, operator, inPlace(source, bytes))]);
}

function isDevice({ type }: Source<never, unknown>): boolean {
  return type.id === ifname.id;
}

/** nft reads `"wan*"` as the start of a name, and so do sets with ranges: compared as a name it would never match. */
function refuseStar(argument: string, value: unknown, instead: string): void {
  if (typeof value !== 'string' || !value.endsWith('*')) return;
  const call = `${instead}(…, '${value.slice(0, -1)}')`;
  throw new InvalidArgumentError(
    argument,
    value,
    `an interface name without a star at its end: ${call} compares the start`,
  );
}

/**
 * The value is this one: nft's `ip saddr 10.0.0.1`. Not of interfaces by the start of their names, `'wan*'`: `startsWith`. (A name that
 * really ends in a star may be an element of a set.)
 */
export function eq<In>(source: Source<In, unknown>, value: NoInfer<In>): Statement {
  return compare(source, 'eq', value);
}

/** The value is another one: nft's `ip saddr != 10.0.0.1`. For the start of an interface's name: `startsOtherwise`. */
export function neq<In>(source: Source<In, unknown>, value: NoInfer<In>): Statement {
  return compare(source, 'neq', value);
}

/** The address lies in a network: nft's `ip saddr 10.0.0.0/8`. */
export function inNetwork(source: Source<string, unknown>, network: string): Statement {
  return matchNetwork(source, network, 'eq');
}

/** The address lies outside a network: nft's `ip saddr != 10.0.0.0/8`. */
export function notInNetwork(source: Source<string, unknown>, network: string): Statement {
  return matchNetwork(source, network, 'neq');
}

function matchNetwork(source: Source<string, unknown>, network: string, operator: Comparison): Statement {
  const { type, field } = source;
  const [text = '', bitsText, ...rest] = network.split('/');
  const bits = bitsText !== undefined && /^\d{1,3}$/.test(bitsText) ? Number(bitsText) : Number.NaN;
  const total = 8 * type.byteLength;
  if (rest.length > 0 || !(bits >= 1 && bits <= total)) {
    throw new InvalidArgumentError('network', network, `a network like "10.0.0.0/8" (1 to ${total} bits)`);
  }
  const address = inArgument('network', () => bytesOf(type, text));
  const mask = prefixMask(type.byteLength, bits);
  if (address.some((byte, i) => (byte & ~(mask[i] ?? 0) & 0xff) !== 0)) {
    throw new InvalidArgumentError(
      'network',
      network,
      'a network address: it has bits set beyond its prefix',
    );
  }
  const register = registerNumber(0);
  if (field !== undefined && bits % 8 === 0) {
    // As nft does: a prefix of whole bytes is compared by loading only those.
    const load = payload(field.base, field.offset, bits / 8, register);
    return statement(source.needs, [load, cmp(register, operator, address.subarray(0, bits / 8))]);
  }
  const zero = new Uint8Array(type.byteLength);
  return statement(source.needs, [
    ...source.load(0),
    bitwise(register, mask, zero),
    cmp(register, operator, address),
  ]);
}

function prefixMask(byteLength: number, bits: number): Uint8Array {
  return Uint8Array.from({ length: byteLength }, (_, i) => {
    const inByte = Math.min(8, Math.max(0, bits - 8 * i));
    return 0xff & ~(0xff >> inByte);
  });
}

/** The interface's name begins so (1 to 15 bytes): nft's `iifname "veth*"`. Throws InvalidArgumentError. */
export function startsWith(source: Source<string, unknown>, prefix: string): Statement {
  return matchStart(source, prefix, 'eq');
}

/** The interface's name begins otherwise: nft's `iifname != "veth*"`. Throws InvalidArgumentError. */
export function startsOtherwise(source: Source<string, unknown>, prefix: string): Statement {
  return matchStart(source, prefix, 'neq');
}

/** As nft does: the bytes of the prefix are compared, not those behind it. */
function matchStart(source: Source<string, unknown>, prefix: string, operator: Comparison): Statement {
  if (!isDevice(source))
    throw new InvalidArgumentError('source', source.type.name, 'the name of an interface');
  refuseStar('prefix', prefix, operator === 'eq' ? 'startsWith' : 'startsOtherwise');
  const bytes = inArgument('prefix', () => bytesOf(source.type, prefix));
  const start = bytes.subarray(0, Buffer.byteLength(prefix));
  return statement(source.needs, [...source.load(0), cmp(REGISTER, operator, start)]);
}

/** The value is in a set: nft's `ip saddr @blocked`, or `tcp dport { 22, 80 }` with an anonymous set. */
export function oneOf<K>(source: Source<K, unknown>, set: NftSet<K, unknown> | AnonymousSet<K>): Statement {
  return matchSet(source, set, false);
}

/** The value is not in a set: nft's `ip saddr != @allowed`. */
export function noneOf<K>(source: Source<K, unknown>, set: NftSet<K, unknown> | AnonymousSet<K>): Statement {
  return matchSet(source, set, true);
}

function matchSet(source: Source<never, unknown>, set: AnySet | AnonymousSet, invert: boolean): Statement {
  checkKey(source.type, set.key, nameOfSet(set));
  const register = registerNumber(0);
  const target = set.kind === 'anonymous set' ? set : set.name;
  return statement(source.needs, [...loadKey(source, set, 0), lookup(register, target, invert)]);
}
