import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Lab } from '../../lab/lab.ts';
import {
  baseChain,
  chain,
  dccp,
  dccpOptionExists,
  drop,
  eq,
  flowAdd,
  flowtable,
  Nftables,
  objectNamed,
  rule,
  secmarkObject,
  table,
} from '../../src/index.ts';
import { FakeKernel } from '../../src/testing/index.ts';
import { LACKING } from './expression-cases.ts';
import { failureOf } from './failure-of.ts';
import { sentByNft, sentByUs } from './nft-debug.ts';

/**
 * What this kernel was built without (flowtables, queues, security labels, bridge metadata, options of DCCP): what we send is, attribute by
 * attribute, what nft sends; and the kernel's refusal is told for what it is.
 */

const lab = new Lab('nftlink-unsupported');
const host = lab.host('host');
let nft: Nftables;
const inet = table('inet', 't');
const rules = chain(inet, 'c');
const bridge = table('bridge', 't');
const bridgeRules = chain(bridge, 'c');
const netdev = table('netdev', 't');
const netdevRules = chain(netdev, 'c');

beforeAll(async () => {
  nft = Nftables.open({ netns: { path: host.netnsPath } });
  await nft
    .transaction()
    .add(inet)
    .add(rules)
    .add(bridge)
    .add(bridgeRules)
    .add(netdev)
    .add(netdevRules)
    .commit();
});

afterAll(async () => {
  await nft.close();
  await lab.close();
});

describe('flowtables', () => {
  const fast = flowtable(inet, 'fast', {
    priority: 5,
    devices: ['eth0', 'eth1'],
    offload: true,
    counter: true,
  });
  const plain = flowtable(inet, 'plain', { priority: 'filter', devices: ['lo'] });

  test.each([
    [
      'add flowtable inet t fast { hook ingress priority 5; devices = { eth0, eth1 }; flags offload; counter; }',
      fast,
    ],
    ['add flowtable inet t plain { hook ingress priority filter; devices = { lo }; }', plain],
  ])('%s', async (command, described) => {
    expect(await sentByUs((transaction) => transaction.add(described))).toEqual(sentByNft(host, command));
  });

  test('with interfaces by the start of their names, which nft 1.0.6 cannot say', async () => {
    const many = flowtable(inet, 'many', { priority: 0, devices: ['eth*', 'lo'] });
    expect(await sentByUs((transaction) => transaction.add(many))).toEqual([
      {
        type: 22,
        attributes: [
          '1: 7400',
          `2: ${Buffer.from('many\0').toString('hex')}`,
          '3: [ 1: 00000000, 2: 00000000, 3: [ 1: 6c6f00, 2: 65746800 ] ]',
          '7: 00000000',
        ],
      },
    ]);
    const fake = new Nftables(new FakeKernel());
    await fake.transaction().add(inet).add(many).commit();
    expect(await fake.listFlowtables(inet)).toEqual([many]);
  });

  test('are deleted by name', async () => {
    expect(await sentByUs((transaction) => transaction.delete(plain))).toEqual([
      { type: 24, attributes: ['1: 7400', `2: ${Buffer.from('plain\0').toString('hex')}`] },
    ]);
    expect(await sentByUs((transaction) => transaction.destroy(plain))).toMatchObject([{ type: 32 }]);
    expect(await sentByUs((transaction) => transaction.deleteDevices(plain, ['lo']))).toMatchObject([
      { type: 24, attributes: ['1: 7400', '2: 706c61696e00', '3: [ 3: [ 1: 6c6f00 ] ]'] },
    ]);
  });

  test('are refused by this kernel, which is said, and listed as none', async () => {
    const { failures } = await failureOf(nft.transaction().add(plain).commit());
    expect(failures).toMatchObject([{ code: 'ENOENT', target: 'flowtable inet t plain' }]);
    expect(failures[0]?.message).toContain('flowtables (CONFIG_NF_FLOW_TABLE)');
    expect(await nft.listFlowtables(inet)).toEqual([]);
    expect(() => flowtable(inet, 'x', { priority: 0.5, devices: [] })).toThrow('priority');
  });

  test('a rule puts connections into one', async () => {
    const sent = await sentByUs((transaction) => transaction.add(rule(rules, [flowAdd(fast)])));
    const name = `1: ${Buffer.from('flow_offload\0').toString('hex')}`;
    expect(sent[0]?.attributes.at(-1)).toBe(
      `4: [ 1: [ ${name}, 2: [ 1: ${Buffer.from('fast\0').toString('hex')} ] ] ]`,
    );
  });
});

describe('expressions', () => {
  test.each(LACKING.map((each) => [each.family, each.text, each] as const))(
    'family %s: %s',
    async (family, text, each) => {
      const of = family === 'bridge' ? bridgeRules : rules;
      const { statements } = each;
      const sent = await sentByUs((transaction) => transaction.add(rule(of, statements)));
      expect(sent).toEqual(sentByNft(host, `add rule ${family} t c ${text}`));
      const { failures } = await failureOf(nft.transaction().add(rule(of, statements)).commit());
      expect(failures[0]?.code).toMatch(/ENOENT|EOPNOTSUPP/);
    },
  );

  test('options of DCCP, which nft 1.0.6 has no words for', async () => {
    const sent = await sentByUs((transaction) =>
      transaction.add(rule(rules, [eq(dccpOptionExists(5), 'exists')])),
    );
    const [attributes = ''] = (sent[0]?.attributes ?? []).slice(-1);
    expect(attributes).toContain(
      '1: 65787468647200, 2: [ 1: 00000001, 2: 05, 3: 00000000, 4: 00000001, 5: 00000001, 6: 00000004 ]',
    );
    const rejected = nft
      .transaction()
      .add(rule(rules, [eq(dccpOptionExists(5), 'exists')]))
      .commit();
    expect((await failureOf(rejected)).failures).toMatchObject([{ code: 'EOPNOTSUPP' }]);
    await nft
      .transaction()
      .add(rule(rules, [eq(dccp.type, 'request'), drop]))
      .flush(rules)
      .commit();
  });
});

test('a security label, and a rule that sets it', async () => {
  const label = secmarkObject(inet, 's', { context: 'system_u:object_r:ssh_server_packet_t:s0' });
  const command = 'add secmark inet t s { "system_u:object_r:ssh_server_packet_t:s0"; }';
  expect(await sentByUs((transaction) => transaction.add(label))).toEqual(sentByNft(host, command));
  expect(await sentByUs((transaction) => transaction.add(rule(rules, [objectNamed(label)])))).toEqual(
    sentByNft(host, 'add rule inet t c meta secmark set "s"'),
  );
});

test('a chain of network cards, where there are none', async () => {
  const at = { type: 'filter', hook: 'ingress', priority: 1, devices: ['lo'], offload: true } as const;
  const offloaded = baseChain(netdev, 'o', at);
  const command =
    'add chain netdev t o { type filter hook ingress device "lo" priority 1; policy accept; flags offload; }';
  expect(await sentByUs((transaction) => transaction.add(offloaded))).toEqual(sentByNft(host, command));
  expect((await failureOf(nft.transaction().add(offloaded).commit())).failures).toMatchObject([
    { code: 'EOPNOTSUPP' },
  ]);
});
