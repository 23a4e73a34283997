import type { ListedRule, PackedValue } from 'nftlink';
import { type Looked, lookUp, type Moment } from './table.ts';

/** A packet of a new connection, and what has become of it on its way. */
export interface Packet {
  readonly source: Uint8Array;
  readonly destination: Uint8Array;
  readonly protocol: number;
  readonly port: number;
  /** Empty for packets of the node itself. */
  readonly interfaceName: string;
  readonly mark: number;
  readonly priority: number;
  readonly isTranslated: boolean;
}

/** What the machine cannot see in the rules. */
export interface Surroundings {
  readonly moments: readonly Moment[];
  /** The last of them that the packet may still meet. */
  readonly last: number;
  readonly isOwnAddress: (address: Uint8Array) => boolean;
  /** Ids that a client of the sticky Service port with that mark may have been given. */
  readonly remembered: Map<number, Set<PackedValue>>;
}

interface Place {
  readonly rules: readonly ListedRule[];
  readonly rule: number;
  readonly expression: number;
}

/** A packet somewhere in the rules. `time` is the moment that it has seen last. */
export interface Step extends Place {
  readonly packet: Packet;
  readonly registers: Buffer;
  readonly time: number;
  readonly callers: readonly Place[];
}

/** What the rules of a hook decided. */
export interface Decision {
  readonly verdict: 'accept' | 'drop' | 'reject' | 'masquerade';
  readonly packet: Packet;
  readonly time: number;
}

type Fields = Readonly<Record<string, unknown>>;
type Result = readonly (Step | Decision)[];

/** The steps after a step, one for each moment at which it may be made and each number that may be drawn. */
export function advance(step: Step, around: Surroundings): Result {
  const rule = step.rules[step.rule];
  if (rule === undefined) return leave(step);
  const expression = rule.expressions[step.expression];
  if (expression === undefined) return [{ ...step, rule: step.rule + 1, expression: 0 }];
  const execute = EXPRESSIONS[expression.name];
  if (execute === undefined || expression.fields === undefined)
    throw new Error(`no packet of ours has met ${expression.name}`);
  return execute({ ...step, expression: step.expression + 1 }, expression.fields, around);
}

/** The chain's rules are those of the moment at which the packet comes into it. */
export function enter(step: Omit<Step, keyof Place>, chain: string, { moments, last }: Surroundings): Result {
  return timesFrom(step.time, last).map((time) => {
    const rules = moments[time]?.rules.get(chain);
    // A chain that has gone has no rules any more: the kernel leaves it behind empty.
    return { ...step, time, rules: rules ?? [], rule: 0, expression: 0 };
  });
}

function leave(step: Step): Result {
  const [caller, ...callers] = step.callers;
  if (caller === undefined) return [{ verdict: 'accept', packet: step.packet, time: step.time }];
  return [{ ...step, ...caller, callers }];
}

function timesFrom(first: number, last: number): readonly number[] {
  return Array.from({ length: last - first + 1 }, (_, i) => first + i);
}

const EXPRESSIONS: Readonly<Record<string, (step: Step, fields: Fields, around: Surroundings) => Result>> = {
  payload: (step, { base, offset, len, dreg }) => {
    const bytes = base === 'network' ? networkHeader(step.packet) : transportHeader(step.packet);
    return [load(step, dreg, bytes.subarray(Number(offset), Number(offset) + Number(len)))];
  },
  meta: (step, { key, dreg, sreg }) => {
    if (sreg !== undefined) return [setMeta(step, Number(key), read(step, sreg, 4).readUInt32LE())];
    return [load(step, dreg, metaOf(step.packet, Number(key)))];
  },
  // New connections only: IP_CT_NEW; IPS_DST_NAT.
  ct: (step, { key, dreg }) => [
    load(step, dreg, little(key === 0 ? 8 : key === 2 && step.packet.isTranslated ? 0x20 : 0)),
  ],
  fib: (step, { dreg, flags }, { isOwnAddress }) => {
    const address = flags === 1 ? step.packet.source : step.packet.destination;
    return [load(step, dreg, little(isOwnAddress(address) ? 2 : 1))];
  },
  bitwise: (step, { sreg, dreg, len, mask, xor }) => {
    const [and, flip] = [mask as Uint8Array, xor as Uint8Array];
    const bytes = read(step, sreg, Number(len)).map((byte, i) => (byte & (and[i] ?? 0)) ^ (flip[i] ?? 0));
    return [load(step, dreg, bytes)];
  },
  cmp: (step, { sreg, op, data }) => {
    const isEqual = read(step, sreg, (data as Uint8Array).length).equals(data as Uint8Array);
    return isEqual === (op === 'eq') ? [step] : [nextRule(step)];
  },
  immediate: (step, { dreg, data, verdict }, around) =>
    verdict === undefined ? [load(step, dreg, data as Uint8Array)] : follow(step, verdict as Verdict, around),
  numgen: (step, { dreg, modulus, offset }) =>
    Array.from({ length: Number(modulus) }, (_, i) => load(step, dreg, little(Number(offset) + i))),
  lookup: (step, fields, around) =>
    timesFrom(step.time, around.last).flatMap((time) => lookup({ ...step, time }, fields, around)),
  dynset: (step, { op, sreg, sregData }, { remembered }) => {
    // The last field of the key is the sticky Service port's mark.
    const length = step.packet.source.length + 4;
    const mark = read(step, sreg, length).readUInt32LE(length - 4);
    if (op === 'update') {
      const ids = remembered.get(mark) ?? new Set();
      remembered.set(mark, ids.add(read(step, sregData, 4).toString('latin1')));
    }
    return [step];
  },
  nat: (step, { addrMin, protoMin }) => {
    const length = step.packet.destination.length;
    const destination = Uint8Array.from(read(step, addrMin, length));
    const port = read(step, protoMin, 2).readUInt16BE();
    const packet = { ...step.packet, destination, port, isTranslated: true };
    return [{ verdict: 'accept', packet, time: step.time }];
  },
  masq: (step) => [{ verdict: 'masquerade', packet: step.packet, time: step.time }],
  reject: (step) => [{ verdict: 'reject', packet: step.packet, time: step.time }],
};

