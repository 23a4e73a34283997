import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { Lab } from '../../lab/lab.ts';
import {
  accept,
  baseChain,
  type Chain,
  chain,
  counter,
  drop,
  eq,
  type Family,
  goto,
  inetService,
  ip,
  ipv4Addr,
  ipv6Addr,
  jump,
  map,
  mark,
  Nftables,
  oneOf,
  type PriorityName,
  type Rule,
  type RuleHandle,
  rule,
  ruleHandle,
  set,
  type Table,
  table,
  tcp,
  verdictMap,
} from '../../src/index.ts';
import { failureOf } from './failure-of.ts';

/** What each call on a transaction does in the kernel: as nft lists it, and as we list it. */

const lab = new Lab('nftlink-verbs');
const host = lab.host('host');
const nft = Nftables.open({ netns: { path: host.netnsPath } });

afterAll(async () => {
  await nft.close();
  await lab.close();
});

const listing = () => lab.run(host, 'nft', '-s', 'list', 'ruleset');
const begin = () => nft.transaction();
const keysOf = async (of: typeof addresses) => (await nft.listElements(of)).map(({ key }) => key).sort();

const filter = table('ip', 'filter');
const input = baseChain(filter, 'input', { type: 'filter', hook: 'input', priority: 'filter' });
const ssh = chain(filter, 'ssh');
const addresses = set(filter, 'addresses', { key: ipv4Addr });
const marks = map(filter, 'marks', { key: ipv4Addr, data: mark });
const ports = verdictMap(filter, 'ports', { key: inetService });

beforeEach(async () => {
  await Promise.all((await nft.listTables()).map((each) => begin().delete(each).commit()));
  await begin().add(filter).add(input).add(ssh).add(addresses).add(marks).add(ports).commit();
});

describe('tables, chains, sets, maps and verdict maps', () => {
  const objects = { table: filter, chain: ssh, set: addresses, map: marks, 'verdict map': ports };

  test('that were added are listed by nft and by us', async () => {
    expect(listing()).toMatchInlineSnapshot(`
      "table ip filter {
      	set addresses {
      		type ipv4_addr
      	}

      	map marks {
      		type ipv4_addr : mark
      	}

      	map ports {
      		type inet_service : verdict
      	}

      	chain input {
      		type filter hook input priority filter; policy accept;
      	}

      	chain ssh {
      	}
      }
      "
    `);
    expect(await nft.listTables()).toEqual([filter]);
    expect(await nft.listChains(filter)).toEqual([input, ssh]);
    expect(await nft.listSets(filter)).toEqual([addresses, marks, ports]);
  });

  test.each(Object.entries(objects))('%s: adding what exists changes nothing', async (_, object) => {
    const before = listing();
    await begin().add(object).commit();
    expect(listing()).toBe(before);
  });

  test.each(Object.entries(objects))(
    '%s: creating what exists is EEXIST at its name',
    async (kind, object) => {
      const before = listing();
      const { code, failures } = await failureOf(begin().create(object).commit());
      expect(code).toBe('EEXIST');
      expect(failures).toHaveLength(1);
      const target = object.kind === 'table' ? 'table ip filter' : `${kind} ip filter ${object.name}`;
      expect(failures[0]).toMatchObject({ operation: 0, verb: 'create', field: 'name', target });
      expect(listing()).toBe(before);
    },
  );

  test.each(Object.entries(objects))(
    '%s: deleted, it is gone; then deleting is ENOENT, destroying is not',
    async (kind, object) => {
      await begin().delete(object).commit();
      const gone = listing();
      expect(gone).not.toContain(object.kind === 'table' ? 'filter' : `${object.name} {`);
      const { failures } = await failureOf(begin().delete(object).commit());
      expect(failures).toHaveLength(1);
      expect(failures[0]).toMatchObject({ verb: 'delete', field: 'name', code: 'ENOENT' });
      expect(failures[0]?.message).toContain(
        `no such ${object.kind === 'table' || kind === 'chain' ? kind : 'set'}`,
      );
      await begin().destroy(object).commit();
      expect(listing()).toBe(gone);
    },
  );

  test.each(Object.entries(objects))('%s: destroyed, it is gone, and created anew', async (_, object) => {
    const before = listing();
    await begin().destroy(object).commit();
    expect(listing()).not.toBe(before);
    const again = begin().create(object);
    if (object === filter) again.add(input).add(ssh).add(addresses).add(marks).add(ports);
    await again.commit();
    expect(listing().split('\n').sort()).toEqual(before.split('\n').sort());
  });

  test('in use are not deleted (EBUSY at the name)', async () => {
    await begin()
      .add(rule(input, [oneOf(ip.saddr, addresses), jump(ssh)]))
      .addElements(ports, [[22, goto(ssh)]])
      .commit();
    const before = listing();
    const { failures } = await failureOf(begin().delete(addresses).delete(ssh).commit());
    expect(failures.map(({ operation, code, field }) => [operation, code, field])).toEqual([
      [0, 'EBUSY', 'name'],
      [1, 'EBUSY', 'name'],
    ]);
    expect(listing()).toBe(before);
  });

  test('in a table that is missing: destroying is ENOENT too', async () => {
    const elsewhere = table('ip', 'elsewhere');
    const { failures } = await failureOf(
      begin()
        .destroy(chain(elsewhere, 'c'))
        .destroy(set(elsewhere, 's', { key: ipv4Addr }))
        .commit(),
    );
    expect(failures.map(({ code, field }) => [code, field])).toEqual([
      ['ENOENT', 'table'],
      ['ENOENT', 'table'],
    ]);
  });

  test('a table takes on dormant, a base chain its policy, when it is added again', async () => {
    await begin()
      .add(table('ip', 'filter', { dormant: true }))
      .commit();
    expect(listing()).toContain('flags dormant');
    expect(await nft.listTables()).toEqual([{ ...filter, dormant: true }]);
    await begin()
      .add(filter)
      .add(baseChain(filter, 'input', { type: 'filter', hook: 'input', priority: 'filter', policy: 'drop' }))
      .commit();
    expect(listing()).not.toContain('dormant');
    expect(listing()).toContain('type filter hook input priority filter; policy drop;');
    expect((await nft.listChains(filter))[0]?.base?.policy).toBe('drop');
  });
});

