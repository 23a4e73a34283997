import { once } from 'node:events';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { type Host, Lab } from '../../lab/lab.ts';
import {
  type AnySet,
  accept,
  baseChain,
  chain,
  classid,
  concatType,
  ctState,
  drop,
  etherAddr,
  goto,
  InvalidArgumentError,
  ifname,
  inetProto,
  inetService,
  ipv4Addr,
  ipv6Addr,
  jump,
  map,
  mark,
  Nftables,
  RequestError,
  rule,
  set,
  type Table,
  table,
  verdictMap,
} from '../../src/index.ts';

/** What is listed: equal to what was added, complete, of one moment, and whatever others wrote. */

const lab = new Lab('nftlink-lists');
const ours = lab.host('ours');
const copy = lab.host('copy');
const nft = Nftables.open({ netns: { path: ours.netnsPath } });
const copied = Nftables.open({ netns: { path: copy.netnsPath } });

afterAll(async () => {
  await nft.close();
  await copied.close();
  await lab.close();
});

beforeEach(async () => {
  for (const each of [nft, copied]) {
    const transaction = each.transaction();
    for (const there of await each.listTables()) transaction.delete(there);
    await transaction.commit();
  }
});

const listing = (host: Host) => lab.run(host, 'nft', '-s', 'list', 'ruleset');

