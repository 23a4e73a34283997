import { describe, expect, test } from 'vitest';
import { duration } from '../../src/duration.ts';
import { outcomesOf, verdictText } from '../../src/explain/answer.ts';
import type { Fact, Placed } from '../../src/explain/facts.ts';
import { localInRoutes, localInTrie } from '../../src/explain/local-addresses.ts';
import { comparisonFact } from '../../src/explain/matches.ts';
import { addressPort, parseClient, parseDestination, question } from '../../src/explain/question.ts';
import type { Path } from '../../src/explain/walk.ts';

describe('what is asked', () => {
  test.each([
    ['10.96.0.10:80/tcp', { address: '10.96.0.10', port: 80, protocol: 'tcp' }],
    ['10.96.0.10:80', { address: '10.96.0.10', port: 80, protocol: 'tcp' }],
    ['[2001:DB8:0::10]:53/UDP', { address: '2001:db8::10', port: 53, protocol: 'udp' }],
    ['10.96.0.10:65535/sctp', { address: '10.96.0.10', port: 65535, protocol: 'sctp' }],
  ])('%s', (text, expected) => {
    expect(parseDestination(text)).toEqual(expected);
  });

  test.each([
    '',
    '10.96.0.10',
    '10.96.0.10:0',
    '10.96.0.10:65536',
    '2001:db8::1:80',
    '10.0.0.1:80/icmp',
    'web:80',
  ])('refused: %j', (text) => expect(() => parseDestination(text)).toThrow(/is not/));

  test('one family', () => {
    expect(question('10.0.0.1', parseDestination('10.0.0.2:1'), undefined).family).toBe('ip');
    expect(() => question('::1', parseDestination('10.0.0.2:1'), undefined)).toThrow('not of one family');
    expect(() => parseClient('::ffff:10.0.0.1')).toThrow('inside an IPv6 one');
  });

  test('addresses with ports', () => {
    expect([addressPort('10.0.0.1', 80), addressPort('::1', 80)]).toEqual(['10.0.0.1:80', '[::1]:80']);
  });
});

describe("a namespace's own addresses", () => {
  test('of IPv4, in fib_trie', () => {
    const trie = `Main:
  +-- 0.0.0.0/0 3 0 5
     |-- 0.0.0.0
        /0 universe UNICAST
     +-- 192.0.2.0/24 2 0 2
        |-- 192.0.2.0
           /24 link UNICAST
        |-- 192.0.2.7
           /32 host LOCAL
        |-- 192.0.2.9
           /32 universe UNICAST
     |-- 192.0.2.255
        /32 link BROADCAST
Local:
        |-- 127.0.0.0
           /8 host LOCAL
        |-- 192.0.2.7
           /32 host LOCAL
`;
    expect(localInTrie(trie)).toEqual(['192.0.2.7']);
  });

  test('of IPv6, in ipv6_route', () => {
    const line = (destination: string, bits: string, flags: string) =>
      `${destination} ${bits} ${'0'.repeat(32)} 00 ${'0'.repeat(32)} 00000000 00000002 00000000 ${flags}     eth0`;
    const routes = [
      line('fd000000000000000000000000000000', '40', '00000001'),
      line('fd000000000000000000000000000002', '80', '80200001'),
      line('fd000000000000000000000000000003', '80', '00000001'),
      line('00000000000000000000000000000001', '80', '80200001'),
    ];
    expect(localInRoutes(`${routes.join('\n')}\n`)).toEqual(['fd00::2', '::1']);
  });
});

test('networks whose length is no multiple of 8, and interfaces', () => {
  const bytes = Uint8Array.of(10, 96, 0, 0);
  expect(comparisonFact('ip', { field: 'source', prefixLength: 12 }, bytes, true)).toEqual({
    kind: 'network',
    field: 'source',
    network: '10.96.0.0/12',
    inside: true,
  });
  const name = Buffer.alloc(16);
  name.write('cni0');
  expect(comparisonFact('ip', { field: 'interface' }, name, false)).toMatchObject({
    name: 'cni0',
    matches: false,
  });
  expect(comparisonFact('ip', { field: 'interface' }, Buffer.from('veth'), true)).toMatchObject({
    name: 'veth*',
  });
  expect(comparisonFact('ip', undefined, bytes, true)).toBeUndefined();
});

test.each([
  [0, '0 s'],
  [900, '1 s'],
  [59_001, '1 min'],
  [100_000, '1 min 40 s'],
  [10_800_000, '3 h'],
  [10_799_000, '2 h 59 min'],
])('%d ms: %s', (ms, text) => expect(duration(ms)).toBe(text));

describe('putting ways together', () => {
  const placed = (fact: Fact): Placed => ({ chain: 'to-endpoint', rule: 1, fact });
  const path = (chosen: number, address: string, isMasqueraded: boolean): Path => ({
    facts: [
      placed({ kind: 'choice', count: 2, chosen }),
      placed({ kind: 'dnat', address, port: 8080 }),
      ...(isMasqueraded ? [placed({ kind: 'masquerade' })] : []),
    ],
    packet: {
      family: 'ip',
      protocol: 'tcp',
      source: '10.0.0.1',
      destination: address,
      port: 8080,
      iifname: '',
      mark: 0,
      priority: 0,
      hasDnat: true,
      isMasqueraded,
    },
    end: 'passed',
    choices: [{ count: 2, chosen }],
  });

  test('what all have in common comes first; the rest is told of each', () => {
    const answer = outcomesOf([path(0, '10.0.0.8', true), path(1, '10.0.0.9', false)], () => undefined);
    expect(answer.steps.map(({ text }) => text)).toEqual(['one of 2 endpoints by chance']);
    expect(answer.outcomes).toMatchObject([
      { verdict: 'forwarded', masqueraded: true, oneOf: 2, endpoint: { address: '10.0.0.8', port: 8080 } },
      { verdict: 'forwarded', masqueraded: false, oneOf: 2, endpoint: { address: '10.0.0.9', port: 8080 } },
    ]);
    expect(verdictText(answer)).toBe(
      'forwarded to 10.0.0.8:8080 or 10.0.0.9:8080, masqueraded if it is 10.0.0.8:8080',
    );
  });
});