describe('rules', () => {
  const ruleOf = (port: number, of: Chain = ssh): Rule =>
    rule(of, [eq(tcp.dport, port), accept], { comment: `${port}` });
  const comments = async (of: Chain | Table = ssh) => (await nft.listRules(of)).map(({ comment }) => comment);
  const handleOf = async (comment: string): Promise<RuleHandle> => {
    const found = (await nft.listRules(filter)).find((listed) => listed.comment === comment);
    if (found === undefined) throw new Error(`no rule with comment ${comment}`);
    return found;
  };

  test('go to the end, to the start, before another one, and into the place of one', async () => {
    await begin().add(ruleOf(2)).add(ruleOf(3)).insert(ruleOf(1)).commit();
    expect(await comments()).toEqual(['1', '2', '3']);
    await begin()
      .insert(ruleOf(25), await handleOf('3'))
      .commit();
    expect(await comments()).toEqual(['1', '2', '25', '3']);
    await begin()
      .replace(await handleOf('2'), ruleOf(20))
      .commit();
    expect(await comments()).toEqual(['1', '20', '25', '3']);
    const lines = listing()
      .split('\n')
      .filter((line) => line.includes('dport'));
    expect(lines.map((line) => line.trim())).toEqual(
      [1, 20, 25, 3].map((port) => `tcp dport ${port} accept comment "${port}"`),
    );
  });

  test('are deleted by handle, as listed or made from a number', async () => {
    await begin().add(ruleOf(1)).add(ruleOf(2)).add(ruleOf(3)).commit();
    await begin()
      .delete(await handleOf('2'))
      .commit();
    await begin()
      .destroy(ruleHandle(ssh, (await handleOf('1')).handle))
      .commit();
    expect(await comments()).toEqual(['3']);
  });

  test('that are missing: delete, insert before and replace are ENOENT; destroy is not', async () => {
    await begin().add(ruleOf(1)).commit();
    const before = listing();
    const missing = ruleHandle(ssh, 4711n);
    const { failures } = await failureOf(
      begin().delete(missing).insert(ruleOf(2), missing).replace(missing, ruleOf(2)).commit(),
    );
    expect(failures.map(({ verb, code, field }) => [verb, code, field])).toEqual([
      ['delete', 'ENOENT', 'handle'],
      ['insert', 'ENOENT', 'position'],
      ['replace', 'ENOENT', 'handle'],
    ]);
    await begin().destroy(missing).commit();
    expect(listing()).toBe(before);
  });

  test('leave with a flush of their chain, or of their table', async () => {
    await begin().add(ruleOf(1)).add(ruleOf(2)).add(ruleOf(3, input)).commit();
    await begin().flush(ssh).commit();
    expect(await comments(filter)).toEqual(['3']);
    await begin().add(ruleOf(4)).flush(filter).commit();
    expect(await nft.listRules(filter)).toEqual([]);
    expect(listing()).not.toContain('dport');
  });

  test('the same rule twice is two rules', async () => {
    await begin().add(ruleOf(1)).add(ruleOf(1)).commit();
    expect(await comments()).toEqual(['1', '1']);
  });
});

