import { defineFields } from '../expression/define.ts';
import { hostU32, named, nested, text, typed, u8, u16 } from '../expression/field.ts';
import type { Table } from '../table.ts';
import { inetService } from '../type/integer.ts';
import { inetProto, type ProtocolName } from '../type/named.ts';
import { describeObject, type ObjectBase, type ObjectCodec, type ObjectOptions } from './object.ts';
import { type TimeoutPolicy, timeoutPolicy } from './timeout-policy.ts';

/** Objects that rules attach to connections. */

/** NFPROTO_*; the kernel takes the table's own where none is given. */
const layer3 = named(undefined, 0, { inet: 1, ip: 2, ip6: 10 }, u16);
const family = (wire: number) => ({ ...layer3, wire });
const protocol = (wire: number) => typed(wire, inetProto);

interface OfConnections {
  /** Of the transport, by name or number. */
  readonly protocol: ProtocolName | number;
  /** Which packets it is for; default: those of the table's family. */
  readonly family?: 'ip' | 'ip6' | 'inet' | number;
}

/** A helper that finds the related connections of a protocol. */
export interface CtHelperObject extends ObjectBase<'ct helper'>, CtHelperState {}
/** What a helper holds. */
export interface CtHelperState extends OfConnections {
  /** The kernel's name for it: `ftp`, `sip`, `tftp` … */
  readonly helper: string;
}

const helperFields = defineFields('ct helper', {
  helper: text(undefined, 1),
  family: family(2),
  protocol: protocol(3),
});

export const ctHelperCodec: ObjectCodec<CtHelperState> = {
  type: 3,
  write: ({ helper, family, protocol }) => helperFields.write({ helper, ...only({ family }), protocol }),
  read: (data) => complete(helperFields.read(data), 'helper', 'protocol'),
};

/** Describes a connection-tracking helper: `ctHelperObject(t, 'ftp-standard', { helper: 'ftp', protocol: 'tcp' })`. */
export function ctHelperObject(
  table: Table,
  name: string,
  options: ObjectOptions & CtHelperState,
): CtHelperObject {
  const { comment: _, ...state } = options;
  return describeObject('ct helper', ctHelperCodec, table, name, state, options);
}

/** How long the kernel remembers connections in each of their states. */
export interface CtTimeoutObject extends ObjectBase<'ct timeout'>, CtTimeoutState {}
/** What timeouts hold. */
export interface CtTimeoutState extends OfConnections {
  /** Seconds by state (`{ established: 7200 }`). States that are left out have the kernel's values, and are listed with them. */
  readonly policySeconds: TimeoutPolicy;
}

const timeoutFields = defineFields('ct timeout', {
  family: family(1),
  protocol: protocol(2),
  policy: nested(3, { write: (bytes: Uint8Array) => bytes, read: (bytes) => bytes }),
});

export const ctTimeoutCodec: ObjectCodec<CtTimeoutState> = {
  type: 7,
  write: ({ family, protocol, policySeconds }) =>
    timeoutFields.write({
      ...only({ family }),
      protocol,
      policy: timeoutPolicy.write(protocol, policySeconds),
    }),
  read(data) {
    const fields = complete(timeoutFields.read(data), 'protocol');
    if (fields === undefined) return undefined;
    const { policy, ...rest } = fields;
    return { ...rest, policySeconds: timeoutPolicy.read(fields.protocol, policy ?? new Uint8Array(0)) };
  },
};

/** Describes timeouts: `ctTimeoutObject(t, 'short', { protocol: 'tcp', policySeconds: { established: 120 } })`. */
export function ctTimeoutObject(
  table: Table,
  name: string,
  options: ObjectOptions & CtTimeoutState,
): CtTimeoutObject {
  const { comment: _, ...state } = options;
  return describeObject('ct timeout', ctTimeoutCodec, table, name, state, options);
}

/** A connection that is to be expected after another one. */
export interface CtExpectationObject extends ObjectBase<'ct expectation'>, CtExpectationState {}
/** What an expectation holds. */
export interface CtExpectationState extends OfConnections {
  /** Port of the expected connections. */
  readonly dport: number;
  /**
   * How long a connection is expected, in ms as nft writes and lists it. Linux takes the same number for seconds (seen in 6.18: with nft's
   * `timeout 60s` too it waits 60,000 s), so a connection is expected a thousand times longer.
   */
  readonly timeoutMs: number;
  /** How many may be expected at once, at most 255. */
  readonly size: number;
}

const expectationFields = defineFields('ct expectation', {
  family: family(1),
  protocol: protocol(2),
  dport: typed(3, inetService),
  // Alone among these numbers: nft_ct_expect_obj_init reads it with nla_get_u32.
  timeoutMs: hostU32(undefined, 4),
  size: u8(undefined, 5),
});

export const ctExpectationCodec: ObjectCodec<CtExpectationState> = {
  type: 9,
  write: ({ family, ...rest }) => expectationFields.write({ ...only({ family }), ...rest }),
  read: (data) => complete(expectationFields.read(data), 'protocol', 'dport', 'timeoutMs', 'size'),
};

/** Describes an expectation: connections to a port that are related to the one that a rule attaches this to. */
export function ctExpectationObject(
  table: Table,
  name: string,
  options: ObjectOptions & CtExpectationState,
): CtExpectationObject {
  const { comment: _, ...state } = options;
  return describeObject('ct expectation', ctExpectationCodec, table, name, state, options);
}

function only<T>({ family }: { readonly family: T | undefined }): { readonly family?: T } {
  return family === undefined ? {} : { family };
}

/** The fields, when those that must be there are. */
function complete<T extends object, const K extends keyof T>(
  fields: T | undefined,
  ...keys: readonly K[]
): (T & { readonly [P in K]-?: Exclude<T[P], undefined> }) | undefined {
  if (fields === undefined || keys.some((key) => fields[key] === undefined)) return undefined;
  return fields as T & { readonly [P in K]-?: Exclude<T[P], undefined> };
}
