import { beforeEach, describe, expect, test } from 'vitest';
import {
  type AnySet,
  accept,
  baseChain,
  chain,
  concat,
  concatType,
  constant,
  counter,
  drop,
  ifname,
  inetService,
  ip,
  ip6,
  ipv4Addr,
  ipv6Addr,
  map,
  mapped,
  mark,
  meta,
  noneOf,
  oneOf,
  rule,
  set,
  setMeta,
  table,
  tcp,
  verdictMap,
  vmap,
} from '../../src/index.ts';
import { besideNft } from './beside-nft.ts';
import { failureOf } from './failure-of.ts';
import { rawElements } from './raw-dump.ts';

/** Sets with intervals: the bytes that nft makes, read back as they were given, and what others do to them. */

const { lab, ours, theirs, nft, listing, reloadAndCompare, startAnew } = besideNft('nftlink-intervals');

beforeEach(startAnew);

const inet = table('inet', 'firewall');
const nets = set(inet, 'nets', { key: ipv4Addr, intervals: true, autoMerge: true, comment: 'refused' });
const v6 = set(inet, 'v6', { key: ipv6Addr, intervals: true, timeouts: true });
const marks = set(inet, 'marks', { key: mark, intervals: true });
const ports = set(inet, 'ports', { key: inetService, intervals: true });
const links = set(inet, 'links', { key: ifname, intervals: true });
const services = set(inet, 'services', {
  key: concatType(ipv4Addr, inetService, mark),
  intervals: true,
  size: 1000,
});
const classes = map(inet, 'classes', { key: ipv4Addr, data: mark, intervals: true, catchAll: true });
const decide = verdictMap(inet, 'decide', { key: mark, intervals: true });
const sets = { nets, v6, marks, ports, links, services, classes, decide };
const input = baseChain(inet, 'input', { type: 'filter', hook: 'input', priority: 'filter' });
const rules = [
  rule(input, [oneOf(ip.saddr, nets), counter, drop]),
  rule(input, [noneOf(ip6.saddr, v6), accept]),
  rule(input, [oneOf(meta.mark, marks), accept]),
  rule(input, [oneOf(tcp.dport, ports), accept]),
  rule(input, [oneOf(meta.iifname, links), accept]),
  rule(input, [oneOf(concat(ip.saddr, tcp.dport, meta.mark), services), accept]),
  rule(input, [setMeta('mark', mapped(ip.saddr, classes))]),
  rule(input, [vmap(meta.mark, decide)]),
];

const given = {
  nets: ['10.0.0.0/8', '192.168.1.1', { from: '1.2.3.4', to: '1.2.3.9' }, '240.0.0.0/4'],
  v6: [{ key: 'fd00::/8', timeoutMs: 86_400_000, comment: 'local' }, '2001:db8::/33', '::1'],
  marks: [5, { from: 0x10, to: 0x20 }, { from: 0x100, to: 0xffffffff }],
  ports: [22, { from: 8000, to: 8999 }, { from: 0, to: 9 }],
  links: ['eth*', 'lo'],
  services: [
    [{ from: '10.0.0.1', to: '10.0.0.9' }, { from: 80, to: 90 }, 5],
    ['192.168.0.0/16', 22, { from: 7, to: 9 }],
  ],
  classes: [
    ['10.0.0.0/8', 5],
    ['*', 6],
  ],
  decide: [
    [{ from: 1, to: 3 }, accept],
    [7, drop],
  ],
} as const;

async function write(): Promise<void> {
  const transaction = nft.transaction().add(inet).add(input);
  for (const each of Object.values(sets)) transaction.add(each);
  transaction
    .addElements(nets, given.nets)
    .addElements(v6, given.v6)
    .addElements(marks, given.marks)
    .addElements(ports, given.ports)
    .addElements(links, given.links)
    .addElements(services, given.services)
    .addElements(classes, given.classes)
    .addElements(decide, given.decide);
  for (const each of rules) transaction.add(each);
  await transaction.commit();
}