describe('elements', () => {
  test('are added, added again, created, deleted, destroyed and flushed', async () => {
    await begin().addElements(addresses, ['10.0.0.1', '10.0.0.2']).commit();
    await begin().addElements(addresses, ['10.0.0.1', '10.0.0.3']).commit();
    await begin().createElements(addresses, ['10.0.0.4']).commit();
    expect(await keysOf(addresses)).toEqual(['10.0.0.1', '10.0.0.2', '10.0.0.3', '10.0.0.4']);
    await begin()
      .deleteElements(addresses, ['10.0.0.1'])
      .destroyElements(addresses, ['10.0.0.2', '10.0.0.9'])
      .commit();
    expect(await keysOf(addresses)).toEqual(['10.0.0.3', '10.0.0.4']);
    expect(listing()).toMatch(/elements = \{ 10\.0\.0\.[34], 10\.0\.0\.[34] \}/);
    await begin().flush(addresses).commit();
    expect(await nft.listElements(addresses)).toEqual([]);
  });

  test('are moved inside one transaction: deleted and added with other data', async () => {
    await begin()
      .addElements(marks, [['10.0.0.1', 1]])
      .addElements(ports, [[22, goto(ssh)]])
      .commit();
    await begin()
      .deleteElements(marks, ['10.0.0.1'])
      .addElements(marks, [['10.0.0.1', 2]])
      .deleteElements(ports, [22])
      .addElements(ports, [[22, drop]])
      .commit();
    expect(await nft.listElements(marks)).toEqual([{ key: '10.0.0.1', value: 2 }]);
    expect(await nft.listElements(ports)).toEqual([{ key: 22, value: drop }]);
  });

  test.each([
    ['created', () => begin().createElements(addresses, ['10.0.0.1']), 'EEXIST'],
    ['added with other data', () => begin().addElements(marks, [['10.0.0.1', 2]]), 'EEXIST'],
    ['added with another verdict', () => begin().addElements(ports, [[22, accept]]), 'EEXIST'],
    ['deleted when missing', () => begin().deleteElements(addresses, ['10.0.0.2']), 'ENOENT'],
  ])('%s: refused at the key', async (_, transaction, code) => {
    await begin()
      .addElements(addresses, ['10.0.0.1'])
      .addElements(marks, [['10.0.0.1', 1]])
      .addElements(ports, [[22, drop]])
      .commit();
    const before = listing();
    const { failures } = await failureOf(transaction().commit());
    expect(failures).toHaveLength(1);
    expect(failures[0]).toMatchObject({ code, field: 'key', element: { index: 0 } });
    expect(listing()).toBe(before);
  });

  test('more than the set may hold: each that did not fit is named (ENFILE)', async () => {
    const small = set(filter, 'small', { key: ipv4Addr, size: 2 });
    await begin().add(small).addElements(small, ['10.0.0.1']).commit();
    const before = listing();
    const { code, failures } = await failureOf(
      begin().addElements(small, ['10.0.0.2', '10.0.0.3', '10.0.0.4']).commit(),
    );
    expect(code).toBe('ENFILE');
    expect(failures.map(({ element }) => element?.key)).toEqual(['10.0.0.3', '10.0.0.4']);
    expect(failures[0]?.message).toContain('the set is full (size 2)');
    expect(listing()).toBe(before);
  });

  test('with a timeout leave by themselves, and say how long they have', async () => {
    const guests = set(filter, 'guests', { key: ipv4Addr, timeoutMs: 60_000 });
    await begin()
      .add(guests)
      .addElements(guests, [
        '10.0.0.1',
        { key: '10.0.0.2', timeoutMs: 400 },
        { key: '10.0.0.3', timeoutMs: 3_600_000 },
      ])
      .commit();
    const listed = new Map((await nft.listElements(guests)).map((element) => [element.key, element]));
    expect([...listed.keys()].sort()).toEqual(['10.0.0.1', '10.0.0.2', '10.0.0.3']);
    const left = (key: string) => listed.get(key)?.expiresMs ?? 0;
    expect(left('10.0.0.1')).toBeGreaterThan(55_000);
    expect(left('10.0.0.1')).toBeLessThanOrEqual(60_000);
    expect(left('10.0.0.2')).toBeLessThanOrEqual(400);
    expect(left('10.0.0.3')).toBeGreaterThan(3_590_000);
    expect(listed.get('10.0.0.3')?.timeoutMs).toBe(3_600_000);
    await sleep(600);
    expect((await nft.listElements(guests)).map(({ key }) => key).sort()).toEqual(['10.0.0.1', '10.0.0.3']);
    expect(lab.run(host, 'nft', 'list', 'set', 'ip', 'filter', 'guests')).not.toContain('10.0.0.2');
    // What has left can be created again.
    await begin().createElements(guests, ['10.0.0.2']).commit();
  });
});

