import { InvalidArgumentError } from '../../invalid-argument.ts';
import type { DataType } from './data-type.ts';

// Every architecture that Node-API binaries are made for here (x64, arm64) is little-endian; load.ts refuses others.
const HOST_IS_LITTLE_ENDIAN = true;

interface IntegerType {
  readonly name: string;
  readonly id: number;
  readonly byteLength: 1 | 2 | 3 | 4;
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

/** nft's `integer` of so many bytes: header fields and numbers that have no type of their own. */
function plainInteger(byteLength: 1 | 2 | 3 | 4, byteOrder: 'host' | 'network'): DataType<number> {
  const expected = `an integer from 0 to ${2 ** (8 * byteLength) - 1}`;
  return integerType({ name: 'integer', id: 4, byteLength, byteOrder, expected });
}

/** `integer`, one byte. */
export const uint8 = plainInteger(1, 'network');
/** `integer`, two bytes in network order. */
export const uint16 = plainInteger(2, 'network');
/** `integer`, three bytes in network order. */
export const uint24 = plainInteger(3, 'network');
/** `integer`, four bytes in network order. */
export const uint32 = plainInteger(4, 'network');
/** `integer`, one byte. */
export const hostUint8 = plainInteger(1, 'host');
/** `integer`, two bytes in host order. */
export const hostUint16 = plainInteger(2, 'host');

/** `realm`: a routing realm, host order. */
export const realm = integerType({
  name: 'realm',
  id: 22,
  byteLength: 4,
  byteOrder: 'host',
  expected: 'a routing realm (0 to 4294967295)',
});

/** `uid`: a user's number, host order. */
export const uid = integerType({
  name: 'uid',
  id: 24,
  byteLength: 4,
  byteOrder: 'host',
  expected: "a user's number",
});

/** `gid`: a group's number, host order. */
export const gid = integerType({
  name: 'gid',
  id: 25,
  byteLength: 4,
  byteOrder: 'host',
  expected: "a group's number",
});

/** `devgroup`: the group of an interface, host order. */
export const devgroup = integerType({
  name: 'devgroup',
  id: 35,
  byteLength: 4,
  byteOrder: 'host',
  expected: "an interface group's number",
});

/** `iface_type`: ARPHRD_* of linux/if_arp.h, host order. */
export const ifaceType = integerType({
  name: 'iface_type',
  id: 21,
  byteLength: 2,
  byteOrder: 'host',
  expected: 'an interface type (1 is Ethernet)',
});

/** A number of 64 bits in host order; given as number or bigint, read as bigint. */
function bigIntegerType(name: string, id: number, expected: string): DataType<number | bigint, bigint> {
  return Object.freeze({
    name,
    id,
    byteLength: 8,
    byteOrder: 'host' as const,
    write(value: number | bigint, into: Uint8Array, offset: number) {
      const valid =
        typeof value === 'bigint'
          ? value >= 0n && value < 1n << 64n
          : Number.isSafeInteger(value) && value >= 0;
      if (!valid) throw new InvalidArgumentError('', value, expected);
      new DataView(into.buffer, into.byteOffset).setBigUint64(offset, BigInt(value), HOST_IS_LITTLE_ENDIAN);
    },
    read(bytes: Uint8Array, offset: number) {
      return new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(offset, HOST_IS_LITTLE_ENDIAN);
    },
  });
}

/** `integer` of 64 bits in host order: counts of a connection. */
export const hostUint64 = bigIntegerType('integer', 4, 'an integer of 64 bits');

/** `cgroupsv2`: the inode number of a cgroup's folder, 64 bits. */
export const cgroupsv2 = bigIntegerType('cgroupsv2', 46, "the inode number of a cgroup's folder");