describe('what was added', () => {
  const inet = table('inet', 'firewall', { comment: 'a firewall' });
  const bridge = table('bridge', 'between', { dormant: true });
  const input = baseChain(inet, 'input', {
    type: 'filter',
    hook: 'input',
    priority: 'filter',
    policy: 'drop',
  });
  const out = baseChain(inet, 'out', {
    type: 'nat',
    hook: 'postrouting',
    priority: 'srcnat',
    comment: 'nat',
  });
  const ssh = chain(inet, 'ssh', { comment: 'from the office only' });
  const lost = chain(bridge, 'lost');
  const service = concatType(ipv4Addr, inetProto, inetService);
  const sets = {
    plain: set(inet, 'plain', { key: ipv6Addr }),
    timed: set(inet, 'timed', { key: ipv4Addr, timeouts: true, size: 1000, comment: 'timed' }),
    guests: set(inet, 'guests', { key: etherAddr, timeoutMs: 3_600_000 }),
    seen: set(inet, 'seen', { key: ifname, dynamic: true, size: 10 }),
    fixed: set(inet, 'fixed', { key: ctState, constant: true }),
    classes: map(inet, 'classes', { key: service, data: classid }),
    backends: map(inet, 'backends', { key: mark, data: concatType(ipv6Addr, inetService) }),
    decide: verdictMap(inet, 'decide', { key: concatType(ifname, inetService), comment: 'who goes where' }),
  };
  const all: readonly AnySet[] = Object.values(sets);

  beforeEach(async () => {
    const transaction = nft.transaction().add(inet).add(bridge).add(input).add(out).add(ssh).add(lost);
    for (const each of all) transaction.add(each);
    await transaction
      .addElements(sets.plain, ['fd00::1'])
      .addElements(sets.timed, [{ key: '10.0.0.1', timeoutMs: 86_400_000, comment: 'a day' }])
      .addElements(sets.guests, ['52:54:00:12:34:56'])
      .addElements(sets.fixed, [['established', 'related']])
      .addElements(sets.classes, [[['10.0.0.1', 'tcp', 80], '4b50:2']])
      .addElements(sets.backends, [[7, ['fd00::2', 8080]]])
      .addElements(sets.decide, [[['eth0', 22], goto(ssh)]])
      .commit();
  });

  test('is what is listed', async () => {
    expect(await nft.listTables()).toEqual([inet, bridge]);
    expect(await nft.listTables('inet')).toEqual([inet]);
    expect(await nft.listTables('ip6')).toEqual([]);
    expect(await nft.listChains(inet)).toEqual([input, out, ssh]);
    expect(await nft.listChains(bridge)).toEqual([lost]);
    expect((await nft.listSets(inet)).map(withoutFunctions)).toEqual(all.map(withoutFunctions));
    expect(await nft.listElements(sets.plain)).toEqual([{ key: 'fd00::1', value: undefined }]);
    expect(await nft.listElements(sets.timed)).toEqual([
      {
        key: '10.0.0.1',
        value: undefined,
        timeoutMs: 86_400_000,
        expiresMs: expect.any(Number),
        comment: 'a day',
      },
    ]);
    expect(await nft.listElements(sets.fixed)).toEqual([
      { key: ['established', 'related'], value: undefined },
    ]);
    expect(await nft.listElements(sets.classes)).toEqual([{ key: ['10.0.0.1', 'tcp', 80], value: '4b50:2' }]);
    expect(await nft.listElements(sets.backends)).toEqual([{ key: 7, value: ['fd00::2', 8080] }]);
    expect(await nft.listElements(sets.decide)).toEqual([{ key: ['eth0', 22], value: goto(ssh) }]);
  });

  test('makes the same again elsewhere', async () => {
    const transaction = copied.transaction();
    for (const listed of await nft.listTables()) {
      transaction.add(listed);
      for (const each of await nft.listChains(listed)) transaction.add(each);
      for (const each of await nft.listSets(listed)) {
        transaction.add(each).addElements(each, (await nft.listElements(each)) as never);
      }
    }
    await transaction.commit();
    expect(listing(copy)).toBe(listing(ours));
    expect(listing(copy)).toContain('timeout 1d comment "a day"');
  });

  test('tables of the same name in two families do not mix', async () => {
    const twin = table('bridge', 'firewall');
    await nft
      .transaction()
      .add(twin)
      .add(chain(twin, 'only'))
      .add(set(twin, 'only', { key: mark }))
      .commit();
    expect((await nft.listChains(twin)).map(({ name }) => name)).toEqual(['only']);
    expect((await nft.listSets(twin)).map(({ name }) => name)).toEqual(['only']);
    expect(await nft.listChains(inet)).toHaveLength(3);
  });

  test('rules: of a chain, of a table, in order, with handles that grow', async () => {
    await nft
      .transaction()
      .add(rule(input, [jump(ssh)], { comment: 'first' }))
      .add(rule(ssh, [accept]))
      .add(rule(input, [drop]))
      .commit();
    const ofInput = await nft.listRules(input);
    expect(ofInput.map(({ comment }) => comment)).toEqual(['first', undefined]);
    expect(ofInput.map(({ chain: of }) => of)).toEqual([input, input]);
    expect(ofInput.map(({ expressions }) => expressions.map(({ name }) => name))).toEqual([
      ['immediate'],
      ['immediate'],
    ]);
    expect((await nft.listRules(inet)).map(({ chain: { name } }) => name)).toEqual(['input', 'input', 'ssh']);
    const handles = ofInput.map(({ handle }) => handle);
    expect(handles).toEqual([...handles].sort());
  });
});

test('20,000 elements are listed, every one, also while the kernel makes room for them', async () => {
  const many = table('ip', 'many');
  const keys = Array.from({ length: 20_000 }, (_, i) => `10.1.${i >> 8}.${i & 255}`);
  const all = new Map(keys.map((key, i) => [key, i]));
  // Without a size the hash table grows in steps, after the commit: the first list comes in the midst of it.
  for (let round = 0; round < 20; round++) {
    const addresses = map(many, `addresses${round}`, { key: ipv4Addr, data: mark });
    await nft
      .transaction()
      .add(many)
      .add(addresses)
      .addElements(addresses, [...all])
      .commit();
    const listed = await nft.listElements(addresses);
    expect(listed).toHaveLength(20_000);
    const missing = new Map(all);
    for (const { key, value } of listed) if (missing.get(key) === value) missing.delete(key);
    expect(missing.size).toBe(0);
  }
});

