import { nest, u32Attribute } from '../../netlink/attribute.ts';
import type { BaseChain, Chain } from '../chain.ts';
import { type DevicePattern, deviceAttributes } from '../device.ts';
import type { Flowtable } from '../flowtable.ts';
import { objectData, objectType, type StatefulObject } from '../object/kinds.ts';
import { commentUserdata } from '../userdata.ts';
import type { PackedWriter } from './packed-writer.ts';
import { NFTA_FLOWTABLE, NFTA_FLOWTABLE_HOOK, NFTA_OBJ } from './uapi.ts';

/** Objects and flowtables, made of raw attributes: docs/decisions/0006-objects-as-attributes.md. */

const NESTED = 0x8000;
/** NFTA_CHAIN_HOOK, NFTA_HOOK_*. */
const CHAIN_HOOK = 4;
const HOOK = { number: 1, priority: 2, devices: 4 } as const;

export function packObject(writer: PackedWriter, object: StatefulObject): void {
  packObjectName(writer, object);
  writer.raw(NFTA_OBJ.data | NESTED, objectData(object));
  if (object.comment !== undefined) writer.raw(NFTA_OBJ.userdata, commentUserdata(object.comment));
}

export function packObjectName(writer: PackedWriter, object: StatefulObject): void {
  writer.raw(NFTA_OBJ.table, zeroEnded(object.table.name));
  writer.raw(NFTA_OBJ.name, zeroEnded(object.name));
  writer.raw(NFTA_OBJ.type, u32BE(objectType(object)));
}

export function packFlowtable(writer: PackedWriter, flowtable: Flowtable): void {
  packFlowtableName(writer, flowtable);
  const hook = [
    u32Attribute(NFTA_FLOWTABLE_HOOK.num, 0),
    u32Attribute(NFTA_FLOWTABLE_HOOK.priority, flowtable.priority),
    devicesNest(NFTA_FLOWTABLE_HOOK.devs, flowtable.devices),
  ];
  writer.raw(NFTA_FLOWTABLE.hook | NESTED, Buffer.concat(hook));
  const flags =
    (flowtable.offload ? FLOWTABLE_FLAGS.offload : 0) | (flowtable.counter ? FLOWTABLE_FLAGS.counter : 0);
  writer.raw(NFTA_FLOWTABLE.flags, u32BE(flags));
}

export function packFlowtableName(writer: PackedWriter, flowtable: Flowtable): void {
  writer.raw(NFTA_FLOWTABLE.table, zeroEnded(flowtable.table.name));
  writer.raw(NFTA_FLOWTABLE.name, zeroEnded(flowtable.name));
}

/** Where a chain hangs, with interfaces that libnftnl cannot say. */
export function packHook(writer: PackedWriter, { hookNumber, priority, devices }: BaseChain): void {
  const hook = [
    u32Attribute(HOOK.number, hookNumber),
    u32Attribute(HOOK.priority, priority),
    devicesNest(HOOK.devices, devices),
  ];
  writer.raw(CHAIN_HOOK | NESTED, Buffer.concat(hook));
}

/** What a deletion says when it is about devices, and not about the whole chain or flowtable. */
export function packDevices(
  writer: PackedWriter,
  of: Chain | Flowtable,
  devices: readonly DevicePattern[],
): void {
  if (of.kind === 'chain') writer.raw(CHAIN_HOOK | NESTED, devicesNest(HOOK.devices, devices));
  else writer.raw(NFTA_FLOWTABLE.hook | NESTED, devicesNest(NFTA_FLOWTABLE_HOOK.devs, devices));
}

/** NFT_FLOWTABLE_*. */
export const FLOWTABLE_FLAGS = { offload: 1, counter: 2 } as const;

function devicesNest(type: number, devices: readonly DevicePattern[]): Uint8Array {
  return nest(type, deviceAttributes(devices));
}

function zeroEnded(text: string): Uint8Array {
  return Buffer.from(`${text}\0`);
}

function u32BE(value: number): Uint8Array {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value >>> 0);
  return bytes;
}
