import { InvalidArgumentError } from '../../invalid-argument.ts';
import { connlimitKind, counterKind, limitKind, quotaKind } from '../expression/kinds.ts';
import { type LimitOptions, limitFields, limitOptions } from '../limit-rate.ts';
import type { Table } from '../table.ts';
import { describeObject, type ObjectBase, type ObjectCodec, type ObjectOptions } from './object.ts';

/** Objects that count and bound: the same attributes as the expressions of the same names. */

/** Counts what passes it. */
export interface CounterObject extends ObjectBase<'counter'>, CounterState {}
interface CounterState {
  /** Packets counted so far. */
  readonly packets: bigint;
  /** Bytes counted so far, from the network header on. */
  readonly bytes: bigint;
}

export const counterCodec: ObjectCodec<CounterState> = {
  type: 1,
  write: ({ packets, bytes }) => counterKind.encode({ bytes, packets }).data,
  read(data) {
    const fields = counterKind.read(data);
    return fields && { packets: fields.packets ?? 0n, bytes: fields.bytes ?? 0n };
  },
};

/** Describes a counter, which rules share: `counter inet t c`. It may start from numbers. */
export function counterObject(
  table: Table,
  name: string,
  options: ObjectOptions & { readonly packets?: number | bigint; readonly bytes?: number | bigint } = {},
): CounterObject {
  const state = {
    packets: whole('packets', options.packets ?? 0n),
    bytes: whole('bytes', options.bytes ?? 0n),
  };
  return describeObject('counter', counterCodec, table, name, state, options);
}

/** Bytes that may pass, or (`over`) after which it matches. */
export interface QuotaObject extends ObjectBase<'quota'>, QuotaState {}
interface QuotaState {
  /** How many bytes may pass. */
  readonly bytes: bigint;
  /** How many of them have passed. */
  readonly used: bigint;
  /** Matches when the quota is used up, instead of until then. */
  readonly over?: true;
  /** Only listed: the quota is used up. */
  readonly depleted?: true;
}

/** NFT_QUOTA_F_*. */
const QUOTA_FLAGS = { over: 1, depleted: 2 } as const;

export const quotaCodec: ObjectCodec<QuotaState> = {
  type: 2,
  write: ({ bytes, used, over }) =>
    quotaKind.encode({ bytes, flags: over ? QUOTA_FLAGS.over : 0, consumed: used }).data,
  read(data) {
    const fields = quotaKind.read(data);
    if (fields === undefined) return undefined;
    const flags = fields.flags ?? 0;
    return {
      bytes: fields.bytes ?? 0n,
      used: fields.consumed ?? 0n,
      ...((flags & QUOTA_FLAGS.over) === 0 ? {} : { over: true }),
      ...((flags & QUOTA_FLAGS.depleted) === 0 ? {} : { depleted: true }),
    };
  },
};

/** Describes a quota in bytes; `used` is what counts as used already. */
export function quotaObject(
  table: Table,
  name: string,
  options: ObjectOptions & {
    readonly bytes: number | bigint;
    readonly used?: number | bigint;
    readonly over?: boolean;
  },
): QuotaObject {
  const state = {
    bytes: whole('bytes', options.bytes),
    used: whole('used', options.used ?? 0n),
    ...(options.over ? { over: true as const } : {}),
  };
  return describeObject('quota', quotaCodec, table, name, state, options);
}

/** A rate that rules share. */
export interface LimitObject extends ObjectBase<'limit'>, LimitOptions {}

export const limitCodec: ObjectCodec<LimitOptions> = {
  type: 4,
  write: (options) => limitKind.encode(limitFields(options)).data,
  read(data) {
    const fields = limitKind.read(data);
    return fields && limitOptions(fields);
  },
};

/** Describes a limit: `limitObject(t, 'l', { rate: 5, per: 'second' })`. */
export function limitObject(table: Table, name: string, options: ObjectOptions & LimitOptions): LimitObject {
  const { comment: _, ...rate } = options;
  return describeObject('limit', limitCodec, table, name, rate, options);
}

/** Connections that may be there at once. */
export interface ConnlimitObject extends ObjectBase<'connlimit'>, ConnlimitState {}
interface ConnlimitState {
  /** How many connections. */
  readonly count: number;
  /** Matches above the count, instead of up to it. */
  readonly over?: true;
}

/** NFT_CONNLIMIT_F_INV. */
const CONNLIMIT_OVER = 1;

export const connlimitCodec: ObjectCodec<ConnlimitState> = {
  type: 5,
  write: ({ count, over }) => connlimitKind.encode({ count, flags: over ? CONNLIMIT_OVER : 0 }).data,
  read(data) {
    const fields = connlimitKind.read(data);
    return (
      fields && {
        count: fields.count ?? 0,
        ...(((fields.flags ?? 0) & CONNLIMIT_OVER) === 0 ? {} : { over: true }),
      }
    );
  },
};

/** Describes a bound on connections. nft 1.0.6 has no word for such an object and cannot list it by itself. */
export function connlimitObject(
  table: Table,
  name: string,
  options: ObjectOptions & { readonly count: number; readonly over?: boolean },
): ConnlimitObject {
  const state = { count: options.count, ...(options.over ? { over: true as const } : {}) };
  return describeObject('connlimit', connlimitCodec, table, name, state, options);
}

function whole(argument: string, value: number | bigint): bigint {
  if (typeof value === 'bigint' || Number.isSafeInteger(value)) return BigInt(value);
  throw new InvalidArgumentError(argument, value, 'a whole number');
}
