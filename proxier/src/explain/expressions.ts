import { classid, type ListedExpression, type ListedRule } from 'nftlink';
import { setNamed } from '../layout/set-names.ts';
import { CannotTellError, type Fact } from './facts.ts';
import { type KernelState, textOf } from './kernel-state.ts';
import { comparisonFact, prefixLengthOf } from './matches.ts';
import { addressText, headerBytes, type Packet, PROTOCOL_NUMBERS } from './packet.ts';
import { load, originOf, type Registers, store } from './registers.ts';

/** How a rule goes on after an expression. */
export type Flow = 'next' | 'end of rule' | Decision;

/** What becomes of the packet, or where it goes. */
export interface Decision {
  readonly name: 'accept' | 'drop' | 'continue' | 'jump' | 'goto' | 'return' | 'reject';
  readonly chain?: string;
}

/** A packet in a rule. */
export interface Moment {
  readonly packet: Packet;
  readonly registers: Registers;
  readonly state: KernelState;
  /** `fib … type local`. */
  readonly isLocal: (address: string) => boolean;
  /** Which of so many a random choice takes. */
  readonly choose: (count: number) => number;
  readonly note: (fact: Fact) => void;
  /** The packet's priority is the data of an element that the rule before has found. */
  readonly isLed: boolean;
}

type Fields = Readonly<Record<string, unknown>>;
type Evaluate = (moment: Moment, fields: Fields) => Flow | Promise<Flow>;

/** What a rule does with the packet. Rejects with CannotTellError. */
export async function evaluateRule(moment: Moment, { expressions }: ListedRule): Promise<Flow> {
  for (const expression of expressions) {
    const flow = await evaluate(moment, expression);
    if (flow !== 'next') return flow;
  }
  return 'next';
}

/** What an expression does with the packet, as the kernel does it. Throws CannotTellError for one that is not known here. */
function evaluate(moment: Moment, { name, fields }: ListedExpression): Flow | Promise<Flow> {
  const known = EVALUATE.get(name);
  if (known === undefined || fields === undefined) throw new CannotTellError(`the expression "${name}"`);
  return known(moment, fields);
}

const EVALUATE: ReadonlyMap<string, Evaluate> = new Map<string, Evaluate>([
  ['payload', payload],
  ['meta', metadata],
  ['ct', connection],
  ['fib', routing],
  ['immediate', immediate],
  ['bitwise', bitwise],
  ['cmp', compare],
  ['lookup', lookup],
  ['numgen', numgen],
  ['dynset', dynset],
  ['nat', nat],
  ['masq', masquerade],
  ['reject', reject],
  // They count, and change nothing.
  ['counter', () => 'next'],
]);

function number(fields: Fields, name: string): number {
  const value = fields[name];
  if (typeof value !== 'number') throw new CannotTellError(`an expression without ${name}`);
  return value;
}

function bytes(fields: Fields, name: string): Uint8Array {
  const value = fields[name];
  if (!(value instanceof Uint8Array)) throw new CannotTellError(`an expression without ${name}`);
  return value;
}

function u32(value: number): Buffer {
  const buffer = Buffer.alloc(4);
  buffer.writeUInt32LE(value >>> 0);
  return buffer;
}

function payload({ packet, registers }: Moment, fields: Fields): Flow {
  const found = headerBytes(packet, fields['base'], number(fields, 'offset'), number(fields, 'len'));
  store(registers, number(fields, 'dreg'), found.bytes, found.origin);
  return 'next';
}

/** NFT_META_*. */
const META = { priority: 2, mark: 3, iifname: 6, l4proto: 16 } as const;
const IFNAME_BYTES = 16;

function metadata(moment: Moment, fields: Fields): Flow {
  const key = number(fields, 'key');
  if ('sreg' in fields) return setMetadata(moment, key, number(fields, 'sreg'));
  const { packet, registers } = moment;
  const dreg = number(fields, 'dreg');
  switch (key) {
    case META.priority:
      store(registers, dreg, u32(packet.priority));
      return 'next';
    case META.mark:
      store(registers, dreg, u32(packet.mark));
      return 'next';
    case META.iifname: {
      const name = Buffer.alloc(IFNAME_BYTES);
      name.write(packet.iifname, 0, IFNAME_BYTES - 1, 'utf8');
      store(registers, dreg, name, { field: 'interface' });
      return 'next';
    }
    case META.l4proto:
      store(registers, dreg, Buffer.from([PROTOCOL_NUMBERS[packet.protocol]]));
      return 'next';
    default:
      throw new CannotTellError(`meta key ${key}`);
  }
}

function setMetadata({ packet, registers, note }: Moment, key: number, register: number): Flow {
  const value = load(registers, register, 4).readUInt32LE();
  if (key === META.priority) packet.priority = value;
  else if (key === META.mark) {
    if ((value & ~packet.mark) !== 0) note({ kind: 'masquerade mark' });
    packet.mark = value;
  } else throw new CannotTellError(`meta key ${key}, written`);
  return 'next';
}

/** NFT_CT_STATE, NFT_CT_STATUS; bits of a new connection, and of one whose destination was changed (IPS_DST_NAT). */
const CT = { state: 0, status: 2 } as const;
const STATE_NEW = 8;
const STATUS_DNAT = 0x20;

function connection({ packet, registers }: Moment, fields: Fields): Flow {
  const key = number(fields, 'key');
  if ('sreg' in fields || (key !== CT.state && key !== CT.status)) throw new CannotTellError(`ct key ${key}`);
  const value = key === CT.state ? STATE_NEW : packet.hasDnat ? STATUS_DNAT : 0;
  store(registers, number(fields, 'dreg'), u32(value));
  return 'next';
}

