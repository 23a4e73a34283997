import { constants } from 'node:os';
import { attributeMap, u32Of } from '../netlink/attribute.ts';
import { readDevices } from '../nft/device.ts';
import { familyNumber } from '../nft/family.ts';
import { CHAIN_BINDING, NFT_MSG, NFTNL_CHAIN } from '../nft/pack/uapi.ts';
import { NFTA_HOOK } from '../read/uapi.ts';
import type { Batch } from './fake-batch.ts';
import { describeChain } from './fake-descriptions.ts';
import { chainDeleted } from './fake-message.ts';
import { flushChain } from './fake-rules.ts';
import type { FakeChain, FakeHook, FakeTable } from './fake-ruleset.ts';
import { bytesField, isExclusive, textField, u32Field } from './packed-fields.ts';
import { type Refusal, refuse } from './refusal.ts';
import type { PackedOperation } from './unpack.ts';

const { EBUSY, EEXIST, EINVAL, ENOENT, EOPNOTSUPP } = constants.errno;
const NFTA = { name: 3, hook: 4, policy: 5, type: 7 } as const;
const ACCEPT = 1;
/** NF_IP_PRI_CONNTRACK: nat must come behind it. */
const CONNTRACK_PRIORITY = -200;

/** Which hooks a type of chain may hang at, as bits; the types of each family. */
const IP_TYPES = { filter: 0b11111, nat: 0b11011, route: 0b01000 } as const;
const TYPES: ReadonlyMap<number, Readonly<Record<string, number>>> = new Map<
  number,
  Readonly<Record<string, number>>
>([
  [familyNumber('ip'), IP_TYPES],
  [familyNumber('ip6'), IP_TYPES],
  [familyNumber('inet'), { ...IP_TYPES, filter: 0b111111 }],
  [familyNumber('bridge'), { filter: 0b11111 }],
  [familyNumber('arp'), { filter: 0b11 }],
  [familyNumber('netdev'), { filter: 0b11 }],
]);

export function newChain(batch: Batch, table: FakeTable, operation: PackedOperation): readonly Refusal[] {
  const { journal } = batch;
  const name =
    textField(operation, NFTNL_CHAIN.name) ??
    (isAnonymous(operation) ? `__chain${table.nextHandle}` : undefined);
  if (name === undefined) return refuse(EINVAL);
  const there = table.chains.get(name);
  const policy = u32Field(operation, NFTNL_CHAIN.policy);
  const hook = readHook(operation);
  if (policy !== undefined && (there === undefined ? hook : there.base) === undefined) {
    return refuse(EOPNOTSUPP, NFTA.policy);
  }
  if (there !== undefined) {
    if (isExclusive(operation)) return refuse(EEXIST, NFTA.name);
    return updateChain(batch, table, there, hook, policy);
  }
  if (hook !== undefined && batch.toggled.has(table)) return refuse(EINVAL);
  const wrong = hook === undefined ? [] : checkHook(table, hook);
  if (wrong.length > 0) return wrong;
  const chain: FakeChain = {
    name,
    handle: table.nextHandle++,
    base: hook,
    anonymous: isAnonymous(operation),
    userdata: bytesField(operation, NFTNL_CHAIN.userdata),
    uses: 0,
    rules: [],
  };
  journal.add(table.chains, name, chain);
  // 0 is no number.
  batch.chainsById.set(u32Field(operation, NFTNL_CHAIN.id) ?? 0, chain);
  batch.events.push({ describe: () => describeChain(table, chain) });
  return [];
}

function isAnonymous(operation: PackedOperation): boolean {
  return ((u32Field(operation, NFTNL_CHAIN.flags) ?? 0) & CHAIN_BINDING) !== 0;
}

