import {
  baseChain,
  chain,
  drop,
  goto,
  Nftables,
  numgen,
  rule,
  set,
  setMeta,
  type Transaction,
} from 'nftlink';
import { describe, expect, test } from 'vitest';
import { eachClusterSet } from '../../src/layout/set-names.ts';
import { familySets } from '../../src/layout/sets.ts';
import { Cluster } from '../../src/model/cluster.ts';
import { anEndpoint, aService, aSlice } from '../objects.ts';
import { contentsOf } from '../packets/contents.ts';
import { Driver } from '../packets/driver.ts';
import { bytesOf } from '../packets/walk.ts';
import { PROGRAM_OPTIONS, stateOf } from '../states.ts';

/** What a process finds of an earlier one, as it was or damaged: in the end all is as if it had found nothing. */
const NODE_IP = '192.0.2.10';
const FIRST = { epoch: 1, size: 1 };
const sets = familySets('ip', { ...eachClusterSet(() => FIRST), affinity: FIRST });
const { table } = sets;
const named = (name: string) => chain(table, name);

function states() {
  const cluster = new Cluster({ nodeName: 'here', nodeIPs: [NODE_IP] });
  const here = { nodeName: 'here' };
  const spec = (index: number, nodePort = 0) => ({
    clusterIPs: [`10.96.0.${index}`],
    ports: [{ name: '', protocol: 'TCP' as const, port: 80, nodePort }],
  });
  const services = [
    aService('shop/plain', spec(1)),
    aService('shop/empty', spec(2)),
    aService('shop/sticky', { ...spec(3), sessionAffinitySeconds: 10 }),
    aService(
      'shop/balanced',
      {
        ...spec(4, 30080),
        type: 'LoadBalancer',
        externalTrafficPolicy: 'Local',
        loadBalancerSourceRanges: ['10.0.0.0/8', '192.0.2.1/32', '0.0.0.0/0'].slice(0, 2),
      },
      {},
      [{ ip: '203.0.113.1', ipMode: 'VIP' }],
    ),
  ];
  const endpoints = [anEndpoint('10.244.0.1'), anEndpoint('10.244.0.2', here), anEndpoint('10.244.0.3')];
  const slices = ['plain', 'sticky', 'balanced'].map((name) => aSlice(`shop/${name}`, '1', endpoints));
  cluster.apply({
    services: { upserted: services, deleted: [] },
    endpointSlices: { upserted: slices, deleted: [] },
  });
  return [...cluster.states()];
}

function newDriver(): Driver {
  const driver = new Driver('ip', PROGRAM_OPTIONS, bytesOf(NODE_IP));
  driver.program.desired.setNodePortAddresses([NODE_IP]);
  return driver;
}

async function restart(driver: Driver): Promise<number> {
  await driver.restart();
  driver.program.desired.setNodePortAddresses([NODE_IP]);
  return driver.commit(states());
}

async function contents(driver: Driver) {
  const moment = driver.kernel.moments.at(-1);
  if (moment === undefined) throw new Error('nothing was committed');
  return contentsOf(moment, await new Nftables(driver.kernel).listChains(table));
}

async function built(): Promise<Driver> {
  const driver = newDriver();
  await driver.commit(states());
  await driver.clean();
  return driver;
}

test('with everything in place nothing is committed', async () => {
  const driver = await built();
  const { generation } = driver.kernel;
  expect(await restart(driver)).toBe(0);
  await driver.clean();
  expect(driver.kernel.generation).toBe(generation);
});

test('a set that is too large to be read is replaced', async () => {
  const wanted = await contents(await built());
  const driver = new Driver('ip', { ...PROGRAM_OPTIONS, affinitySize: 2 ** 19 }, bytesOf(NODE_IP));
  driver.program.desired.setNodePortAddresses([NODE_IP]);
  await driver.commit(states());
  await driver.clean();
  expect(await restart(driver)).toBeGreaterThan(0);
  const names = () => [...(driver.kernel.moments.at(-1)?.sets.keys() ?? [])];
  expect(names()).toEqual(expect.arrayContaining(['affinity', 'affinity-2']));
  await driver.clean();
  expect(names()).not.toContain('affinity');
  expect(await contents(driver)).toEqual(wanted);
});

test('slots that an adopted sticky Service has room in are given to no other one', async () => {
  const servers = ['10.1.0.1', '10.1.0.2', '10.1.0.3', '10.1.0.4'];
  const sticky = (name: string, last: number, endpoints: readonly string[]) =>
    stateOf(name, `10.96.1.${last}`, endpoints, { affinityMs: 10_000 });
  const driver = newDriver();
  await driver.commit([sticky('a/old', 1, servers.slice(0, 2))]);
  await driver.restart();
  await driver.commit([
    sticky('a/old', 1, servers.slice(0, 2)),
    sticky('a/new', 2, ['10.2.0.1', '10.2.0.2']),
  ]);
  await driver.commit([sticky('a/old', 1, servers)]);
  const client = { address: '10.244.0.9', isNode: false };
  const reached = (last: number) => [
    ...driver.outcomes(client, { address: `10.96.1.${last}`, protocol: 'tcp', port: 80 }),
  ];
  expect(reached(1).sort()).toEqual(servers.map((server) => `${server}:8080`));
  expect(reached(2).sort()).toEqual(['10.2.0.1:8080', '10.2.0.2:8080']);
});

