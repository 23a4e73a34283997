import { InvalidArgumentError } from '../../invalid-argument.ts';
import type { DataType } from './data-type.ts';

// Every architecture that Node-API binaries are made for here (x64, arm64) is little-endian; load.ts refuses others.
const HOST_IS_LITTLE_ENDIAN = true;

interface IntegerType {
  readonly name: string;
  readonly id: number;
  readonly byteLength: 1 | 2 | 4;
  readonly byteOrder: 'host' | 'network';
  /** What is expected, for the error. */
  readonly expected: string;
}

export function writeUint(
  value: number,
  bytes: Uint8Array,
  offset: number,
  length: number,
  littleEndian: boolean,
): void {
  for (let i = 0; i < length; i++) {
    bytes[offset + (littleEndian ? i : length - 1 - i)] = value % 256;
    value = Math.floor(value / 256);
  }
}

export function readUint(bytes: Uint8Array, offset: number, length: number, littleEndian: boolean): number {
  let value = 0;
  for (let i = 0; i < length; i++)
    value = value * 256 + (bytes[offset + (littleEndian ? length - 1 - i : i)] ?? 0);
  return value;
}

function integerType({ name, id, byteLength, byteOrder, expected }: IntegerType): DataType<number> {
  const limit = 2 ** (8 * byteLength);
  const littleEndian = byteOrder === 'host' && HOST_IS_LITTLE_ENDIAN;
  return Object.freeze({
    name,
    id,
    byteLength,
    byteOrder,
    write(value: number, into: Uint8Array, offset: number) {
      if (!Number.isInteger(value) || value < 0 || value >= limit)
        throw new InvalidArgumentError('', value, expected);
      writeUint(value, into, offset, byteLength, littleEndian);
    },
    read(bytes: Uint8Array, offset: number) {
      return readUint(bytes, offset, byteLength, littleEndian);
    },
  });
}

/** `inet_service`: a port number, network order. */
export const inetService = integerType({
  name: 'inet_service',
  id: 13,
  byteLength: 2,
  byteOrder: 'network',
  expected: 'a port number (0 to 65535)',
});

/** `mark`: a packet or connection mark, host order. */
export const mark = integerType({
  name: 'mark',
  id: 19,
  byteLength: 4,
  byteOrder: 'host',
  expected: 'a 32-bit mark (0 to 4294967295)',
});

/** `iface_index`: an interface's index, host order. */
export const ifaceIndex = integerType({
  name: 'iface_index',
  id: 20,
  byteLength: 4,
  byteOrder: 'host',
  expected: 'an interface index',
});

/** `ether_type`, network order: 0x0800 is IPv4. */
export const etherType = integerType({
  name: 'ether_type',
  id: 10,
  byteLength: 2,
  byteOrder: 'network',
  expected: 'an EtherType (0 to 65535)',
});

/** An unsigned integer in host order with no type of its own in nft (numgen, and parts of messages). */
export const hostUint32 = integerType({
  name: 'integer',
  id: 4,
  byteLength: 4,
  byteOrder: 'host',
  expected: 'an integer from 0 to 4294967295',
});
