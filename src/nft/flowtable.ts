import { InvalidArgumentError } from '../invalid-argument.ts';
import { checkDevices, type DevicePattern } from './device.ts';
import { checkName } from './name.ts';
import type { Table } from './table.ts';

/** A flowtable: connections that `flowAdd` puts into it are forwarded from interface to interface, past all other rules. */
export interface Flowtable {
  readonly kind: 'flowtable';
  /** The table that it is in. */
  readonly table: Table;
  /** 1 to 255 bytes. */
  readonly name: string;
  /** Lower is earlier; the hook is always ingress. */
  readonly priority: number;
  /** The interfaces between which connections are forwarded. */
  readonly devices: readonly DevicePattern[];
  /** Network cards do the work. */
  readonly offload?: true;
  /** Connections in it are counted by conntrack. */
  readonly counter?: true;
}

/** How `flowtable` is told more. */
export interface FlowtableOptions {
  /** A number, or nft's name for 0. */
  readonly priority: number | 'filter';
  /** The interfaces between which connections are forwarded; `'eth*'`: all whose names begin so (kernel 6.17). */
  readonly devices: readonly DevicePattern[];
  /** Network cards do the work: nft's `flags offload`. */
  readonly offload?: boolean;
  /** Connections in it are counted by conntrack: nft's `counter`. */
  readonly counter?: boolean;
}

/**
 * Describes a flowtable of a table of family ip, ip6 or inet: `flowtable(t, 'ft', { priority: 'filter', devices: ['eth0', 'eth1'] })`.
 * The kernel must have CONFIG_NF_FLOW_TABLE.
 */
export function flowtable(table: Table, name: string, options: FlowtableOptions): Flowtable {
  checkName('name', name);
  const priority = options.priority === 'filter' ? 0 : options.priority;
  if (!Number.isInteger(priority) || Math.abs(priority) > 0x7fffffff) {
    throw new InvalidArgumentError('priority', priority, 'a 32-bit integer or "filter"');
  }
  return Object.freeze({
    kind: 'flowtable',
    table,
    name,
    priority,
    devices: checkDevices('devices', options.devices),
    ...(options.offload ? { offload: true as const } : {}),
    ...(options.counter ? { counter: true as const } : {}),
  });
}