const damages: readonly (readonly [string, (transaction: Transaction, driver: Driver) => void])[] = [
  ['a rule was added', (tx) => tx.add(rule(named('pick-3'), [drop]))],
  ['rules are gone', (tx) => tx.flush(named('to-endpoint'))],
  ['a base chain is gone', (tx) => tx.flush(named('nat-prerouting')).delete(named('nat-prerouting'))],
  [
    'a base chain has another priority',
    (tx) => {
      const options = { type: 'nat', hook: 'prerouting', priority: 7 } as const;
      tx.flush(named('nat-prerouting')).delete(named('nat-prerouting'));
      tx.add(baseChain(table, 'nat-prerouting', options));
      tx.add(rule(named('nat-prerouting'), [goto(named('services'))]));
    },
  ],
  [
    'a class chain draws from more numbers',
    (tx) =>
      tx
        .flush(named('pick-3'))
        .add(rule(named('pick-3'), [setMeta('priority', numgen('random', 4, 0x4b520000))])),
  ],
  ['elements are gone', (tx) => tx.flush(sets.endpoints).flush(sets.services)],
  [
    'an element is another',
    (tx) => {
      const key = ['10.96.0.1', 'tcp', 80, 0x4b520000] as const;
      tx.deleteElements(sets.endpoints, [key]).addElements(sets.endpoints, [[key, ['9.9.9.9', 9]]]);
    },
  ],
  ['an element was added', (tx) => tx.addElements(sets.clusterIps, ['10.96.9.9'])],
  [
    'a network was added',
    (tx) => tx.addElements(sets.allowedSources, [['203.0.113.1', 'tcp', 80, '11.0.0.0/8']]),
  ],
  ['networks are gone', (tx) => tx.flush(sets.allowedSources)],
  ['the ways to the chains are gone', (tx) => tx.flush(sets.dispatch).flush(sets.dispatchLocal)],
  [
    'foreign chains, sets and rules',
    (tx) => {
      const [plain, hooked] = [
        named('foreign'),
        baseChain(table, 'foreign-base', { type: 'filter', hook: 'input', priority: 5 }),
      ];
      const foreign = set(table, 'services-7', { key: sets.clusterIps.key });
      tx.add(plain).add(hooked).add(foreign).addElements(foreign, ['10.0.0.1']);
      tx.add(rule(hooked, [goto(plain)])).add(rule(plain, [goto(named('pick-3'))]));
    },
  ],
];

describe('damage is mended', () => {
  test.each(damages)('%s', async (_what, damage) => {
    const wanted = await contents(await built());
    const driver = await built();
    const transaction = new Nftables(driver.kernel).transaction();
    damage(transaction, driver);
    await transaction.commit();
    expect(await contents(driver)).not.toEqual(wanted);
    expect(await restart(driver)).toBeGreaterThan(0);
    await driver.clean();
    expect(await contents(driver)).toEqual(wanted);
    // And then all is in place.
    expect(await restart(driver)).toBe(0);
  });
});

describe('another table under our name', () => {
  /** As kube-proxy's, as far as names and hooks are concerned; or as another version of ours. */
  async function foreignTable(layoutComment?: string): Promise<Driver> {
    const driver = newDriver();
    const transaction = new Nftables(driver.kernel).transaction().add(table);
    const hook = (name: string, type: 'nat' | 'filter', at: 'prerouting' | 'input', priority: number) =>
      baseChain(table, name, { type, hook: at, priority });
    const [nat, old] = [hook('nat-prerouting', 'nat', 'prerouting', -100), hook('old', 'filter', 'input', 0)];
    const services = chain(table, 'services', layoutComment === undefined ? {} : { comment: layoutComment });
    const perService = ['service-ULMVA6XW-ns1/svc1/tcp/p80', 'pick-3', 'sticky-1'].map(named);
    transaction.add(nat).add(old).add(services);
    for (const each of perService) transaction.add(each);
    transaction.add(set(table, 'cluster-ips', { key: sets.clusterIps.key })).add(sets.dispatch);
    transaction.addElements(sets.dispatch, [[0x4b500001, goto(named('pick-3'))]]);
    for (const each of perService) transaction.add(rule(services, [goto(each)]));
    transaction.add(rule(nat, [goto(services)])).add(rule(old, [goto(services)]));
    await transaction.commit();
    return driver;
  }

  test.each([
    ["kube-proxy's", undefined],
    ['one of another layout', 'nft-proxier, layout 1'],
  ])('%s is replaced', async (_what, comment) => {
    const wanted = await contents(await built());
    const driver = await foreignTable(comment);
    await driver.commit(states());
    // Packets that are in its chains come through: they go later.
    expect(driver.kernel.chains('ip', 'kube-proxy')).toContain('pick-3');
    expect(driver.kernel.chains('ip', 'kube-proxy')).not.toContain('old');
    await driver.clean();
    expect(await contents(driver)).toEqual(wanted);
    expect(await restart(driver)).toBe(0);
  });

  test('a process that is killed before it has cleaned up leaves that to the next one', async () => {
    const wanted = await contents(await built());
    const driver = await foreignTable('nft-proxier, layout 1');
    await driver.commit(states());
    expect(await restart(driver)).toBe(0);
    expect(driver.kernel.chains('ip', 'kube-proxy')).toContain('pick-3');
    await driver.clean();
    expect(await contents(driver)).toEqual(wanted);
    expect(driver.kernel.chains('ip', 'kube-proxy')).not.toContain('pick-3');
  });
});
