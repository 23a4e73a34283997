import { describe, expect, test } from 'vitest';
import { anonymousSet } from '../../src/nft/anonymous-set.ts';
import { chain } from '../../src/nft/chain.ts';
import { rule } from '../../src/nft/rule.ts';
import { set } from '../../src/nft/set.ts';
import { counter } from '../../src/nft/statement/action.ts';
import { or } from '../../src/nft/statement/arithmetic.ts';
import { concat } from '../../src/nft/statement/combine.ts';
import { ip, ip6, tcp, th, udp } from '../../src/nft/statement/header.ts';
import { eq, inNetwork, neq, oneOf, startsOtherwise, startsWith } from '../../src/nft/statement/match.ts';
import { meta, numgen } from '../../src/nft/statement/metadata.ts';
import { reject } from '../../src/nft/statement/reject.ts';
import { table } from '../../src/nft/table.ts';
import { ipv4Addr } from '../../src/nft/type/address.ts';
import { inetService } from '../../src/nft/type/integer.ts';
import { accept, jump } from '../../src/nft/verdict.ts';

const ipChain = chain(table('ip', 't'), 'c');
const inetChain = chain(table('inet', 't'), 'c');

function names(...parameters: Parameters<typeof rule>): string {
  return rule(...parameters)
    .expressions.map(({ name }) => name)
    .join(' ');
}

describe('a rule checks what its statements need, once', () => {
  test('ports of TCP need TCP', () => {
    expect(names(ipChain, [eq(tcp.dport, 80), eq(tcp.sport, 1024), accept])).toBe(
      'meta cmp payload cmp payload cmp immediate',
    );
    expect(names(ipChain, [eq(th.dport, 80)])).toBe('payload cmp');
    expect(names(ipChain, [eq(udp.dport, 53), counter])).toBe('meta cmp payload cmp counter');
  });

  test('IPv4 fields need IPv4 in an inet table and nothing in an ip table', () => {
    expect(names(inetChain, [eq(ip.saddr, '10.0.0.1'), eq(ip.daddr, '10.0.0.2')])).toBe(
      'meta cmp payload cmp payload cmp',
    );
    expect(names(ipChain, [eq(ip.saddr, '10.0.0.1')])).toBe('payload cmp');
    expect(() => rule(ipChain, [eq(ip6.saddr, '::1')])).toThrow(
      'is not a header that rules of family ip can read',
    );
  });
});

describe('values in registers', () => {
  const register = (bytes: Uint8Array | undefined) => bytes?.[0];

  test('a concatenation fills the registers from the first one, in whole words', () => {
    const loads = concat(ip.daddr, meta.l4proto, th.dport).load(0);
    expect(loads.map(({ name, attributes }) => register(attributes[name === 'meta' ? 1 : 0]?.bytes))).toEqual(
      [1, 9, 10],
    );
    const six = concat(ip6.saddr, ip6.daddr, meta.l4proto, th.dport).load(0);
    expect(six.map(({ name, attributes }) => register(attributes[name === 'meta' ? 1 : 0]?.bytes))).toEqual([
      1, 2, 3, 17,
    ]);
  });

  test('a network of whole bytes loads only those, any other is masked', () => {
    expect(names(ipChain, [inNetwork(ip.saddr, '10.0.0.0/8')])).toBe('payload cmp');
    expect(names(ipChain, [inNetwork(ip.saddr, '10.0.0.0/12')])).toBe('payload bitwise cmp');
    for (const wrong of ['10.0.0.0', '10.0.0.0/33', '10.0.0.0/0', '10.0.0.1/8', '10.0.0.0/8/8']) {
      expect(() => inNetwork(ip.saddr, wrong)).toThrow('network');
    }
  });

  test('the start of a name is not compared as a name', () => {
    expect(names(inetChain, [startsWith(meta.iifname, 'wan')])).toBe('meta cmp');
    expect(() => eq(meta.iifname, 'wan*')).toThrow('value: "wan*" is not an interface name without a star');
    expect(() => eq(meta.iifname, 'wan*')).toThrow("startsWith(…, 'wan')");
    expect(() => neq(meta.oifname, 'wan*')).toThrow("startsOtherwise(…, 'wan')");
    expect(() => startsWith(meta.iifname, 'wan*')).toThrow('prefix: "wan*"');
    expect(() => startsOtherwise(meta.iifname, '')).toThrow('prefix: ""');
    expect(() => startsWith(meta.iifname, 'x'.repeat(16))).toThrow('1 to 15 bytes');
    expect(() => startsWith(ip.saddr, '10.0.0.1')).toThrow('source: "ipv4_addr"');
    expect(names(inetChain, [eq(meta.iifname, 'wan')])).toBe('meta cmp');
  });

  test('what cannot be is refused', () => {
    const ports = set(table('ip', 't'), 'ports', { key: inetService });
    expect(() => oneOf(ip.saddr, ports as never)).toThrow('is not the key of @ports');
    expect(() => eq(ip.saddr, '10.0.0.256')).toThrow('value: "10.0.0.256"');
    expect(() => numgen('random', 0)).toThrow('mod: 0');
    expect(() => or(ip6.saddr, 1)).toThrow('source: "ipv6_addr"');
    expect(() => anonymousSet(ipv4Addr, ['10.0.0.1', '10.0.0.1'])).toThrow('another key');
    expect(() => rule(ipChain, [jump(ipChain)], { comment: 'x'.repeat(200) })).toThrow('comment');
  });
});

test('reject has the form of its family', () => {
  const of = (family: 'ip' | 'ip6' | 'inet') => {
    const [expression] = rule(chain(table(family, 't'), 'c'), [reject()]).expressions;
    return expression?.attributes.map(({ bytes }) => bytes[0]);
  };
  expect([of('ip'), of('ip6'), of('inet')]).toEqual([
    [0, 3],
    [0, 4],
    [2, 1],
  ]);
});
