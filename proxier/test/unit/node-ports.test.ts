import { expect, test } from 'vitest';
import { nodePortAddresses } from '../../src/node-ports.ts';

const NODE_IPS = ['192.0.2.10', '2001:db8::10', '192.0.2.11'];
const INTERFACES = ['127.0.0.1', '192.0.2.10', '198.51.100.1', '10.0.0.1', '::1', '2001:db8::10', 'fe80::1'];
const EVERYWHERE = { everywhere: true, addresses: [] };
const only = (...addresses: readonly string[]) => ({ everywhere: false, addresses });

test.each([
  ['the first of the family', ['primary'], only('192.0.2.10'), only('2001:db8::10')],
  ['networks', ['192.0.2.0/24', '10.0.0.0/8'], only('192.0.2.10', '10.0.0.1'), EVERYWHERE],
  ['of both families', ['198.51.100.0/24', '2001:db8::/32'], only('198.51.100.1'), only('2001:db8::10')],
  ['all of one', ['0.0.0.0/0'], EVERYWHERE, EVERYWHERE],
  ['all of one besides others', ['10.0.0.0/8', '0.0.0.0/0'], EVERYWHERE, EVERYWHERE],
  ['nothing said', [], EVERYWHERE, EVERYWHERE],
  ['no loopback', ['127.0.0.0/8', '::1/128'], only(), only()],
  ['where nobody lives', ['172.16.0.0/12'], only(), EVERYWHERE],
] as const)('node ports are on %s: %j', (_what, wanted, ip, ip6) => {
  expect(nodePortAddresses('ip', wanted, NODE_IPS, INTERFACES)).toEqual(ip);
  expect(nodePortAddresses('ip6', wanted, NODE_IPS, INTERFACES)).toEqual(ip6);
});

test('a family without an address of the node has none with primary', () => {
  expect(nodePortAddresses('ip6', ['primary'], ['192.0.2.10'], INTERFACES)).toEqual(only());
});
