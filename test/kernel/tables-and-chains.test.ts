import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Lab } from '../../lab/lab.ts';
import {
  baseChain,
  type ChainType,
  chain,
  counter,
  type Family,
  type Hook,
  inetService,
  Nftables,
  rule,
  set,
  table,
} from '../../src/index.ts';
import { failureOf } from './failure-of.ts';

const lab = new Lab('nftlink-tables');
const ours = lab.host('ours');
let nft: Nftables;
const open = () => Nftables.open({ netns: { path: ours.netnsPath } });

beforeAll(() => {
  nft = open();
  for (const name of ['d0', 'd1', 'd2']) lab.run(ours, 'ip', 'link', 'add', name, 'type', 'veth');
});

afterAll(async () => {
  await nft.close();
  await lab.close();
});

describe('a table with an owner', () => {
  const owned = table('ip', 'owned', { owner: true, comment: 'mine' });
  const c = chain(owned, 'c');

  test('is changed by its owner and by nobody else', async () => {
    const owner = open();
    await owner
      .transaction()
      .create(owned)
      .add(c)
      .add(rule(c, [counter]))
      .commit();
    expect(await nft.listTables('ip')).toMatchObject([{ name: 'owned', owner: true, comment: 'mine' }]);
    expect(lab.run(ours, 'nft', 'list', 'tables', 'ip')).toContain('owned');
    const attempts = [
      nft.transaction().add(chain(owned, 'd')),
      nft.transaction().add(rule(c, [counter])),
      nft.transaction().add(set(owned, 's', { key: inetService })),
      nft.transaction().flush(owned),
      nft.transaction().delete(owned),
      nft.transaction().destroy(owned),
    ];
    for (const attempt of attempts) {
      const { failures } = await failureOf(attempt.commit());
      expect(failures).toMatchObject([{ code: 'EPERM' }]);
      expect(failures[0]?.message).toContain('another owner');
    }
    expect(await owner.listRules(c)).toHaveLength(1);
    await owner.transaction().flush(owned).commit();
    await owner.close();
    expect(await nft.listTables('ip')).toEqual([]);
  });

  test('is not left by its owner, nor taken over', async () => {
    const owner = open();
    await owner.transaction().add(owned).commit();
    const { failures } = await failureOf(owner.transaction().add(table('ip', 'owned')).commit());
    expect(failures).toMatchObject([{ code: 'EOPNOTSUPP' }]);
    expect((await failureOf(nft.transaction().add(owned).commit())).failures).toMatchObject([
      { code: 'EPERM' },
    ]);
    await owner.close();
    const free = table('ip', 'free');
    await nft.transaction().add(free).commit();
    const taken = nft
      .transaction()
      .add(table('ip', 'free', { owner: true }))
      .commit();
    expect((await failureOf(taken)).failures).toMatchObject([{ code: 'EOPNOTSUPP' }]);
    await nft.transaction().delete(free).commit();
  });

  test('that persists waits for the next owner', async () => {
    const lasting = table('ip', 'lasting', { owner: true, persist: true });
    const first = open();
    await first.transaction().add(lasting).add(chain(lasting, 'c')).commit();
    expect(await nft.listTables('ip')).toMatchObject([{ name: 'lasting', owner: true, persist: true }]);
    await first.close();
    const second = open();
    expect(await second.listTables('ip')).toMatchObject([{ name: 'lasting', persist: true }]);
    await second.transaction().add(lasting).commit();
    expect(await second.listChains(lasting)).toHaveLength(1);
    expect((await failureOf(nft.transaction().delete(lasting).commit())).failures).toMatchObject([
      { code: 'EPERM' },
    ]);
    await second.transaction().delete(lasting).commit();
    await second.close();
    expect(() => table('ip', 't', { persist: true })).toThrow('persist');
  });
});

test('a dormant table sleeps and wakes', async () => {
  const asleep = table('inet', 'sleeper', { dormant: true });
  const output = baseChain(asleep, 'output', { type: 'filter', hook: 'output', priority: 0 });
  const counts = async () => {
    const [only] = await nft.listRules(output);
    return only?.expressions[0]?.fields;
  };
  const send = () =>
    lab.run(ours, 'python3', '-c', "import socket; socket.socket(2, 2).sendto(b'x', ('127.0.0.1', 9))");
  await nft
    .transaction()
    .add(asleep)
    .add(output)
    .add(rule(output, [counter]))
    .commit();
  send();
  expect(await counts()).toMatchObject({ packets: 0n });
  await nft.transaction().add(table('inet', 'sleeper')).commit();
  expect(await nft.listTables('inet')).toEqual([{ kind: 'table', family: 'inet', name: 'sleeper' }]);
  send();
  const awake = await counts();
  expect(awake).not.toMatchObject({ packets: 0n });
  await nft.transaction().add(asleep).commit();
  send();
  expect(await counts()).toEqual(awake);
  await nft.transaction().delete(asleep).commit();
});

/** linux/netfilter: which chains there are. Devices where a hook needs some. */
const IP_HOOKS = ['prerouting', 'input', 'forward', 'output', 'postrouting'] as const;
const NAT_HOOKS = ['prerouting', 'input', 'output', 'postrouting'] as const;
const CHAINS: readonly (readonly [Family, ChainType, readonly Hook[]])[] = [
  ...(['ip', 'ip6', 'inet'] as const).flatMap(
    (family) =>
      [
        [family, 'filter', IP_HOOKS],
        [family, 'nat', NAT_HOOKS],
        [family, 'route', ['output']],
      ] as const,
  ),
  ['inet', 'filter', ['ingress']],
  ['bridge', 'filter', IP_HOOKS],
  ['arp', 'filter', ['input', 'output']],
  ['netdev', 'filter', ['ingress', 'egress']],
];
const EACH_CHAIN = CHAINS.flatMap(([family, type, hooks]) =>
  hooks.map((hook) => [family, type, hook] as const),
);

