import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { Lab } from '../../lab/lab.ts';
import {
  type AnonymousChain,
  accept,
  anonymousChain,
  anonymousSet,
  baseChain,
  chain,
  copyRule,
  counter,
  drop,
  eq,
  goto,
  inetService,
  ip,
  jump,
  Nftables,
  oneOf,
  return_,
  rule,
  table,
  tcp,
  type Verdict,
  verdictMap,
} from '../../src/index.ts';
import { FakeKernel } from '../../src/testing/index.ts';
import { heardOf } from './agreement-compare.ts';
import { failureOf } from './failure-of.ts';
import { type SentMessage, sentByNft, sentByUs } from './nft-debug.ts';

/** Chains without a name: what we send is, attribute by attribute, what nft sends of the same words. */

const lab = new Lab('nftlink-anonymous-chains');
const ours = lab.host('ours');
const theirs = lab.host('theirs');
let nft: Nftables;
const inet = table('inet', 't');
const input = baseChain(inet, 'input', { type: 'filter', hook: 'input', priority: 'filter' });

beforeAll(() => {
  nft = Nftables.open({ netns: { path: ours.netnsPath } });
});

beforeEach(async () => {
  await nft.transaction().add(inet).delete(inet).add(inet).add(input).commit();
  lab.load(theirs, 'table inet t\ndelete table inet t\n');
  lab.load(theirs, 'table inet t {\n chain input {\n type filter hook input priority filter\n }\n }\n');
});

afterAll(async () => {
  await nft.close();
  await lab.close();
});

const CASES: readonly (readonly [text: string, to: (rules: AnonymousChain) => Verdict, AnonymousChain])[] = [
  ['jump { counter drop; }', jump, anonymousChain([counter, drop])],
  [
    'jump { ip saddr 10.0.0.1 accept; tcp dport 22 counter accept; drop; }',
    jump,
    anonymousChain([eq(ip.saddr, '10.0.0.1'), accept], [eq(tcp.dport, 22), counter, accept], [drop]),
  ],
  [
    'goto { tcp dport { 22, 80 } return; counter drop; }',
    goto,
    anonymousChain([oneOf(tcp.dport, anonymousSet(inetService, [22, 80])), return_], [counter, drop]),
  ],
  [
    'jump { counter accept comment "let in"; }',
    jump,
    anonymousChain({ statements: [counter, accept], comment: 'let in' }),
  ],
];

/** nft goes on counting where it stopped: only which number is meant where can be compared. */
function comparable(messages: readonly SentMessage[]): readonly unknown[] {
  const seen = new Map<string, number>();
  const nth = (id: string) => {
    if (!seen.has(id)) seen.set(id, seen.size);
    return `id ${seen.get(id)}`;
  };
  return messages
    .filter(({ type }) => type !== 9 && type !== 12)
    .map(({ type, attributes }) => ({
      type,
      attributes: attributes.map((text) =>
        text
          .replace(/^11: ([0-9a-f]{8})$/, (_, id: string) => `11: ${nth(id)}`)
          .replaceAll(
            /(fffffff[cd], )3: ([0-9a-f]{8})/g,
            (_, code: string, id: string) => `${code}3: ${nth(id)}`,
          )
          .replaceAll(/(6c6f6f6b757000, 2: \[ 1: [0-9a-f]+,[^\]]*)4: [0-9a-f]{8}/g, '$1a set'),
      ),
    }));
}

describe.each(CASES)('tcp sport 7 %s', (text, to, rules) => {
  const added = rule(input, [eq(tcp.sport, 7), to(rules)]);
  const command = `add rule inet t input tcp sport 7 ${text}`;

  test('is what nft sends', async () => {
    const sent = await sentByUs((transaction) => transaction.add(added));
    expect(comparable(sent)).toEqual(comparable(sentByNft(theirs, command)));
  });

  test('is listed by nft in the same words, read back, and gone with its rule', async () => {
    await nft.transaction().add(added).commit();
    lab.load(theirs, command);
    const listing = (host: typeof ours) =>
      lab.run(host, 'nft', '-s', 'list', 'ruleset').replaceAll(/__chain\d+/g, '__chain');
    expect(listing(ours)).toBe(listing(theirs));

    const { chains, rules: listed } = await nft.snapshot();
    const own = chains.filter(({ name }) => name !== 'input');
    expect(own.length).toBe(text.split('{ ').length - 1 - (text.includes('22, 80') ? 1 : 0));
    expect(own.every(({ anonymous }) => anonymous)).toBe(true);
    expect(chains.find(({ name }) => name === 'input')).not.toHaveProperty('anonymous');
    const outer = listed.find(({ chain: { name } }) => name === 'input');
    const verdict = outer?.expressions.at(-1)?.fields?.['verdict'] as Verdict;
    expect(own.map(({ name }) => name)).toContain(verdict.chain);
    if (outer !== undefined) expect(() => copyRule(outer)).toThrow('a name that two rules can use');

    await nft.transaction().flush(input).commit();
    expect((await nft.snapshot()).chains.map(({ name }) => name)).toEqual(['input']);
  });
});

test('one within another is what nft sends, and what kernels refuse since 6.4', async () => {
  const text = 'jump { ip saddr 10.0.0.1 jump { counter accept; }; tcp dport 5 goto { drop; }; }';
  const rules = anonymousChain(
    [eq(ip.saddr, '10.0.0.1'), jump(anonymousChain([counter, accept]))],
    [eq(tcp.dport, 5), goto(anonymousChain([drop]))],
  );
  const nested = rule(input, [jump(rules)]);
  const command = `add rule inet t input ${text}`;
  const sent = await sentByUs((transaction) => transaction.add(nested));
  expect(comparable(sent)).toEqual(comparable(sentByNft(theirs, command)));
  expect((await failureOf(nft.transaction().add(nested).commit())).code).toBe('EOPNOTSUPP');
  expect(() => lab.load(theirs, command)).toThrow('Operation not supported');
});

