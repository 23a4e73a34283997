import { InvalidArgumentError } from '../../invalid-argument.ts';
import { logKind } from '../expression/kinds.ts';
import { type Statement, statement } from './source.ts';

/** NF_LOG_*. */
const LOG_FLAGS = { 'tcp sequence': 1, 'tcp options': 2, 'ip options': 4, skuid: 8, ether: 32 } as const;
/** What else the line says. */
export type LogFlag = keyof typeof LOG_FLAGS;

/** How `log` writes: a line to the kernel's log (`level`, `flags`), or the packet to a netlink group (`group`, `snaplen`, `queueThreshold`). */
export interface LogOptions {
  /** At most 127 bytes. */
  readonly prefix?: string;
  /** A syslog level, 0 to 7; 8 writes to the audit log. */
  readonly level?: number;
  /** What else the line says. */
  readonly flags?: readonly LogFlag[] | 'all';
  /** A netlink group of nfnetlink_log. */
  readonly group?: number;
  /** How much of the packet the group gets, in bytes. */
  readonly snaplen?: number;
  /** Packets that the kernel collects before it sends them to the group. */
  readonly queueThreshold?: number;
}

/** NFT_LOGLEVEL_AUDIT. */
const HIGHEST_LEVEL = 8;

/** Writes a line to the kernel's log, or the packet to a netlink group: nft's `log prefix "x" group 3`. */
export function log(options: LogOptions = {}): Statement {
  const { prefix, group, level, flags, ...rest } = options;
  if (prefix !== undefined && Buffer.byteLength(prefix) > 127) {
    throw new InvalidArgumentError('prefix', prefix, 'a prefix of at most 127 bytes');
  }
  if (group !== undefined && (!Number.isInteger(group) || group < 0 || group > 0xffff)) {
    throw new InvalidArgumentError('group', group, 'a netlink group (0 to 65535)');
  }
  if (level !== undefined && (!Number.isInteger(level) || level < 0 || level > HIGHEST_LEVEL)) {
    throw new InvalidArgumentError('level', level, 'a syslog level (0 to 7), or 8 for the audit log');
  }
  const fields = { ...options, flags: flagBits(flags) };
  if (group !== undefined && (level !== undefined || flags !== undefined)) {
    throw new InvalidArgumentError('group', group, 'possible together with a level or flags');
  }
  if (group === undefined && (rest.snaplen !== undefined || rest.queueThreshold !== undefined)) {
    throw new InvalidArgumentError('group', group, 'a netlink group, as snaplen and queueThreshold need');
  }
  const { flags: bits, ...others } = fields;
  return statement([], [logKind.make({ ...others, ...(bits === 0 ? {} : { flags: bits }) })]);
}

function flagBits(flags: readonly LogFlag[] | 'all' | undefined): number {
  const names = flags === 'all' ? (Object.keys(LOG_FLAGS) as LogFlag[]) : (flags ?? []);
  return names.reduce((sum, flag) => sum | LOG_FLAGS[flag], 0);
}
