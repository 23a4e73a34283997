import { BlockList } from 'node:net';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatAddress, parseAddress } from '../../src/kube/address.ts';
import { addressAt, cidrContains, formatCidr, parseCidr, parseServiceCidrs } from '../../src/kube/cidr.ts';

const ipv4 = fc.bigInt({ min: 0n, max: 0xffff_ffffn }).map((value) => ({ family: 'IPv4', value }) as const);
const ipv6 = fc
  .bigInt({ min: 0n, max: (1n << 128n) - 1n })
  .map((value) => ({ family: 'IPv6', value }) as const);

describe('CIDRs', () => {
  test('host bits are cleared, and the text is canonical', () => {
    const cidr = parseCidr('10.111.1.2/12');
    expect(cidr && formatCidr(cidr)).toBe('10.96.0.0/12');
    expect(cidr?.size).toBe(1n << 20n);
    const wide = parseCidr('FD00::1/0');
    expect(wide && formatCidr(wide)).toBe('::/0');
  });

  test.each([
    '10.0.0.0',
    '10.0.0.0/33',
    'fd00::/129',
    '10.0.0.0/',
    '/8',
    '10.0.0.0/8/8',
    'x/8',
    '10.0.0.0/-1',
  ])('%j is none', (text) => {
    expect(parseCidr(text)).toBeUndefined();
  });

  test('contains what node:net says it does', () => {
    const range = fc.oneof(
      fc.tuple(ipv4, fc.integer({ min: 1, max: 32 }), fc.bigInt({ min: 0n, max: 1n << 33n })),
      fc.tuple(ipv6, fc.integer({ min: 1, max: 128 }), fc.bigInt({ min: 0n, max: 1n << 129n })),
    );
    fc.assert(
      fc.property(range, fc.nat({ max: 129 }), ([address, prefixLength, noise], shift) => {
        const family = address.family;
        const cidr = parseCidr(`${formatAddress(address)}/${prefixLength}`);
        if (cidr === undefined) throw new Error('no CIDR');
        const max = family === 'IPv4' ? 0xffff_ffffn : (1n << 128n) - 1n;
        const other = { family, value: (address.value ^ (noise >> BigInt(shift))) & max };
        const blocks = new BlockList();
        const name = family === 'IPv4' ? 'ipv4' : 'ipv6';
        blocks.addSubnet(formatAddress({ family, value: cidr.base }), prefixLength, name);
        expect(cidrContains(cidr, other)).toBe(blocks.check(formatAddress(other), name));
        const last = parseAddress(addressAt(cidr, cidr.size - 1n));
        expect(last && cidrContains(cidr, last)).toBe(true);
      }),
    );
  });

  test('service CIDRs are one, or one of each family', () => {
    expect(parseServiceCidrs('10.96.0.0/12, fd00:96::/112').map(formatCidr)).toEqual([
      '10.96.0.0/12',
      'fd00:96::/112',
    ]);
    expect(() => parseServiceCidrs('10.96.0.0/12,10.0.0.0/8')).toThrow('one of each IP family');
    expect(() => parseServiceCidrs('10.96.0.0/31')).toThrow('10.96.0.0/31 has no room');
    expect(() => parseServiceCidrs('10.96.0.0')).toThrow('"10.96.0.0" is not like 10.96.0.0/12');
  });
});