describe('sets with intervals', () => {
  beforeEach(write);

  test('are listed by nft as its authors know them', () => {
    expect(listing()).toMatchInlineSnapshot(`
      "table inet firewall {
      	set nets {
      		type ipv4_addr
      		flags interval
      		auto-merge
      		comment "refused"
      		elements = { 1.2.3.4-1.2.3.9, 10.0.0.0/8,
      			     192.168.1.1, 240.0.0.0/4 }
      	}

      	set v6 {
      		type ipv6_addr
      		flags interval,timeout
      		elements = { ::1,
      			     2001:db8::/33,
      			     fd00::/8 timeout 1d comment "local" }
      	}

      	set marks {
      		type mark
      		flags interval
      		elements = { 0x00000005, 0x00000010-0x00000020, 0x00000100-0xffffffff }
      	}

      	set ports {
      		type inet_service
      		flags interval
      		elements = { 0-9, 22, 8000-8999 }
      	}

      	set links {
      		type ifname
      		flags interval
      		elements = { "eth*",
      			     "lo" }
      	}

      	set services {
      		type ipv4_addr . inet_service . mark
      		size 1000
      		flags interval
      		elements = { 10.0.0.1-10.0.0.9 . 80-90 . 0x00000005,
      			     192.168.0.0/16 . 22 . 0x00000007-0x00000009 }
      	}

      	map classes {
      		type ipv4_addr : mark
      		flags interval
      		elements = { 10.0.0.0/8 : 0x00000005, * : 0x00000006 }
      	}

      	map decide {
      		type mark : verdict
      		flags interval
      		elements = { 0x00000001-0x00000003 : accept, 0x00000007 : drop }
      	}

      	chain input {
      		type filter hook input priority filter; policy accept;
      		ip saddr @nets counter drop
      		ip6 saddr != @v6 accept
      		meta mark @marks accept
      		tcp dport @ports accept
      		iifname @links accept
      		ip saddr . tcp dport . meta mark @services accept
      		meta mark set ip saddr map @classes
      		meta mark vmap @decide
      	}
      }
      "
    `);
  });

  test('are, byte for byte, what nft makes of that listing', async () => {
    await reloadAndCompare(inet, Object.values(sets));
  });

  test('are read back as they were given', async () => {
    const keysOf = async (of: AnySet) => new Set((await nft.listElements(of)).map(({ key }) => key));
    expect(await keysOf(nets)).toEqual(new Set(given.nets));
    expect(await keysOf(v6)).toEqual(new Set(['fd00::/8', '2001:db8::/33', '::1']));
    expect(await keysOf(marks)).toEqual(new Set(given.marks));
    expect(await keysOf(ports)).toEqual(new Set(given.ports));
    expect(await keysOf(links)).toEqual(new Set(given.links));
    expect(await keysOf(services)).toEqual(new Set(given.services));
    expect(await nft.listElements(classes)).toEqual(given.classes.map(([key, value]) => ({ key, value })));
    expect(await nft.listElements(decide)).toEqual(
      given.decide.map(([key, value]) => ({ key, value })).reverse(),
    );
    const fd = (await nft.listElements(v6)).find(({ key }) => key === 'fd00::/8');
    expect(fd).toMatchObject({ timeoutMs: 86_400_000, comment: 'local' });
  });

  test('are described by the kernel as they were', async () => {
    const listed = new Map((await nft.listSets(inet)).map((each) => [each.name, each]));
    expect(listed.get('nets')).toMatchObject({ intervals: true, autoMerge: true, comment: 'refused' });
    expect(await nft.listElements(listed.get('services') ?? services)).toEqual(
      await nft.listElements(services),
    );
    expect(listed.get('links')).not.toHaveProperty('autoMerge');
  });

  test('take back what was added, and know which element was refused', async () => {
    await nft
      .transaction()
      .deleteElements(nets, given.nets)
      .deleteElements(marks, given.marks)
      .deleteElements(services, given.services)
      .deleteElements(classes, ['10.0.0.0/8', '*'])
      .commit();
    for (const each of [nets, marks, services, classes]) expect(await nft.listElements(each)).toEqual([]);
    const error = await failureOf(
      nft
        .transaction()
        .deleteElements(ports, [{ from: 8000, to: 8999 }, 23, 22])
        .commit(),
    );
    expect(error.failures.map(({ element, code }) => [element, code])).toEqual([
      [{ index: 1, key: 23 }, 'ENOENT'],
    ]);
  });
});

