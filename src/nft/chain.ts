import { InvalidArgumentError } from '../invalid-argument.ts';
import { checkDevices, type DevicePattern } from './device.ts';
import type { Family } from './family.ts';
import { checkComment, checkName } from './name.ts';
import type { Table } from './table.ts';

/** What the rules of a base chain may do: `nat` sees the first packet of a connection only, `route` may change the route. */
export type ChainType = 'filter' | 'nat' | 'route';
/** Where the kernel calls a base chain; which hooks there are depends on the table's family. */
export type Hook = 'prerouting' | 'input' | 'forward' | 'output' | 'postrouting' | 'ingress' | 'egress';
/** nft's names for priorities; in family bridge they stand for other numbers, and only there is `out`. */
export type PriorityName = 'raw' | 'mangle' | 'dstnat' | 'filter' | 'security' | 'srcnat' | 'out';

/** A chain: an ordered list of rules. One with a `base` is called by the kernel, the others by jump and goto. */
export interface Chain {
  readonly kind: 'chain';
  /** The table that it is in. */
  readonly table: Table;
  /** 1 to 255 bytes. */
  readonly name: string;
  /** At most 128 bytes. */
  readonly comment?: string;
  /** What makes the kernel call it; undefined for a chain that rules jump or go to. */
  readonly base?: BaseChain;
  /** It belongs to the rule that leads to it: only listings have these; `anonymousChain` describes them. */
  readonly anonymous?: true;
}

/** What makes the kernel call a chain. */
export interface BaseChain {
  /** nft's `type filter`. */
  readonly type: ChainType;
  /** nft's `hook input`. */
  readonly hook: Hook;
  /** The kernel's number for the hook, which depends on the family. */
  readonly hookNumber: number;
  /** Lower runs earlier. */
  readonly priority: number;
  /** What happens to a packet that no rule decided about. */
  readonly policy: 'accept' | 'drop';
  /** The interfaces of an ingress or egress chain. */
  readonly devices: readonly DevicePattern[];
  /** The interfaces do the work. */
  readonly offload?: true;
}

/** How `baseChain` is told where a chain hangs. */
export interface BaseChainOptions {
  /** nft's `type filter`. */
  readonly type: ChainType;
  /** nft's `hook input`; which there are depends on the table's family. */
  readonly hook: Hook;
  /** A number, or nft's name for one (`'dstnat'`). */
  readonly priority: number | PriorityName;
  /** What happens to a packet that no rule decided about; default accept. */
  readonly policy?: 'accept' | 'drop';
  /**
   * The interfaces of an ingress or egress chain, which must have some. Names of missing interfaces are for the kernel to judge:
   * newer ones (6.18 does) wait for them, older ones refuse. `'eth*'`: all whose names begin so (kernel 6.17).
   */
  readonly devices?: readonly DevicePattern[];
  /** The network cards run the rules: nft's `flags offload`, of netdev chains at ingress. */
  readonly offload?: boolean;
  /** At most 128 bytes. */
  readonly comment?: string;
}

const IP_HOOKS = { prerouting: 0, input: 1, forward: 2, output: 3, postrouting: 4 } as const;

/** Hook numbers differ by family: linux/netfilter.h, netfilter_arp.h, netfilter_bridge.h. */
const HOOKS: Readonly<Record<Family, Partial<Record<Hook, number>>>> = {
  ip: IP_HOOKS,
  ip6: IP_HOOKS,
  inet: { ...IP_HOOKS, ingress: 5 },
  bridge: IP_HOOKS,
  arp: { input: 0, output: 1 },
  netdev: { ingress: 0, egress: 1 },
};

const PRIORITIES = { raw: -300, mangle: -150, dstnat: -100, filter: 0, security: 50, srcnat: 100 } as const;
const BRIDGE_PRIORITIES = { dstnat: -300, filter: -200, out: 100, srcnat: 300 } as const;

/** Describes a chain that rules jump or go to. */
export function chain(table: Table, name: string, options: { readonly comment?: string } = {}): Chain {
  checkName('name', name);
  if (options.comment !== undefined) checkComment('comment', options.comment);
  return Object.freeze({ kind: 'chain', table, name, ...options });
}

/** Describes a chain that the kernel calls at a hook: `baseChain(t, 'input', { type: 'filter', hook: 'input', priority: 'filter' })`. */
export function baseChain(table: Table, name: string, options: BaseChainOptions): Chain {
  const { type, hook, policy = 'accept', devices = [], comment } = options;
  const hookNumber = HOOKS[table.family][hook];
  if (hookNumber === undefined) {
    const known = Object.keys(HOOKS[table.family]).join(', ');
    throw new InvalidArgumentError('hook', hook, `a hook of family ${table.family} (${known})`);
  }
  if (devices.length === 0 && (table.family === 'netdev' || hook === 'ingress')) {
    throw new InvalidArgumentError(
      'devices',
      devices,
      'the names of one or more interfaces, as this hook needs',
    );
  }
  const base = Object.freeze({
    type,
    hook,
    hookNumber,
    priority: priorityNumber(table.family, options.priority),
    policy,
    devices: checkDevices('devices', devices),
    ...(options.offload ? { offload: true as const } : {}),
  });
  const described = chain(table, name, comment === undefined ? {} : { comment });
  return Object.freeze({ ...described, base });
}

function priorityNumber(family: Family, priority: number | PriorityName): number {
  const names: Partial<Record<PriorityName, number>> = family === 'bridge' ? BRIDGE_PRIORITIES : PRIORITIES;
  const number = typeof priority === 'number' ? priority : names[priority];
  if (number === undefined || !Number.isInteger(number) || Math.abs(number) > 0x7fffffff) {
    throw new InvalidArgumentError(
      'priority',
      priority,
      `a 32-bit integer or one of ${Object.keys(names).join(', ')}`,
    );
  }
  return number;
}

/** The hook's name for a number that the kernel sent. */
export function hookName(family: Family, hookNumber: number): Hook | undefined {
  const hooks = HOOKS[family];
  return (Object.keys(hooks) as Hook[]).find((hook) => hooks[hook] === hookNumber);
}