test('the generation grows with every commit', async () => {
  const numbers = [await nft.generation()];
  for (const name of ['a', 'b', 'c']) {
    await nft.transaction().add(table('ip', name)).commit();
    numbers.push(await nft.generation());
  }
  expect(numbers.map((number) => number - (numbers[0] ?? 0))).toEqual([0, 1, 2, 3]);
  await nft
    .transaction()
    .create(table('ip', 'a'))
    .commit()
    .catch(() => undefined);
  expect(await nft.generation()).toBe(numbers[3]);
});

describe('what others wrote with nft', () => {
  const theirs = table('inet', 'theirs');
  const text = `table inet theirs {
    flags dormant
    counter hits { }
    quota month { over 10 mbytes }
    set ranges { type ipv4_addr; flags interval; auto-merge; elements = { 10.0.0.0/8, 192.168.1.5-192.168.1.9, 192.168.7.7 } }
    set boxes { type ipv4_addr . inet_service; flags interval; elements = { 10.0.0.0/8 . 80-90 } }
    set days { typeof meta day; elements = { "Monday", "Friday" } }
    set times { typeof meta time; }
    set vlans { typeof vlan id . ip saddr; elements = { 3 . 1.1.1.1 } }
    set counted { type ipv4_addr; counter; elements = { 1.1.1.1 counter packets 5 bytes 9 } }
    set six { typeof meta nfproto . tcp dport . ip daddr . tcp sport . meta mark . ip protocol; }
    set limited { type ipv4_addr; flags dynamic,timeout; timeout 1h; size 100; }
    map objects { type ipv4_addr : counter; elements = { 1.1.1.1 : "hits" } }
    map verdicts { type ipv4_addr : verdict; flags interval; elements = { 1.1.0.0/16 : accept } }
    map last { type inet_service : ipv4_addr; comment "the last one"; elements = { 80 : 10.0.0.1 } }
    chain c {
      type filter hook input priority 5; policy accept;
      tcp dport { 1-5, 9 } ip saddr vmap { 1.1.1.1 : drop } counter name "hits"
      ip saddr @ranges update @limited { ip daddr limit rate 5/second } tcp option maxseg size set 1400
      meta day "Monday" meta hour "10:00"-"12:00" ct state vmap { new : accept, established : drop } comment "by day"
    }
  }`;
  const setNamed = async (name: string) => {
    const found = (await nft.listSets(theirs)).find((each) => each.name === name);
    if (found === undefined) throw new Error(`no set ${name}`);
    return found;
  };

  beforeEach(() => lab.load(ours, text));

  test('is listed whole: tables, chains, sets and rules', async () => {
    expect(await nft.listTables()).toEqual([{ ...theirs, dormant: true }]);
    expect((await nft.listChains(theirs)).map(({ name, base }) => [name, base?.priority])).toEqual([
      ['c', 5],
    ]);
    const sets = await nft.listSets(theirs);
    const named = sets.filter(({ name }) => !name.startsWith('__'));
    expect(named.map(({ kind, name, key }) => `${kind} ${name}: ${key.name}`)).toMatchInlineSnapshot(`
      [
        "set ranges: ipv4_addr",
        "set boxes: ipv4_addr . inet_service",
        "set days: day",
        "set times: time",
        "set vlans: type 263",
        "set counted: ipv4_addr",
        "set six: type 2367476940",
        "set limited: ipv4_addr",
        "map objects: ipv4_addr",
        "verdict map verdicts: ipv4_addr",
        "map last: inet_service",
      ]
    `);
    expect(sets.length - named.length).toBe(3);
    for (const each of sets) await nft.listElements(each);
    const rules = await nft.listRules(theirs);
    expect(rules.map(({ comment }) => comment)).toEqual([undefined, undefined, 'by day']);
    expect(rules.map(({ expressions }) => expressions.length).every((length) => length > 5)).toBe(true);
  });

  test('ranges: a first key behind each range, or its last key', async () => {
    const ends = (await nft.listElements(set(theirs, 'ranges', { key: ipv4Addr }))).map(
      ({ key, endsRange }) => (endsRange ? `before ${key}` : key),
    );
    expect(ends.sort()).toEqual([
      '10.0.0.0',
      '192.168.1.5',
      '192.168.7.7',
      'before 0.0.0.0',
      'before 11.0.0.0',
      'before 192.168.1.10',
      'before 192.168.7.8',
    ]);
    const boxes = set(theirs, 'boxes', { key: concatType(ipv4Addr, inetService) });
    expect(await nft.listElements(boxes)).toEqual([
      { key: ['10.0.0.0', 80], value: undefined, lastKey: ['10.255.255.255', 90] },
    ]);
    const verdicts = await nft.listElements(verdictMap(theirs, 'verdicts', { key: ipv4Addr }));
    expect(verdicts).toContainEqual({ key: '1.1.0.0', value: accept });
    expect(verdicts).toContainEqual({ key: '1.2.0.0', value: undefined, endsRange: true });
  });

  test('types that are not known here are bytes, and can be written back', async () => {
    const vlans = await setNamed('vlans');
    expect(await nft.listElements(vlans)).toEqual([
      { key: Uint8Array.of(0, 3, 0, 0, 1, 1, 1, 1), value: undefined },
    ]);
    const days = await setNamed('days');
    expect(days.key.byteLength).toBe(1);
    expect((await nft.listElements(days)).map(({ key }) => key)).toEqual(
      expect.arrayContaining(['Monday', 'Friday']),
    );
    expect((await setNamed('times')).key.byteLength).toBe(8);
    // nft's number of six fields has lost the first: it is not taken for a concatenation of five.
    expect((await setNamed('six')).key.byteLength).toBe(24);
    await nft
      .transaction()
      .addElements(vlans, [Uint8Array.of(0, 4, 0, 0, 2, 2, 2, 2)] as never)
      .commit();
    expect(lab.run(ours, 'nft', 'list', 'set', 'inet', 'theirs', 'vlans')).toContain('4 . 2.2.2.2');
  });
});

