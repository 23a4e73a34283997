import { InvalidArgumentError } from '../../invalid-argument.ts';
import type { DataType } from './data-type.ts';
import { readUint, writeUint } from './integer.ts';

/** A type whose values are sets of named bits, host order, 32 bits. */
export interface FlagsType<Name extends string> extends DataType<readonly Name[] | number, readonly Name[]> {
  readonly bits: Readonly<Record<Name, number>>;
}

function flagsType<Name extends string>(
  name: string,
  id: number,
  bits: Readonly<Record<Name, number>>,
): FlagsType<Name> {
  return Object.freeze({
    name,
    id,
    byteLength: 4,
    byteOrder: 'host' as const,
    bits,
    write(value: readonly Name[] | number, into: Uint8Array, offset: number) {
      writeUint(typeof value === 'number' ? value : combine(value, bits), into, offset, 4, true);
    },
    read(bytes: Uint8Array, offset: number) {
      const value = readUint(bytes, offset, 4, true);
      return (Object.keys(bits) as Name[]).filter((flag) => (value & bits[flag]) !== 0);
    },
  });
}

function combine<Name extends string>(names: readonly Name[], bits: Readonly<Record<Name, number>>): number {
  let value = 0;
  for (const name of names) {
    if (!Object.hasOwn(bits, name))
      throw new InvalidArgumentError('', name, `one of ${Object.keys(bits).join(', ')}`);
    value |= bits[name];
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
  dying: 512,
});
