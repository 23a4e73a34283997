import { beforeEach, describe, expect, test } from 'vitest';
import {
  addToSet,
  baseChain,
  concat,
  concatType,
  connectionLimit,
  counter,
  counterFrom,
  deleteFromSet,
  inetService,
  ip,
  ip6,
  ipv4Addr,
  ipv6Addr,
  lastUsed,
  limit,
  map,
  mark,
  meta,
  quota,
  rule,
  set,
  table,
  tcp,
  updateSet,
} from '../../src/index.ts';
import { besideNft } from './beside-nft.ts';
import { failureOf } from './failure-of.ts';
import { rawSets } from './raw-dump.ts';

/** Sets that packets change, and what elements have for themselves: the bytes that nft makes, and what is read back. */

const { lab, ours, nft, listing, reloadAndCompare, startAnew } = besideNft('nftlink-dynamic-sets');

beforeEach(startAnew);

const inet = table('inet', 'firewall');
const seen = set(inet, 'seen', { key: ipv4Addr, dynamic: true, timeoutMs: 60_000 });
const pairs = set(inet, 'pairs', { key: concatType(ipv6Addr, inetService), dynamic: true, timeouts: true });
const clients = set(inet, 'clients', { key: ipv4Addr, dynamic: true, size: 100 });
const marks = map(inet, 'marks', { key: ipv4Addr, data: mark, dynamic: true, timeouts: true });
const origins = map(inet, 'origins', {
  key: concatType(ipv6Addr, inetService),
  data: ipv4Addr,
  dynamic: true,
});
const counted = set(inet, 'counted', { key: ipv4Addr, statements: [counter] });
const limited = set(inet, 'limited', {
  key: ipv4Addr,
  dynamic: true,
  statements: [limit({ rate: 5, per: 'second' }), counter],
});
const metered = set(inet, 'metered', { key: ipv4Addr, statements: [quota({ bytes: 500 })] });
const single = set(inet, 'single', { key: ipv4Addr });
const compact = set(inet, 'compact', {
  key: ipv4Addr,
  timeouts: true,
  policy: 'memory',
  gcIntervalMs: 10_000,
  size: 100,
  catchAll: true,
});
// nft gives a constant set the size of its first elements.
const fixed = set(inet, 'fixed', { key: inetService, constant: true, size: 1 });
const sets = {
  seen,
  pairs,
  clients,
  marks,
  origins,
  counted,
  limited,
  metered,
  single,
  compact,
  fixed,
};
const input = baseChain(inet, 'input', { type: 'filter', hook: 'input', priority: 'filter' });
const rate = limit({ rate: 10, per: 'second' });
const rules = [
  rule(input, [addToSet(seen, ip.saddr)]),
  rule(input, [updateSet(seen, ip.saddr, { timeoutMs: 3_600_000, statements: [rate, counter] })]),
  rule(input, [addToSet(seen, ip.saddr, { statements: [counter] })]),
  rule(input, [deleteFromSet(seen, ip.saddr)]),
  rule(input, [updateSet(pairs, concat(ip6.saddr, tcp.dport), { timeoutMs: 5000 })]),
  rule(input, [addToSet(clients, ip.saddr, { statements: [connectionLimit(3, { over: true })] })]),
  rule(input, [updateSet(marks, ip.saddr, { data: meta.mark })]),
  rule(input, [deleteFromSet(marks, ip.saddr, { data: meta.mark })]),
  rule(input, [updateSet(clients, ip.saddr, { statements: [quota({ bytes: 1_048_576, over: true })] })]),
  rule(input, [quota({ bytes: 5120 }), connectionLimit(5)]),
];

async function write(): Promise<void> {
  const transaction = nft.transaction().add(inet).add(input);
  for (const each of Object.values(sets)) transaction.add(each);
  transaction
    .addElements(counted, [{ key: '10.0.0.1', statements: [counterFrom(5, 420)] }])
    .addElements(compact, [
      { key: '10.0.0.1', timeoutMs: 3_600_000, expiresMs: 1_800_000, comment: 'half' },
      { key: '*', timeoutMs: 7_200_000 },
    ])
    .addElements(fixed, [22]);
  for (const each of rules) transaction.add(each);
  await transaction.commit();
}