describe('what is described otherwise than the kernel has it is refused, not read wrongly', () => {
  const t = table('ip', 't');
  const numbers = set(t, 'numbers', { key: ipv4Addr });
  const data = map(t, 'data', { key: ipv4Addr, data: mark });
  const verdicts = verdictMap(t, 'verdicts', { key: ipv4Addr });

  test.each<[string, AnySet, string]>([
    [
      'longer keys',
      set(t, 'numbers', { key: ipv6Addr }),
      'described with ipv6_addr (16 bytes), and it has 4 bytes',
    ],
    [
      'shorter keys',
      set(t, 'numbers', { key: inetService }),
      'described with inet_service (2 bytes), and it has 4 bytes',
    ],
    [
      'other data',
      map(t, 'data', { key: ipv4Addr, data: ipv6Addr }),
      'described with ipv6_addr (16 bytes), and it has 4 bytes',
    ],
    [
      'data for verdicts',
      map(t, 'verdicts', { key: ipv4Addr, data: mark }),
      'described with mark (4 bytes), and it has verdicts',
    ],
    [
      'verdicts for data',
      verdictMap(t, 'data', { key: ipv4Addr }),
      'described with verdicts, and it has data',
    ],
  ])('%s', async (_, described, message) => {
    await nft
      .transaction()
      .add(t)
      .add(numbers)
      .add(data)
      .add(verdicts)
      .addElements(numbers, ['10.0.0.1'])
      .addElements(data, [['10.0.0.1', 1]])
      .addElements(verdicts, [['10.0.0.1', drop]])
      .commit();
    const listed = nft.listElements(described);
    await expect(listed).rejects.toThrow(InvalidArgumentError);
    await expect(listed).rejects.toThrow(message);
  });
});