describe('ranges that overlap', () => {
  const cidrs = ['10.0.0.0/8', '10.1.0.0/16', '192.168.0.0/24', '192.168.1.0/24', '10.1.2.3', '1.1.1.1'];

  test('become one where the set merges, and the transaction says which', async () => {
    const transaction = nft.transaction().add(inet).add(nets).addElements(nets, cidrs);
    expect(transaction.merged).toEqual([
      { into: '10.0.0.0/8', of: ['10.0.0.0/8', '10.1.0.0/16', '10.1.2.3'] },
      { into: '192.168.0.0/23', of: ['192.168.0.0/24', '192.168.1.0/24'] },
    ]);
    await transaction.commit();
    expect(listing()).toContain('elements = { 1.1.1.1, 10.0.0.0/8,\n\t\t\t     192.168.0.0/23 }');
    lab.load(
      theirs,
      `table inet firewall { set nets { type ipv4_addr; flags interval; auto-merge; comment "refused"; elements = { ${cidrs} }; }; }`,
    );
    expect(await rawElements(ours, nets)).toEqual(await rawElements(theirs, nets));
  });

  test('are refused by name where it does not', () => {
    const strict = set(inet, 'strict', { key: ipv4Addr, intervals: true });
    expect(() => nft.transaction().addElements(strict, cidrs)).toThrow(
      'elements[1].key: "10.1.0.0/16" is not apart from [0] 10.0.0.0/8',
    );
  });

  test('with other timeouts are not merged', () => {
    const timed = set(inet, 'timed', { key: ipv4Addr, intervals: true, autoMerge: true, timeouts: true });
    const transaction = nft.transaction();
    expect(() =>
      transaction.addElements(timed, [{ key: '10.0.0.0/8', timeoutMs: 5000 }, '10.1.0.0/16']),
    ).toThrow('has other options');
    transaction.addElements(timed, [{ key: '10.0.0.0/9', timeoutMs: 5000 }, '10.128.0.0/9']);
    expect(transaction.merged).toEqual([]);
  });
});

test('4,096 ranges and more go into several messages of one transaction', async () => {
  const many = Array.from({ length: 10_000 }, (_, i) => `10.${i >> 8}.${i & 255}.0/25`);
  await nft.transaction().add(inet).add(nets).addElements(nets, many).commit();
  expect(new Set((await nft.listElements(nets)).map(({ key }) => key))).toEqual(new Set(many));
  await nft.transaction().deleteElements(nets, many).commit();
  expect(await nft.listElements(nets)).toEqual([]);
});

test('packets find what lies within', async () => {
  const seen = set(inet, 'seen', { key: mark, intervals: true });
  const found = chain(inet, 'found');
  const out = baseChain(inet, 'out', { type: 'filter', hook: 'output', priority: 'filter' });
  await nft
    .transaction()
    .add(inet)
    .add(seen)
    .add(nets)
    .add(found)
    .add(out)
    .addElements(seen, [{ from: 0x100, to: 0x1ff }])
    .addElements(nets, ['127.1.0.0/30'])
    .add(rule(out, [oneOf(ip.daddr, nets), setMeta('mark', constant(mark, 0x1fe))]))
    .add(rule(out, [oneOf(meta.mark, seen), counter, drop]))
    .commit();
  for (const address of ['127.1.0.3', '127.1.0.4']) {
    const send = `const s = require('dgram').createSocket('udp4'); s.send('x', 9, '${address}', () => s.close())`;
    lab.run(ours, process.execPath, '-e', send);
  }
  const listed = lab.run(ours, 'nft', 'list', 'chain', 'inet', 'firewall', 'out');
  expect(listed).toContain('counter packets 1 bytes 29 drop');
});