function updateChain(
  { journal, updated, events }: Batch,
  table: FakeTable,
  chain: FakeChain,
  hook: FakeHook | undefined,
  policy: number | undefined,
): readonly Refusal[] {
  const { base } = chain;
  if (hook !== undefined) {
    if (base === undefined) return refuse(EEXIST, NFTA.name);
    if (hook.hook !== base.hook || hook.priority !== base.priority) return refuse(EOPNOTSUPP);
    if (hook.type !== base.type) return refuse(EEXIST, NFTA.name);
  }
  // Even where nothing changes the kernel counts it as a change.
  const devices = [...new Set([...(base?.devices ?? []), ...(hook?.devices ?? [])])];
  updated.add(table);
  journal.set(chain, 'base', base && { ...base, policy: policy ?? base.policy, devices });
  events.push({ describe: () => describeChain(table, chain) });
  return [];
}

function checkHook(table: FakeTable, { type, hook, priority }: FakeHook): readonly Refusal[] {
  const hooks = TYPES.get(table.family)?.[type];
  if (hooks === undefined) return refuse(ENOENT, NFTA.type);
  const isPossible = (hooks & (1 << hook)) !== 0 && (type !== 'nat' || priority > CONNTRACK_PRIORITY);
  return isPossible ? [] : refuse(EOPNOTSUPP);
}

function readHook(operation: PackedOperation): FakeHook | undefined {
  const raw = operation.raw.get(NFTA.hook);
  const nest = attributeMap(raw);
  const hook = u32Of(nest.get(NFTA_HOOK.hooknum)) ?? u32Field(operation, NFTNL_CHAIN.hooknum);
  if (hook === undefined) return undefined;
  const priority = u32Of(nest.get(NFTA_HOOK.priority)) ?? u32Field(operation, NFTNL_CHAIN.prio);
  return {
    type: textField(operation, NFTNL_CHAIN.type) ?? 'filter',
    hook,
    priority: (priority ?? 0) | 0,
    policy: u32Field(operation, NFTNL_CHAIN.policy) ?? ACCEPT,
    devices: raw === undefined ? plainDevices(operation) : (devicesIn(raw) ?? []),
  };
}

function plainDevices(operation: PackedOperation): readonly string[] {
  const one = textField(operation, NFTNL_CHAIN.dev);
  const several = textField(operation, NFTNL_CHAIN.devices)?.split('\0').slice(0, -1);
  return several ?? (one === undefined ? [] : [one]);
}

export function deleteChain(batch: Batch, table: FakeTable, operation: PackedOperation): readonly Refusal[] {
  const { journal } = batch;
  const name = textField(operation, NFTNL_CHAIN.name) ?? '';
  const chain = table.chains.get(name);
  if (chain === undefined) {
    return operation.message === NFT_MSG.destroyChain ? [] : refuse(ENOENT, NFTA.name);
  }
  if (chain.anonymous) return refuse(EOPNOTSUPP, NFTA.name);
  const devices = devicesToDelete(operation);
  if (devices !== undefined) return deleteDevices(batch, table, chain, devices);
  // Jumps from its own rules count, although they would go with it.
  if (chain.uses > 0) return refuse(EBUSY, NFTA.name);
  flushChain(batch, table, chain);
  if (chain.base !== undefined) batch.updated.add(table);
  journal.removeOrdered(table.chains, name);
  batch.events.push({ describe: () => chainDeleted(table, chain) });
  return [];
}

/** A deletion with a hook is one of its devices. */
function devicesToDelete({ raw }: PackedOperation): readonly string[] | undefined {
  const hook = raw.get(NFTA.hook);
  return hook === undefined ? undefined : devicesIn(hook);
}

function devicesIn(hook: Uint8Array): readonly string[] | undefined {
  const list = attributeMap(hook).get(NFTA_HOOK.devs);
  return list === undefined ? undefined : readDevices(list);
}

function deleteDevices(
  { journal, events }: Batch,
  table: FakeTable,
  chain: FakeChain,
  devices: readonly string[],
): readonly Refusal[] {
  const { base } = chain;
  if (base === undefined) return refuse(EOPNOTSUPP);
  if (devices.some((device) => !base.devices.includes(device))) return refuse(ENOENT, NFTA.hook);
  journal.set(chain, 'base', { ...base, devices: base.devices.filter((each) => !devices.includes(each)) });
  events.push({ describe: () => chainDeleted(table, chain) });
  return [];
}