describe('what does not exist', () => {
  const there = table('ip', 'there');
  const nowhere = table('ip', 'nowhere');

  test.each<[string, () => Promise<unknown>]>([
    ['listing the chains of table ip nowhere', () => nft.listChains(nowhere)],
    ['listing the rules of table ip nowhere', () => nft.listRules(nowhere)],
    ['listing the rules of chain ip there missing', () => nft.listRules(chain(there, 'missing'))],
    ['listing the rules of chain ip nowhere c', () => nft.listRules(chain(nowhere, 'c'))],
    ['listing the sets of table ip nowhere', () => nft.listSets(nowhere)],
    [
      'listing the elements of set ip there missing',
      () => nft.listElements(set(there, 'missing', { key: mark })),
    ],
    ['listing the elements of set ip nowhere s', () => nft.listElements(set(nowhere, 's', { key: mark }))],
  ])('%s: ENOENT', async (what, list) => {
    await nft.transaction().add(there).commit();
    const listed = list();
    await expect(listed).rejects.toThrow(RequestError);
    await expect(listed).rejects.toMatchObject({ code: 'ENOENT', errno: 2, message: `${what}: ENOENT` });
  });

  test('what exists and is empty is an empty list', async () => {
    const empty = chain(there, 'empty');
    const nothing = set(there, 'nothing', { key: mark });
    await nft.transaction().add(there).commit();
    expect(await nft.listChains(there)).toEqual([]);
    expect(await nft.listSets(there)).toEqual([]);
    expect(await nft.listRules(there)).toEqual([]);
    await nft.transaction().add(empty).add(nothing).commit();
    expect(await nft.listRules(empty)).toEqual([]);
    expect(await nft.listElements(nothing)).toEqual([]);
  });
});

describe('while another process changes the ruleset all the time', () => {
  const busy = table('ip', 'busy');
  const half: Table = table('ip', 'half');
  const pairs = set(busy, 'pairs', { key: inetService });
  const COUNT = 1000;

  /** Moves the set's elements from one half of the ports to the other, in one transaction each time. */
  const writer = `
    import { inetService, Nftables, set, table } from './src/index.ts';
    import { setTimeout as sleep } from 'node:timers/promises';
    const nft = Nftables.open();
    const busy = table('ip', 'busy');
    const pairs = set(busy, 'pairs', { key: inetService });
    const ports = (from) => Array.from({ length: ${COUNT} }, (_, i) => from + i);
    const halves = [ports(1000), ports(2000)];
    for (let n = 0; ; n++) {
      await nft.transaction().addElements(pairs, halves[(n + 1) % 2]).deleteElements(pairs, halves[n % 2])
        .add(table('ip', 'half')).commit();
      if (n === 0) console.log('begun');
      await nft.transaction().delete(table('ip', 'half')).commit();
      await sleep(1);
    }`;

  test('every list is of one moment', async () => {
    const first = Array.from({ length: COUNT }, (_, i) => 1000 + i);
    await nft.transaction().add(busy).add(pairs).addElements(pairs, first).commit();
    const child = lab.start(ours, 'node', '--import', 'tsx', '--input-type=module', '-e', writer);
    try {
      if (child.stdout === null) throw new Error('the writer has no output');
      await once(child.stdout, 'data');
      const before = await nft.generation();
      const seen = new Set<number>();
      for (let now = before; now < before + 300; now = await nft.generation()) {
        const keys = (await nft.listElements(pairs)).map(({ key }) => key).sort((x, y) => x - y);
        expect(keys).toHaveLength(COUNT);
        expect((keys.at(-1) ?? 0) - (keys[0] ?? 0)).toBe(COUNT - 1);
        seen.add(keys[0] ?? 0);
        expect((await nft.listTables()).filter(({ name }) => name !== half.name)).toEqual([busy]);
        expect(await nft.listSets(busy)).toHaveLength(1);
      }
      expect([...seen].sort()).toEqual([1000, 2000]);
    } finally {
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
  });
});

/** A description as plain data: functions of types are not compared. */
function withoutFunctions(described: AnySet): unknown {
  return JSON.parse(JSON.stringify(described));
}