test('the same rules stand behind two jumps, each with a chain of its own', async () => {
  const block = anonymousChain([counter, accept]);
  await nft
    .transaction()
    .add(rule(input, [eq(tcp.dport, 1), jump(block)]))
    .add(rule(input, [eq(tcp.dport, 2), jump(block)]))
    .commit();
  expect((await nft.listChains(inet)).filter(({ anonymous }) => anonymous)).toHaveLength(2);
  const [first] = await nft.listRules(input);
  if (first === undefined) throw new Error('no rule');
  await nft
    .transaction()
    .replace(first, rule(input, [eq(tcp.dport, 3), jump(block)]))
    .commit();
  expect((await nft.listChains(inet)).filter(({ anonymous }) => anonymous)).toHaveLength(2);
});

test('the kernel keeps one that is in use from others', async () => {
  await nft
    .transaction()
    .add(rule(input, [jump(anonymousChain([drop]))]))
    .commit();
  const own = (await nft.listChains(inet)).find(({ anonymous }) => anonymous);
  if (own === undefined) throw new Error('no chain');
  const into = await failureOf(
    nft
      .transaction()
      .add(rule(own, [counter]))
      .commit(),
  );
  const away = await failureOf(nft.transaction().delete(own).commit());
  const flushed = await failureOf(nft.transaction().flush(own).commit());
  const other = await failureOf(
    nft
      .transaction()
      .add(rule(input, [jump(own)]))
      .commit(),
  );
  expect([into.code, away.code, flushed.code, other.code]).toMatchInlineSnapshot(`
    [
      "EOPNOTSUPP",
      "EOPNOTSUPP",
      "EOPNOTSUPP",
      "EINVAL",
    ]
  `);
});

test('whoever listens hears what the fake kernel tells too', async () => {
  const fake = new Nftables(new FakeKernel());
  await fake.transaction().add(inet).add(input).commit();
  const blocks = [
    anonymousChain([oneOf(tcp.dport, anonymousSet(inetService, [22, 80])), accept], [counter, drop]),
    anonymousChain([drop]),
  ];
  const heard = await Promise.all([nft, fake].map((each) => heardOfBlocks(each, blocks)));
  expect(heard[1]).toEqual(heard[0]);
  expect(heard[0]).toHaveLength(8);
});

/** Rules that jump to such chains are added and go: alone, in the place of others, with all of the chain, of the table, and with the table. */
async function heardOfBlocks(
  each: Nftables,
  [block, other]: readonly AnonymousChain[],
): Promise<readonly unknown[]> {
  if (block === undefined || other === undefined) throw new Error('two blocks are needed');
  await using monitor = each.monitor();
  const add = () => each.transaction().add(rule(input, [eq(ip.saddr, '10.0.0.1'), jump(block)]));
  const handle = async () => {
    const [first] = await each.listRules(input);
    if (first === undefined) throw new Error('no rule');
    return first;
  };
  await add().commit();
  await each
    .transaction()
    .replace(await handle(), rule(input, [jump(other)]))
    .commit();
  await each
    .transaction()
    .delete(await handle())
    .commit();
  await add().commit();
  await each.transaction().flush(input).commit();
  await add().commit();
  await each.transaction().flush(inet).commit();
  await add().delete(inet).commit();
  const heard: unknown[] = [];
  for (let i = 0; i < 8; i++) {
    const { value } = await monitor.next();
    heard.push(JSON.parse(JSON.stringify(heardOf(value)).replaceAll(/__(chain|set)\d+/g, '__$1')));
  }
  return heard;
}

test('a packet goes through it', async () => {
  const lo = baseChain(inet, 'out', { type: 'filter', hook: 'output', priority: 0 });
  await nft
    .transaction()
    .add(lo)
    .add(rule(lo, [eq(ip.daddr, '127.0.0.5'), jump(anonymousChain([eq(ip.ttl, 64), counter, drop]))]))
    .commit();
  const send = `import socket; socket.socket(2, 2).sendto(b'x', ('127.0.0.5', 9))`;
  expect(() => lab.run(ours, 'python3', '-c', send)).toThrow('Operation not permitted');
  const inner = (await nft.listRules(inet)).find(({ chain: { name } }) => name.startsWith('__chain'));
  expect(inner?.expressions.find(({ name }) => name === 'counter')?.fields).toMatchObject({ packets: 1n });
});

test('what cannot be is refused where it is described', async () => {
  expect(() => anonymousChain()).toThrow('rules');
  const tooLong = { statements: [drop], comment: 'x'.repeat(200) };
  expect(() => rule(input, [jump(anonymousChain([accept], tooLong))])).toThrow('rules[1].comment');
  const v = verdictMap(inet, 'v', { key: inetService });
  const element = [22, jump(anonymousChain([drop]))] as const;
  expect(() => nft.transaction().addElements(v, [element])).toThrow('of a chain with a name');
  const missing = rule(input, [jump(anonymousChain([counter, jump('nowhere')]))]);
  expect((await failureOf(nft.transaction().add(missing).commit())).failures).toMatchObject([
    { code: 'ENOENT', field: 'expressions[1] immediate', operation: 0 },
  ]);
  const other = chain(table('inet', 'none'), 'c');
  const { failures } = await failureOf(
    nft
      .transaction()
      .add(rule(other, [jump(anonymousChain([drop]))]))
      .commit(),
  );
  expect(failures).toMatchObject([{ code: 'ENOENT', field: 'table' }]);
});