test('comments of every kind are what nft shows and what we list', async () => {
  const comment = 'naïve "no" – ☃';
  const noted = table('inet', 'noted', { comment });
  const notedChain = chain(noted, 'c', { comment });
  const notedSet = set(noted, 's', { key: ipv6Addr, comment });
  const notedMap = map(noted, 'm', { key: ipv6Addr, data: mark, comment });
  await begin()
    .delete(filter)
    .add(noted)
    .add(notedChain)
    .add(notedSet)
    .add(notedMap)
    .add(rule(notedChain, [counter], { comment }))
    .addElements(notedSet, [{ key: 'fd00::1', comment }])
    .addElements(notedMap, [{ key: 'fd00::1', value: 1, comment }])
    .commit();
  expect(listing().match(/comment "naïve "no" – ☃"/g)).toHaveLength(7);
  expect(await nft.listTables()).toEqual([noted]);
  expect(await nft.listChains(noted)).toEqual([notedChain]);
  expect(await nft.listSets(noted)).toEqual([notedSet, notedMap]);
  expect((await nft.listRules(notedChain)).map((listed) => listed.comment)).toEqual([comment]);
  expect(await nft.listElements(notedSet)).toEqual([{ key: 'fd00::1', value: undefined, comment }]);
  expect(await nft.listElements(notedMap)).toEqual([{ key: 'fd00::1', value: 1, comment }]);
});

test.each(['with space', 'Übergröße ☃', '"quoted" ; # {', `${'ä'.repeat(127)}x`, '-'])(
  'any name is one: %s',
  async (name) => {
    const named = table('ip', name);
    const there = chain(named, name);
    const numbers = set(named, name, { key: inetService });
    const verdicts = verdictMap(named, `${name.slice(0, 120)}2`, { key: inetService });
    await begin()
      .add(named)
      .add(there)
      .add(numbers)
      .add(verdicts)
      .add(rule(there, [oneOf(tcp.dport, numbers), accept]))
      .addElements(numbers, [80])
      .addElements(verdicts, [[80, jump(there)]])
      .commit();
    expect(lab.run(host, 'nft', 'list', 'tables')).toContain(`table ip ${name}\n`);
    expect(listing()).toContain(`tcp dport @${name} accept`);
    expect(await nft.listTables()).toEqual([filter, named]);
    expect(await nft.listChains(named)).toEqual([there]);
    expect(await nft.listSets(named)).toEqual([numbers, verdicts]);
    expect(await nft.listElements(verdicts)).toEqual([{ key: 80, value: jump(there) }]);
    await begin().delete(named).commit();
  },
);