describe('sets that packets change', () => {
  beforeEach(write);

  test('are listed by nft as its authors know them', () => {
    expect(listing()).toMatchInlineSnapshot(`
      "table inet firewall {
      	set seen {
      		type ipv4_addr
      		size 65535
      		flags dynamic,timeout
      		timeout 1m
      	}

      	set pairs {
      		type ipv6_addr . inet_service
      		size 65535
      		flags dynamic,timeout
      	}

      	set clients {
      		type ipv4_addr
      		size 100
      		flags dynamic
      	}

      	map marks {
      		type ipv4_addr : mark
      		size 65535
      		flags dynamic,timeout
      	}

      	map origins {
      		type ipv6_addr . inet_service : ipv4_addr
      		size 65535
      		flags dynamic
      	}

      	set counted {
      		type ipv4_addr
      		counter
      		elements = { 10.0.0.1 counter }
      	}

      	set limited {
      		type ipv4_addr
      		size 65535
      		flags dynamic
      		limit rate 5/second counter
      	}

      	set metered {
      		type ipv4_addr
      		quota 500 bytes
      	}

      	set single {
      		type ipv4_addr
      	}

      	set compact {
      		type ipv4_addr
      		policy memory
      		size 100
      		flags timeout
      		gc-interval 10s
      		elements = { 10.0.0.1 timeout 1h comment "half", * timeout 2h }
      	}

      	set fixed {
      		type inet_service
      		flags constant
      		elements = { 22 }
      	}

      	chain input {
      		type filter hook input priority filter; policy accept;
      		add @seen { ip saddr }
      		update @seen { ip saddr timeout 1h limit rate 10/second counter }
      		add @seen { ip saddr counter }
      		delete @seen { ip saddr }
      		update @pairs { ip6 saddr . tcp dport timeout 5s }
      		add @clients { ip saddr ct count over 3 }
      		update @marks { ip saddr : meta mark }
      		delete @marks { ip saddr : meta mark }
      		update @clients { ip saddr quota over 1 mbytes }
      		quota 5 kbytes ct count 5
      	}
      }
      "
    `);
  });

  test('are, byte for byte, what nft makes of that listing', async () => {
    await reloadAndCompare(inet, Object.values(sets));
  });

  test('are read back with what their elements have counted', async () => {
    expect(await nft.listElements(counted)).toMatchObject([
      { key: '10.0.0.1', counter: { packets: 5n, bytes: 420n } },
    ]);
    // nft 1.0.6 lists these and can't read its own listing again, so they are not part of the comparison.
    await nft
      .transaction()
      .addElements(metered, ['10.0.0.1'])
      .addElements(single, [{ key: '10.0.0.1', statements: [counter], comment: 'watched' }])
      .commit();
    expect(await nft.listElements(metered)).toMatchObject([
      { statements: [{ name: 'quota', fields: { bytes: 500n } }] },
    ]);
    expect(await nft.listElements(single)).toMatchObject([
      { counter: { packets: 0n, bytes: 0n }, comment: 'watched' },
    ]);
    const [half, all] = await nft.listElements(compact);
    expect(half).toMatchObject({ key: '10.0.0.1', timeoutMs: 3_600_000, comment: 'half' });
    expect(half?.expiresMs).toBeLessThanOrEqual(1_800_000);
    expect(all).toMatchObject({ key: '*', timeoutMs: 7_200_000 });
  });

  test('are described by the kernel so that it would make them again', async () => {
    const listed = await nft.listSets(inet);
    const copy = table('inet', 'copy');
    const transaction = nft.transaction().add(copy);
    for (const each of listed) transaction.add({ ...each, table: copy });
    await transaction.commit();
    const withoutTable = async (of: typeof inet) =>
      [...(await rawSets(ours, of))].map(([name, { 'attribute 1': _, ...rest }]) => [name, rest]);
    // The number of elements is in the listing since 6.17.
    const sameButElements = (raw: Awaited<ReturnType<typeof withoutTable>>) =>
      raw.map(([name, rest]) => [name, { ...(rest as object), 'attribute 20': undefined }]);
    expect(sameButElements(await withoutTable(copy))).toEqual(sameButElements(await withoutTable(inet)));
    expect(await nft.listRules(inet)).toSatisfy(
      (all: readonly { expressions: readonly { fields: unknown }[] }[]) =>
        all.every(({ expressions }) => expressions.every(({ fields }) => fields !== undefined)),
    );
  });
});

