import { InvalidArgumentError } from '../../invalid-argument.ts';
import type { DataType } from './data-type.ts';
import { readUint, writeUint } from './integer.ts';

interface NamedType<Name extends string> {
  readonly name: string;
  readonly id: number;
  readonly byteLength: 1 | 2 | 4;
  readonly byteOrder: 'host' | 'network';
  readonly values: Readonly<Record<Name, number>>;
  readonly expected: string;
}

/** A number whose values have names in nft; both may be given, the name is read back where there is one. */
function namedType<Name extends string>(definition: NamedType<Name>): DataType<Name | number, Name | number> {
  const { byteLength, byteOrder, values, expected } = definition;
  const littleEndian = byteOrder === 'host';
  const names = new Map(Object.entries<number>(values).map(([name, value]) => [value, name as Name]));
  const limit = 2 ** (8 * byteLength);
  return Object.freeze({
    name: definition.name,
    id: definition.id,
    byteLength,
    byteOrder,
    write(value: Name | number, into: Uint8Array, offset: number) {
      const number = typeof value === 'string' && Object.hasOwn(values, value) ? values[value] : value;
      if (typeof number !== 'number' || !Number.isInteger(number) || number < 0 || number >= limit) {
        throw new InvalidArgumentError('', value, expected);
      }
      writeUint(number, into, offset, byteLength, littleEndian);
    },
    read(bytes: Uint8Array, offset: number) {
      const number = readUint(bytes, offset, byteLength, littleEndian);
      return names.get(number) ?? number;
    },
  });
}

/** The IP protocols that have a name here; others are given and read as numbers. */
export type ProtocolName =
  | 'icmp'
  | 'tcp'
  | 'udp'
  | 'dccp'
  | 'gre'
  | 'esp'
  | 'ah'
  | 'ipv6-icmp'
  | 'sctp'
  | 'udplite';

/** `inet_proto`: an IP protocol by name or number, one byte. */
export const inetProto = namedType<ProtocolName>({
  name: 'inet_proto',
  id: 12,
  byteLength: 1,
  byteOrder: 'network',
  values: {
    icmp: 1,
    tcp: 6,
    udp: 17,
    dccp: 33,
    gre: 47,
    esp: 50,
    ah: 51,
    'ipv6-icmp': 58,
    sctp: 132,
    udplite: 136,
  },
  expected: 'an IP protocol ("tcp", "udp", "sctp" … or 0 to 255)',
});

/** `nf_proto`: the address family that a packet has inside an `inet` table. */
export const nfProto = namedType<'ipv4' | 'ipv6'>({
  name: 'nf_proto',
  id: 2,
  byteLength: 1,
  byteOrder: 'network',
  values: { ipv4: 2, ipv6: 10 },
  expected: 'a protocol family ("ipv4" or "ipv6")',
});

export type AddressTypeName =
  | 'unspec'
  | 'unicast'
  | 'local'
  | 'broadcast'
  | 'anycast'
  | 'multicast'
  | 'blackhole';

/** `fib_addrtype`: what the routing table says of an address, host order. */
export const fibAddrType = namedType<AddressTypeName>({
  name: 'fib_addrtype',
  id: 38,
  byteLength: 4,
  byteOrder: 'host',
  values: { unspec: 0, unicast: 1, local: 2, broadcast: 3, anycast: 4, multicast: 5, blackhole: 6 },
  expected: 'an address type ("local", "unicast" …)',
});
