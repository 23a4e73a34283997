import { isIP } from 'node:net';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { canonicalAddress, formatAddress, parseAddress, specialRange } from '../../src/kube/address.ts';

const group = fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 0xffff }));
const ipv6Groups = fc.array(group, { minLength: 8, maxLength: 8 });
const ipv6Value = ipv6Groups.map((groups) => groups.reduce((sum, part) => (sum << 16n) | BigInt(part), 0n));

describe('IP addresses', () => {
  test.each([
    ['172.30.0.041', '172.30.0.41'],
    ['010.000.00.1', '10.0.0.1'],
    ['2001:DB8:0:0:0:0:0:1', '2001:db8::1'],
    ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
    ['2001:0:0:1:0:0:0:1', '2001:0:0:1::1'],
    ['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
    ['0:0:0:0:0:0:0:0', '::'],
    ['1::', '1::'],
    ['::FFFF:10.0.0.1', '::ffff:10.0.0.1'],
    ['::102:304', '::102:304'],
    ['64:ff9b::192.0.2.33', '64:ff9b::c000:221'],
  ])('%s is written %s', (text, canonical) => {
    expect(canonicalAddress(text)).toBe(canonical);
  });

  test.each([
    '',
    '10.0.0',
    '10.0.0.256',
    '10.0.0.1.2',
    '10.0.0.-1',
    ' 10.0.0.1',
    '1:2:3',
    '1:2:3:4:5:6:7:8:9',
    '1::2::3',
    '1:2:3:4:5:6:7::8:9',
    ':1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:',
    ':::',
    '12345::',
    'fe80::1%eth0',
    '10.0.0.1::',
    'None',
  ])('%j is none', (text) => {
    expect(parseAddress(text)).toBeUndefined();
  });

  test('IPv6 is compressed as every other implementation does it', () => {
    fc.assert(
      fc.property(ipv6Value, (value) => {
        if (value >> 32n === 0xffffn) return;
        const text = formatAddress({ family: 'IPv6', value });
        // The URL standard's serializer follows RFC 5952 §4.
        expect(`[${text}]`).toBe(new URL(`http://[${text}]/`).hostname);
        expect(parseAddress(text)).toEqual({ family: 'IPv6', value });
      }),
    );
  });

  test('what node:net holds to be an address is one, and the other way round', () => {
    const chars = fc.constantFrom('0', '1', 'f', '9', ':', '::', '.', '10.1.2.3', '255', '256');
    fc.assert(
      fc.property(
        fc.oneof(
          fc.array(chars, { maxLength: 12 }).map((c) => c.join('')),
          fc.ipV6(),
          fc.ipV4(),
        ),
        (text) => {
          const withoutZeros = text.replace(/\b0+(?=\d+(\.|$))/g, '');
          expect(parseAddress(withoutZeros) !== undefined).toBe(isIP(withoutZeros) !== 0);
        },
      ),
      { numRuns: 2_000 },
    );
  });

  test('endpoints cannot be loopback, link-local or unspecified', () => {
    const special = (text: string) => specialRange(parseAddress(text) ?? { family: 'IPv4', value: 1n });
    expect(
      ['0.0.0.0', '127.1.2.3', '169.254.0.1', '224.0.0.5', '::', '::1', 'fe80::1', 'ff02::1'].map(special),
    ).not.toContain(undefined);
    expect(['10.0.0.1', '224.0.1.1', '239.1.1.1', 'fd00::1', 'fec0::1', 'ff05::2'].map(special)).toEqual(
      new Array(6).fill(undefined),
    );
  });
});
