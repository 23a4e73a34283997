import { InvalidArgumentError } from '../../invalid-argument.ts';
import type { DataType } from './data-type.ts';
import { readUint, writeUint } from './integer.ts';

/** A type whose values are sets of named bits, host order, of 32 bits or one byte. */
export interface FlagsType<Name extends string> extends DataType<readonly Name[] | number, readonly Name[]> {
  /** The bit of each name. */
  readonly bits: Readonly<Record<Name, number>>;
}

function flagsType<Name extends string>(
  name: string,
  id: number,
  bits: Readonly<Record<Name, number>>,
  byteLength: 1 | 4 = 4,
): FlagsType<Name> {
  return Object.freeze({
    name,
    id,
    byteLength,
    byteOrder: 'host' as const,
    bits,
    write(value: readonly Name[] | number, into: Uint8Array, offset: number) {
      const number = typeof value === 'number' ? value : combine(value, bits);
      if (!Number.isInteger(number) || number < 0 || number >= 2 ** (8 * byteLength)) {
        throw new InvalidArgumentError('', value, `flags of ${8 * byteLength} bits`);
      }
      writeUint(number, into, offset, byteLength, true);
    },
    read(bytes: Uint8Array, offset: number) {
      const value = readUint(bytes, offset, byteLength, true);
      return (Object.keys(bits) as Name[]).filter((flag) => (value & bits[flag]) !== 0);
    },
  });
}

function combine<Name extends string>(names: readonly Name[], bits: Readonly<Record<Name, number>>): number {
  let value = 0;
  for (const name of names) {
    if (!Object.hasOwn(bits, name))
      throw new InvalidArgumentError('', name, `one of ${Object.keys(bits).join(', ')}`);
    value = (value | bits[name]) >>> 0;
  }
  return value;
}

/** `ct_state`: where a packet's connection stands. */
export const ctState = flagsType('ct_state', 26, {
  invalid: 1,
  established: 2,
  related: 4,
  new: 8,
  untracked: 64,
});

/** `ct_status`: what conntrack knows of a connection. */
export const ctStatus = flagsType('ct_status', 28, {
  expected: 1,
  'seen-reply': 2,
  assured: 4,
  confirmed: 8,
  snat: 16,
  dnat: 32,
  'seq-adjust': 64,
  'snat-done': 128,
  'dnat-done': 256,
  dying: 512,
  'fixed-timeout': 1024,
  helper: 0x2000,
  offload: 0x4000,
  'hw-offload': 0x8000,
});

/** `ct_event`: what conntrack tells listeners of. */
export const ctEvent = flagsType('ct_event', 40, {
  new: 1,
  related: 2,
  destroy: 4,
  reply: 8,
  assured: 16,
  protoinfo: 32,
  helper: 64,
  mark: 128,
  seqadj: 256,
  secmark: 512,
  label: 1024,
});

/** `tcp_flag`, one byte. */
export const tcpFlag = flagsType(
  'tcp_flag',
  15,
  { fin: 1, syn: 2, rst: 4, psh: 8, ack: 16, urg: 32, ecn: 64, cwr: 128 },
  1,
);