interface Verdict {
  readonly name: string;
  readonly chain?: string;
}

function follow(step: Step, { name, chain = '' }: Verdict, around: Surroundings): Result {
  if (name === 'drop') return [{ verdict: 'drop', packet: step.packet, time: step.time }];
  const { rules, expression } = step;
  const callers = name === 'jump' ? [{ rules, rule: step.rule, expression }, ...step.callers] : step.callers;
  return enter({ ...step, callers }, chain, around);
}

function lookup(step: Step, { set, sreg, dreg, flags }: Fields, around: Surroundings): Result {
  const looked = around.moments[step.time]?.sets.get(String(set));
  if (looked === undefined) return [nextRule(step)];
  const key = read(step, sreg, looked.set.key.byteLength).toString('latin1');
  if (looked.set.kind === 'map' && looked.set.dynamic === true) return recall(step, key, dreg, around);
  const found = lookUp(looked, key);
  if (flags === 1) return [found === undefined ? step : nextRule(step)];
  if (found === undefined) return [nextRule(step)];
  if (dreg === undefined) return [step];
  return land(step, looked, found, dreg, around);
}

function land(step: Step, { set }: Looked, found: PackedValue, dreg: unknown, around: Surroundings): Result {
  if (set.kind === 'verdict map') return follow(step, { name: 'goto', chain: found }, around);
  return [load(step, dreg, Buffer.from(found, 'latin1'))];
}

/** The client is a new one, or has any of the ids that a client may have. */
function recall(step: Step, key: PackedValue, dreg: unknown, { remembered }: Surroundings): Result {
  const mark = Buffer.from(key, 'latin1').readUInt32LE(key.length - 4);
  const ids = [...(remembered.get(mark) ?? [])];
  return [nextRule(step), ...ids.map((id) => load(step, dreg, Buffer.from(id, 'latin1')))];
}

function nextRule(step: Step): Step {
  return { ...step, rule: step.rule + 1, expression: 0 };
}

/** Registers 1 to 4 have 16 bytes, those from 8 on are their quarters. */
function place(register: unknown): number {
  const number = Number(register);
  return number >= 8 ? (number - 8) * 4 : (number - 1) * 16;
}

function read({ registers }: Step, register: unknown, length: number): Buffer {
  return registers.subarray(place(register), place(register) + length);
}

function load(step: Step, register: unknown, bytes: Uint8Array): Step {
  const registers = Buffer.from(step.registers);
  // The kernel clears the rest of the last four bytes.
  registers.fill(0, place(register), place(register) + ((bytes.length + 3) & ~3));
  registers.set(bytes, place(register));
  return { ...step, registers };
}

function little(number: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(number >>> 0);
  return bytes;
}

function networkHeader({ source, destination }: Packet): Buffer {
  const before = source.length === 4 ? 12 : 8;
  return Buffer.concat([Buffer.alloc(before), source, destination]);
}

function transportHeader({ port }: Packet): Buffer {
  return Buffer.from([0, 0, port >> 8, port & 255]);
}

const META_PRIORITY = 2;
const META_MARK = 3;
const META_IIFNAME = 6;
const META_L4PROTO = 16;

function metaOf(packet: Packet, key: number): Uint8Array {
  if (key === META_PRIORITY) return little(packet.priority);
  if (key === META_MARK) return little(packet.mark);
  if (key === META_L4PROTO) return Buffer.from([packet.protocol]);
  if (key === META_IIFNAME) return Buffer.from(packet.interfaceName.padEnd(16, '\0'), 'latin1');
  throw new Error(`no packet of ours has met meta key ${key}`);
}

function setMeta(step: Step, key: number, value: number): Step {
  if (key === META_PRIORITY) return { ...step, packet: { ...step.packet, priority: value } };
  if (key === META_MARK) return { ...step, packet: { ...step.packet, mark: value } };
  throw new Error(`no packet of ours has set meta key ${key}`);
}
