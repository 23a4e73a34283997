import { afterAll, expect, test } from 'vitest';
import { Lab } from '../../lab/lab.ts';

/** The examples of the documentation, as they are. */
const lab = new Lab('nftlink-examples');
const host = lab.host('host');

afterAll(() => lab.close());

test('block-list', () => {
  const printed = lab.run(host, 'node', '--import', 'tsx', 'examples/block-list.ts');
  expect(printed.trim().split('\n').sort()).toEqual(['192.0.2.1 for good', '192.0.2.2 for 60 more minutes']);
  const listing = lab.run(host, 'nft', 'list', 'chain', 'inet', 'example', 'input');
  expect(listing).toContain('ip saddr @blocked counter packets 0 bytes 0 drop comment "blocked"');
});

test('port-forwarding', () => {
  const printed = lab.run(host, 'node', '--import', 'tsx', 'examples/port-forwarding.ts');
  expect(printed.trim().split('\n').sort()).toEqual(['8080 -> 10.0.0.2:80', '8443 -> 10.0.0.3:443']);
  const listing = lab.run(host, 'nft', 'list', 'table', 'ip', 'forwarding');
  expect(listing).toContain('dnat ip to tcp dport map @forwards');
  expect(listing).toContain('ip daddr 192.0.2.1 tcp dport 2222 dnat to 10.0.0.9:22');
  expect(listing).toContain('oifname "wan0" masquerade');
});
