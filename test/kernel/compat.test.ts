import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { Lab } from '../../lab/lab.ts';
import {
  accept,
  anonymousSet,
  baseChain,
  chain,
  copyRule,
  counter,
  type Expression,
  eq,
  expressions,
  inetService,
  ip,
  type ListedRule,
  meta,
  Nftables,
  neq,
  oneOf,
  type RuleCompat,
  rule,
  type Statement,
  table,
  tcp,
} from '../../src/index.ts';
import { failureOf } from './failure-of.ts';
import { sentByUs } from './nft-debug.ts';

/** Rules as iptables-nft writes them: matches and targets of x_tables, which ask for a protocol (NFTA_RULE_COMPAT). */

const lab = new Lab('nftlink-compat');
const host = lab.host('host');
const nft = Nftables.open({ netns: { path: host.netnsPath } });
const filter = table('ip', 'filter');
const input = baseChain(filter, 'INPUT', { type: 'filter', hook: 'input', priority: 0 });
const copies = chain(filter, 'copies');

beforeEach(() => nft.transaction().add(filter).delete(filter).add(filter).add(input).add(copies).commit());

afterAll(async () => {
  await nft.close();
  await lab.close();
});

/** struct xt_tcp and xt_udp of linux/netfilter/xt_tcpudp.h: two ranges of ports, the rest zero. */
function ports(name: 'tcp' | 'udp', from: number, to: number): Expression {
  const info = Buffer.alloc(16);
  for (const [i, port] of [0, 0xffff, from, to].entries()) info.writeUInt16LE(port, 2 * i);
  return expressions.matchKind.make({ name, rev: 0, info });
}

/** A match that minds no protocol. */
function comment(text: string): Expression {
  const info = Buffer.alloc(256);
  info.write(text);
  return expressions.matchKind.make({ name: 'comment', rev: 0, info });
}

const classify = expressions.targetKind.make({
  name: 'CLASSIFY',
  rev: 0,
  info: Buffer.from([1, 0, 2, 0, 0, 0, 0, 0]),
});
/** As older iptables-nft did: from the header itself. */
const protocolField = [
  expressions.payloadKind.make({ dreg: 1, base: 'network', offset: 9, len: 1 }),
  expressions.cmpKind.make({ sreg: 1, op: 'eq', data: Uint8Array.of(17) }),
];

type Parts = readonly (Statement | Expression | typeof accept)[];

const RULES: readonly (readonly [text: string, compat: RuleCompat, parts: Parts])[] = [
  ['-p tcp --dport 22', { protocol: 6 }, [eq(meta.l4proto, 'tcp'), ports('tcp', 22, 22), counter, accept]],
  ['-p udp --dport 1:9, older', { protocol: 17 }, [...protocolField, ports('udp', 1, 9), counter]],
  [
    '! -p tcp --comment',
    { protocol: 6, invert: true },
    [neq(meta.l4proto, 'tcp'), comment('not tcp'), counter],
  ],
  ['-s 10.0.0.1 --comment', { protocol: 0 }, [eq(ip.saddr, '10.0.0.1'), comment('one'), counter]],
];
const MANGLE = table('ip', 'mangle');

function bytesOf({ expressions: list }: ListedRule): readonly string[] {
  return list.map(({ name, data }) => `${name} ${Buffer.from(data).toString('hex')}`);
}

describe.each(RULES)('%s', (_, compat, parts) => {
  test('is sent with its protocol, and listed as bytes and fields', async () => {
    const sent = await sentByUs((transaction) => transaction.add(rule(input, parts, { compat })));
    const [protocol, flags] = [compat.protocol, compat.invert ? 2 : 0].map((n) =>
      n.toString(16).padStart(8, '0'),
    );
    expect(sent[0]?.attributes).toContain(`5: [ 1: ${protocol}, 2: ${flags} ]`);
    await nft
      .transaction()
      .add(rule(input, parts, { compat }))
      .commit();
    const [listed] = await nft.listRules(input);
    expect(listed?.expressions.every(({ fields }) => fields !== undefined)).toBe(true);
    expect(listed?.expressions.find(({ name }) => name === 'match')?.fields).toHaveProperty('info');
  });

  test('is copied, with the protocol that the kernel does not list', async () => {
    await nft
      .transaction()
      .add(rule(input, parts, { compat, comment: 'ours' }))
      .commit();
    const [listed] = await nft.listRules(input);
    if (listed === undefined) throw new Error('no rule');
    const copy = copyRule(listed, copies);
    expect(copy).toMatchObject({ compat, comment: 'ours', chain: copies });
    await nft.transaction().add(copy).add(copyRule(listed)).commit();
    const [again] = await nft.listRules(copies);
    expect(again && bytesOf(again)).toEqual(bytesOf(listed));
    expect((await nft.listRules(input)).map(bytesOf)).toEqual([bytesOf(listed), bytesOf(listed)]);
  });
});

test('targets too', async () => {
  const out = baseChain(MANGLE, 'POSTROUTING', { type: 'filter', hook: 'postrouting', priority: 'mangle' });
  const compat = { protocol: 17 };
  await nft
    .transaction()
    .add(MANGLE)
    .add(out)
    .add(rule(out, [...protocolField, ports('udp', 53, 53), classify], { compat }))
    .commit();
  const [listed] = await nft.listRules(out);
  if (listed === undefined) throw new Error('no rule');
  await nft.transaction().replace(listed, copyRule(listed)).commit();
  const [again] = await nft.listRules(out);
  expect(again && bytesOf(again)).toEqual(bytesOf(listed));
});

test('a match that asks for a protocol is refused without it', async () => {
  const without = rule(input, [eq(meta.l4proto, 'tcp'), ports('tcp', 22, 22)]);
  expect((await failureOf(nft.transaction().add(without).commit())).failures).toMatchObject([
    { code: 'EINVAL', field: 'expressions[2] match' },
  ]);
  expect(() => rule(input, [], { compat: { protocol: 256 } })).toThrow('compat.protocol: 256');
});

test('any other rule is copied without a protocol; one with a set of its own is not', async () => {
  await nft
    .transaction()
    .add(rule(input, [eq(ip.saddr, '10.0.0.1'), counter, accept]))
    .add(rule(input, [oneOf(tcp.dport, anonymousSet(inetService, [22, 80])), accept]))
    .commit();
  const [plain, owner] = await nft.listRules(input);
  if (plain === undefined || owner === undefined) throw new Error('no rules');
  expect(copyRule(plain)).not.toHaveProperty('compat');
  expect(() => copyRule(owner)).toThrow('listed: "__set0"');
});