/** NFTA_FIB_F_*, and the types of addresses (RTN_*). */
const FIB = { saddr: 1, daddr: 2 } as const;
const [RTN_UNICAST, RTN_LOCAL] = [1, 2];

function routing({ packet, registers, isLocal, note }: Moment, fields: Fields): Flow {
  const flags = number(fields, 'flags');
  if (fields['result'] !== 'type' || (flags !== FIB.saddr && flags !== FIB.daddr)) {
    throw new CannotTellError(`fib ${String(fields['result'])} with flags ${flags}`);
  }
  const field = flags === FIB.saddr ? 'source' : 'destination';
  const local = isLocal(packet[field]);
  note({ kind: 'local', field, address: packet[field], isLocal: local });
  store(registers, number(fields, 'dreg'), u32(local ? RTN_LOCAL : RTN_UNICAST));
  return 'next';
}

function immediate({ registers }: Moment, fields: Fields): Flow {
  if (!('verdict' in fields)) {
    store(registers, number(fields, 'dreg'), bytes(fields, 'data'));
    return 'next';
  }
  return fields['verdict'] as Decision;
}

function bitwise({ registers }: Moment, fields: Fields): Flow {
  if (fields['op'] !== 'mask xor' || 'sreg2' in fields)
    throw new CannotTellError(`bitwise ${String(fields['op'])}`);
  const [mask, xor] = [bytes(fields, 'mask'), bytes(fields, 'xor')];
  const sreg = number(fields, 'sreg');
  const value = load(registers, sreg, number(fields, 'len'));
  for (const [i, byte] of value.entries()) value[i] = (byte & (mask[i] ?? 0)) ^ (xor[i] ?? 0);
  const origin = originOf(registers, sreg);
  store(
    registers,
    number(fields, 'dreg'),
    value,
    origin && { ...origin, prefixLength: prefixLengthOf(mask) },
  );
  return 'next';
}

function compare(moment: Moment, fields: Fields): Flow {
  const { registers, note } = moment;
  const sreg = number(fields, 'sreg');
  const wanted = bytes(fields, 'data');
  const op = fields['op'];
  if (op !== 'eq' && op !== 'neq') throw new CannotTellError(`cmp ${String(op)}`);
  const isEqual = Buffer.compare(load(registers, sreg, wanted.length), wanted) === 0;
  const fact = comparisonFact(moment.packet.family, originOf(registers, sreg), wanted, isEqual);
  if (fact !== undefined) note(fact);
  return isEqual === (op === 'eq') ? 'next' : 'end of rule';
}

/** NFT_LOOKUP_F_INV. */
const INVERTED = 1;
const CLASSID_BYTES = 4;

async function lookup(moment: Moment, fields: Fields): Promise<Flow> {
  const { registers, state, note } = moment;
  const name = String(fields['set']);
  const set = state.set(name);
  const key = load(registers, number(fields, 'sreg'), set.key.byteLength);
  const found = await state.element(set, key);
  const isInverted = (Number(fields['flags'] ?? 0) & INVERTED) !== 0;
  const hasMark = set.key.id === classid.id && set.key.byteLength === CLASSID_BYTES;
  note({
    kind: 'lookup',
    set: name,
    role: setNamed(name),
    key: textOf(set.key.read(key, 0)),
    found: found !== undefined,
    isLedTo: moment.isLed,
    ...(hasMark ? { mark: key.readUInt32LE() } : {}),
    ...(found?.text === undefined ? {} : { value: found.text }),
    ...(found?.chain === undefined ? {} : { chain: found.chain }),
    ...(found?.expiresMs === undefined ? {} : { expiresMs: found.expiresMs }),
  });
  if ((found === undefined) !== isInverted) return 'end of rule';
  if (set.kind === 'verdict map')
    return found?.chain === undefined ? { name: 'continue' } : { name: 'goto', chain: found.chain };
  if ('dreg' in fields && found?.data !== undefined) store(registers, number(fields, 'dreg'), found.data);
  return 'next';
}

function numgen({ registers, choose, note }: Moment, fields: Fields): Flow {
  const count = number(fields, 'modulus');
  const chosen = choose(count);
  note({ kind: 'choice', count, chosen });
  store(registers, number(fields, 'dreg'), u32(chosen + Number(fields['offset'] ?? 0)));
  return 'next';
}

/** Packets write sets here; whoever asks leaves them alone. */
function dynset({ note }: Moment, fields: Fields): Flow {
  const { op, timeout } = fields;
  if (op !== 'delete') note({ kind: 'remember', timeoutMs: Number(timeout ?? 0) });
  return 'next';
}

function nat({ packet, registers, note }: Moment, fields: Fields): Flow {
  if (fields['type'] !== 'dnat') throw new CannotTellError(`nat of type ${String(fields['type'])}`);
  const length = packet.family === 'ip' ? 4 : 16;
  const address = addressText(packet.family, load(registers, number(fields, 'addrMin'), length));
  const port =
    'protoMin' in fields ? load(registers, number(fields, 'protoMin'), 2).readUInt16BE() : packet.port;
  note({ kind: 'dnat', address, port });
  packet.hasDnat = true;
  packet.destination = address;
  packet.port = port;
  return { name: 'accept' };
}

function masquerade({ packet, note }: Moment): Flow {
  packet.isMasqueraded = true;
  note({ kind: 'masquerade' });
  return { name: 'accept' };
}

function reject({ note }: Moment): Flow {
  note({ kind: 'reject' });
  return { name: 'reject' };
}
