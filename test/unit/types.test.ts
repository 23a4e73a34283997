import { isIPv4, isIPv6 } from 'node:net';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { InvalidArgumentError } from '../../src/invalid-argument.ts';
import { packValue, unpackValue } from '../../src/nft/pack/packed-value.ts';
import { etherAddr, ipv4Addr, ipv6Addr } from '../../src/nft/type/address.ts';
import { typeById } from '../../src/nft/type/by-id.ts';
import { concatType } from '../../src/nft/type/concat.ts';
import { bytesOf, type DataType } from '../../src/nft/type/data-type.ts';
import { ctState } from '../../src/nft/type/flags.ts';
import { inetService, mark } from '../../src/nft/type/integer.ts';
import { inetProto } from '../../src/nft/type/named.ts';
import { classid, ifname } from '../../src/nft/type/text.ts';

function hex(type: DataType<never, unknown>, value: unknown): string {
  return Buffer.from(bytesOf(type, value as never)).toString('hex');
}

describe('addresses', () => {
  test('IPv4: what Node takes for an address is one, and comes back as it was', () => {
    fc.assert(
      fc.property(fc.ipV4(), (text) => {
        expect(isIPv4(text)).toBe(true);
        expect(unpackValue(ipv4Addr, packValue(ipv4Addr, text))).toBe(text);
      }),
    );
  });

  test('any text is an address exactly when Node says so', () => {
    const nearly = fc.stringMatching(/^[0-9a-f:.]{0,20}$/);
    const accepts = (type: DataType<string>, text: string) => {
      try {
        bytesOf(type, text);
        return true;
      } catch {
        return false;
      }
    };
    fc.assert(
      fc.property(nearly, (text) => {
        expect(accepts(ipv4Addr, text)).toBe(isIPv4(text));
        expect(accepts(ipv6Addr, text)).toBe(isIPv6(text));
      }),
      { numRuns: 5000 },
    );
  });

  test('IPv6: any form is read, the form of RFC 5952 is written', () => {
    fc.assert(
      fc.property(fc.ipV6(), (text) => {
        const canonical = unpackValue(ipv6Addr, packValue(ipv6Addr, text));
        expect(packValue(ipv6Addr, canonical)).toBe(packValue(ipv6Addr, text));
        expect(canonical).toBe(canonical.toLowerCase());
      }),
    );
    const canonical = (text: string) => unpackValue(ipv6Addr, packValue(ipv6Addr, text));
    expect(canonical('2001:DB8:0:0:1:0:0:1')).toBe('2001:db8::1:0:0:1');
    expect(canonical('0:0:0:0:0:0:0:0')).toBe('::');
    expect(canonical('1:0:2:3:4:5:6:7')).toBe('1:0:2:3:4:5:6:7');
    expect(canonical('::ffff:10.0.0.1')).toBe('::ffff:10.0.0.1');
    expect(canonical('fd00::')).toBe('fd00::');
  });

  test('the bytes are in network order', () => {
    expect(hex(ipv4Addr, '10.0.0.1')).toBe('0a000001');
    expect(hex(ipv6Addr, 'fd00::1')).toBe('fd000000000000000000000000000001');
    expect(hex(etherAddr, '52:54:00:AB:cd:ef')).toBe('525400abcdef');
  });
});

describe('numbers and names', () => {
  test('ports are in network order, marks in host order', () => {
    expect(hex(inetService, 80)).toBe('0050');
    expect(hex(mark, 0x10)).toBe('10000000');
    expect(hex(inetProto, 'tcp')).toBe('06');
    expect(hex(inetProto, 132)).toBe('84');
    expect(hex(classid, '4b50:2')).toBe('0200504b');
    expect(hex(ctState, ['new', 'established'])).toBe('0a000000');
    expect(hex(ifname, 'eth0')).toBe(`${Buffer.from('eth0').toString('hex')}${'00'.repeat(12)}`);
  });

  test('a concatenation fills each field up to four bytes', () => {
    const type = concatType(ipv4Addr, inetProto, inetService, classid);
    expect(hex(type, ['172.30.0.41', 'tcp', 80, '4b52:0'])).toBe('ac1e002906000000005000000000524b');
    expect(type.id).toBe((7 << 18) | (12 << 12) | (13 << 6) | 23);
    expect(unpackValue(type, packValue(type, ['172.30.0.41', 'tcp', 80, '4b52:0']))).toEqual([
      '172.30.0.41',
      'tcp',
      80,
      '4b52:0',
    ]);
    expect(typeById(type.id, type.byteLength).name).toBe('ipv4_addr . inet_proto . inet_service . classid');
  });

  test('a type that nft has and we do not is read as bytes', () => {
    expect(typeById(63, 8).read(new Uint8Array(8).fill(7), 0)).toEqual(new Uint8Array(8).fill(7));
  });
});

describe('what cannot be a value is refused with the argument named', () => {
  const refused: readonly [DataType<never, unknown>, unknown][] = [
    [ipv4Addr, '10.0.0.300'],
    [ipv4Addr, '10.0.0.01'],
    [ipv4Addr, '10.0.0.1 '],
    [ipv4Addr, undefined],
    [ipv6Addr, '::1::'],
    [ipv6Addr, '10.0.0.1'],
    [inetService, 70000],
    [inetService, -1],
    [inetService, 80.5],
    [inetService, '80'],
    [inetProto, 'tpc'],
    [inetProto, 256],
    [inetProto, 'toString'],
    [mark, 2 ** 32],
    [classid, '4b50'],
    [classid, '12345:1'],
    [ifname, 'an-interface-name'],
    [ifname, ''],
    [etherAddr, '52:54:00:ab:cd'],
    [ctState, ['newish']],
  ];

  test.each(refused)('%o: %o', (type, value) => {
    expect(() => bytesOf(type, value as never)).toThrow(InvalidArgumentError);
  });

  test('inside a concatenation the field is named', () => {
    const type = concatType(ipv4Addr, inetService);
    expect(() => bytesOf(type, ['10.0.0.300', 80])).toThrow('[0]: "10.0.0.300" is not an IPv4 address');
    expect(() => bytesOf(type, ['10.0.0.3', 70000])).toThrow('[1]: 70000 is not a port number');
    expect(() => bytesOf(type, ['10.0.0.3'] as never)).toThrow('is not an array of 2 values');
  });
});