describe('base chains', () => {
  const families = ['ip', 'ip6', 'inet', 'arp', 'bridge'] as const satisfies readonly Family[];

  test.each(families)('family %s: every hook, a policy, a priority', async (family) => {
    const here = table(family, 'hooks');
    const hooks =
      family === 'arp'
        ? (['input', 'output'] as const)
        : (['prerouting', 'input', 'forward', 'output', 'postrouting'] as const);
    const chains = hooks.map((hook, i) =>
      baseChain(here, hook, {
        type: 'filter',
        hook,
        priority: 10 * i - 20,
        policy: i % 2 === 0 ? 'drop' : 'accept',
      }),
    );
    const transaction = begin().delete(filter).add(here);
    for (const each of chains) transaction.add(each);
    await transaction.commit();
    const shown = listing();
    for (const { base } of chains) {
      // nft shows a number that is near a name by that name.
      expect(shown).toMatch(
        new RegExp(`type filter hook ${base?.hook} priority .*; policy ${base?.policy};`),
      );
    }
    expect(await nft.listChains(here)).toEqual(chains);
  });

  const priorities: readonly [
    Family,
    PriorityName,
    'filter' | 'nat',
    'prerouting' | 'postrouting' | 'output' | 'input',
  ][] = [
    ['ip', 'raw', 'filter', 'prerouting'],
    ['inet', 'mangle', 'filter', 'prerouting'],
    ['ip6', 'dstnat', 'nat', 'prerouting'],
    ['ip', 'filter', 'filter', 'input'],
    ['inet', 'security', 'filter', 'input'],
    ['ip', 'srcnat', 'nat', 'postrouting'],
    ['bridge', 'dstnat', 'filter', 'prerouting'],
    ['bridge', 'filter', 'filter', 'input'],
    ['bridge', 'out', 'filter', 'output'],
    ['bridge', 'srcnat', 'filter', 'postrouting'],
  ];

  test.each(priorities)(
    '%s: priority %s is the one that nft calls so',
    async (family, priority, type, hook) => {
      const here = table(family, 'priorities');
      await begin()
        .add(here)
        .add(baseChain(here, 'c', { type, hook, priority }))
        .commit();
      expect(listing()).toContain(`type ${type} hook ${hook} priority ${priority}; policy accept;`);
    },
  );

  test('a device, several devices, and an inet ingress', async () => {
    for (const name of ['v0', 'v1']) {
      lab.run(host, 'ip', 'link', 'add', name, 'type', 'veth', 'peer', 'name', `${name}p`);
    }
    const here = table('netdev', 'here');
    const both = table('inet', 'both');
    const at = { type: 'filter', hook: 'ingress', priority: -500 } as const;
    const chains = [
      baseChain(here, 'one', { ...at, devices: ['v0'] }),
      baseChain(here, 'two', { ...at, devices: ['v0', 'v1'], policy: 'drop' }),
    ];
    const inner = baseChain(both, 'three', { ...at, devices: ['v0p', 'v1p'] });
    await begin().delete(filter).add(here).add(both).add(inner).commit();
    await begin()
      .add(chains[0] as Chain)
      .add(chains[1] as Chain)
      .commit();
    expect(listing()).toMatchInlineSnapshot(`
      "table netdev here {
      	chain one {
      		type filter hook ingress device "v0" priority -500; policy accept;
      	}

      	chain two {
      		type filter hook ingress devices = { v0, v1 } priority -500; policy drop;
      	}
      }
      table inet both {
      	chain three {
      		type filter hook ingress devices = { v0p, v1p } priority -500; policy accept;
      	}
      }
      "
    `);
    expect(await nft.listChains(here)).toEqual(chains);
    expect(await nft.listChains(both)).toEqual([inner]);
  });

  test('a dormant table sees no packets', async () => {
    const asleep = table('ip', 'asleep', { dormant: true });
    const refuse = baseChain(asleep, 'output', {
      type: 'filter',
      hook: 'output',
      priority: 0,
      policy: 'drop',
    });
    const send = () => lab.run(host, 'bash', '-c', 'echo hello > /dev/udp/127.0.0.1/9');
    await begin().add(asleep).add(refuse).commit();
    send();
    await begin().add(table('ip', 'asleep')).commit();
    expect(send).toThrow('Operation not permitted');
  });
});