test('a packet adds itself, with a counter of its own', async () => {
  const heard = set(inet, 'heard', { key: ipv4Addr, dynamic: true, timeouts: true });
  const out = baseChain(inet, 'out', { type: 'filter', hook: 'output', priority: 'filter' });
  await nft
    .transaction()
    .add(inet)
    .add(heard)
    .add(out)
    .add(rule(out, [updateSet(heard, ip.daddr, { timeoutMs: 60_000, statements: [counter] })]))
    .commit();
  const send = `const s = require('dgram').createSocket('udp4'); s.send('x', 9, '127.1.0.3', () => s.close())`;
  lab.run(ours, process.execPath, '-e', send);
  expect(await nft.set(heard).get('127.1.0.3')).toMatchObject({
    timeoutMs: 60_000,
    counter: { packets: 1n, bytes: 29n },
  });
});

test('a packet takes its own element out of a map, whatever the data', async () => {
  const out = baseChain(inet, 'out', { type: 'filter', hook: 'output', priority: 'filter' });
  await nft
    .transaction()
    .add(inet)
    .add(marks)
    .add(out)
    .addElements(marks, [
      ['127.1.0.3', 7],
      ['127.1.0.4', 7],
    ])
    .add(rule(out, [deleteFromSet(marks, ip.daddr, { data: meta.mark })]))
    .commit();
  const send = `const s = require('dgram').createSocket('udp4'); s.send('x', 9, '127.1.0.3', () => s.close())`;
  lab.run(ours, process.execPath, '-e', send);
  expect(await nft.listElements(marks)).toEqual([{ key: '127.1.0.4', value: 7 }]);
});

test('elements remember when they were last used, out of the sight of nft 1.0.6, which would crash', async () => {
  const last = set(inet, 'last', { key: ipv4Addr, statements: [lastUsed] });
  await nft.transaction().add(inet).add(last).addElements(last, ['10.0.0.1']).commit();
  expect(await nft.listElements(last)).toMatchObject([
    { statements: [{ name: 'last', fields: { set: 0 } }] },
  ]);
  expect(await nft.listSets(inet)).toMatchObject([{ name: 'last', statements: [{ kind: 'statement' }] }]);
});

test('an element with other statements than its set has is refused by name', async () => {
  await nft.transaction().add(inet).add(counted).commit();
  const mixed = nft
    .transaction()
    .addElements(counted, ['10.0.0.1', { key: '10.0.0.2', statements: [quota({ bytes: 1 })] }]);
  const error = await failureOf(mixed.commit());
  expect(error.failures).toMatchObject([{ code: 'EOPNOTSUPP', element: { index: 1, key: '10.0.0.2' } }]);
});

test('what cannot be right is refused before anything is sent', () => {
  const transaction = nft.transaction();
  const intervals = set(inet, 'i', { key: ipv4Addr, intervals: true });
  expect(() => addToSet(intervals, ip.saddr)).toThrow('it has intervals');
  expect(() => addToSet(seen, ip.saddr, { timeoutMs: 0 })).toThrow('timeoutMs: 0');
  expect(() => addToSet(seen, tcp.dport as never)).toThrow('key: ');
  expect(() => set(inet, 's', { key: ipv4Addr, statements: [] })).toThrow('statements');
  expect(() => set(inet, 's', { key: ipv4Addr, autoMerge: true })).toThrow('autoMerge');
  expect(() => set(inet, 's', { key: ipv4Addr, dynamic: true, intervals: true })).toThrow('dynamic');
  expect(() => transaction.addElements(single, ['*'])).toThrow('elements[0].key: "*"');
  expect(() =>
    transaction.addElements(single, [{ key: '10.0.0.1', statements: [rules[0] as never] }]),
  ).toThrow();
  expect(() => quota({ bytes: -1 })).toThrow('bytes: -1');
});