describe('base chains', () => {
  test.each(EACH_CHAIN)('of family %s, type %s, at %s', async (family, type, hook) => {
    const t = table(family, 'every');
    const devices = family === 'netdev' || hook === 'ingress' ? { devices: ['d0', 'd1'] } : {};
    const priority = type === 'nat' ? -50 : -7;
    const base = baseChain(t, 'c', { type, hook, priority, policy: 'accept', ...devices });
    await nft.transaction().add(t).add(base).commit();
    const [found] = await nft.listChains(t);
    expect(found).toEqual(base);
    const listing = lab.run(ours, 'nft', 'list', 'table', family, 'every');
    expect(listing).toContain(`type ${type} hook ${hook} `);
    await nft.transaction().delete(t).commit();
  });

  test('take another policy, and nothing else', async () => {
    const t = table('inet', 'p');
    const at = { type: 'filter', hook: 'input', priority: 0 } as const;
    await nft
      .transaction()
      .add(t)
      .add(baseChain(t, 'c', at))
      .commit();
    await nft
      .transaction()
      .add(baseChain(t, 'c', { ...at, policy: 'drop' }))
      .commit();
    expect((await nft.listChains(t))[0]?.base?.policy).toBe('drop');
    await nft
      .transaction()
      .add(baseChain(t, 'c', at))
      .commit();
    expect((await nft.listChains(t))[0]?.base?.policy).toBe('accept');
    for (const other of [
      { ...at, priority: 1 },
      { ...at, hook: 'output' },
      { ...at, type: 'nat', priority: 0 },
    ] as const) {
      await failureOf(
        nft
          .transaction()
          .add(baseChain(t, 'c', other))
          .commit(),
      );
    }
    await nft.transaction().delete(t).commit();
  });
});

describe('devices of a chain', () => {
  const t = table('netdev', 'n');
  const at = { type: 'filter', hook: 'ingress', priority: 0 } as const;
  const devicesNow = async () => (await nft.listChains(t))[0]?.base?.devices;

  test('are added by adding the chain, and deleted one by one', async () => {
    const one = baseChain(t, 'c', { ...at, devices: ['d0'] });
    await nft.transaction().add(t).add(one).commit();
    expect(await devicesNow()).toEqual(['d0']);
    await nft
      .transaction()
      .add(baseChain(t, 'c', { ...at, devices: ['d0', 'd1', 'd2'] }))
      .commit();
    expect([...((await devicesNow()) ?? [])].sort()).toEqual(['d0', 'd1', 'd2']);
    await nft.transaction().deleteDevices(one, ['d0', 'd2']).commit();
    expect(await devicesNow()).toEqual(['d1']);
    const { failures } = await failureOf(nft.transaction().deleteDevices(one, ['d0']).commit());
    expect(failures).toMatchObject([{ code: 'ENOENT', target: 'chain netdev n c' }]);
    expect(() => nft.transaction().deleteDevices(one, ['a name that is too long'])).toThrow('devices[0]');
    await nft.transaction().delete(t).commit();
  });

  test('are meant by the start of their names, those to come too', async () => {
    await nft.requireFeature('devicePrefixes');
    const many = baseChain(t, 'c', { ...at, devices: ['d*', 'lo', 'odd\\*'] });
    await nft
      .transaction()
      .add(t)
      .add(many)
      .add(rule(many, [counter]))
      .commit();
    expect([...((await devicesNow()) ?? [])].sort()).toEqual(['d*', 'lo', 'odd\\*']);
    lab.run(ours, 'ip', 'link', 'add', 'dx', 'type', 'veth', 'peer', 'name', 'ex');
    lab.run(ours, 'ip', 'link', 'set', 'dx', 'up');
    lab.run(ours, 'ip', 'link', 'set', 'ex', 'up');
    lab.run(ours, 'ip', 'addr', 'add', '10.9.0.1/24', 'dev', 'ex');
    const send = `import socket; s = socket.socket(2, 2); s.setsockopt(1, 25, b'ex'); s.sendto(b'x', ('10.9.0.255', 9))`;
    lab.run(ours, 'python3', '-c', `${send.replace('s.setsockopt', 's.setsockopt(1, 6, 1); s.setsockopt')}`);
    const [listed] = await nft.listRules(many);
    expect(listed?.expressions[0]?.fields?.['packets']).toBeGreaterThan(0n);
    await nft.transaction().deleteDevices(many, ['d*', 'lo']).commit();
    expect(await devicesNow()).toEqual(['odd\\*']);
    const { failures } = await failureOf(nft.transaction().deleteDevices(many, ['d*']).commit());
    expect(failures).toMatchObject([{ code: 'ENOENT' }]);
    const wrong = (name: string) => () => baseChain(t, 'x', { ...at, devices: [name] });
    expect(wrong('*')).toThrow('devices[0]: "*"');
    expect(wrong('a name of 16 by*')).not.toThrow();
    expect(wrong('a name of 16 byt*')).toThrow('devices[0]');
    await nft.transaction().delete(t).commit();
  });
});
