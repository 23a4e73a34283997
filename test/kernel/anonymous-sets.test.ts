import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { Lab } from '../../lab/lab.ts';
import {
  accept,
  anonymousMap,
  anonymousSet,
  anonymousVerdictMap,
  baseChain,
  chain,
  counterObject,
  inetService,
  ip,
  ipv4Addr,
  mapped,
  mark,
  Nftables,
  oneOf,
  rule,
  type Snapshot,
  setMeta,
  table,
  tcp,
} from '../../src/index.ts';
import { ANONYMOUS, type AnonymousCase } from './anonymous-cases.ts';
import { failureOf } from './failure-of.ts';
import { type SentMessage, sentByNft, sentByUs } from './nft-debug.ts';
import { rawElements } from './raw-dump.ts';

/** Sets and maps without a name: what we send is, attribute by attribute, what nft sends of the same words. */

const lab = new Lab('nftlink-anonymous');
const ours = lab.host('ours');
const theirs = lab.host('theirs');
let nft: Nftables;
let reference: Nftables;
const inet = table('inet', 't');
const c = baseChain(inet, 'c', { type: 'nat', hook: 'postrouting', priority: 'srcnat' });
const nat = baseChain(inet, 'n', { type: 'nat', hook: 'prerouting', priority: 'dstnat' });
const d = chain(inet, 'd');
const chainOf = ({ text }: AnonymousCase) => (text.startsWith('dnat') ? nat : c);

beforeAll(async () => {
  nft = Nftables.open({ netns: { path: ours.netnsPath } });
  reference = Nftables.open({ netns: { path: theirs.netnsPath } });
  for (const each of [nft, reference]) {
    const transaction = each.transaction().add(inet).add(c).add(nat).add(d).add(counterObject(inet, 'n'));
    await transaction.commit();
  }
});

afterEach(async () => {
  for (const each of [nft, reference]) {
    await each.transaction().flush(inet).commit();
    expect((await each.snapshot()).sets).toEqual([]);
  }
});

afterAll(async () => {
  await nft.close();
  await reference.close();
  await lab.close();
});

/**
 * The numbers of sets within the transaction are ours and nft's own; nft's description of keys and data, which it takes from the
 * rule's own expressions anyway, is left out.
 */
function comparable(messages: readonly SentMessage[]): readonly unknown[] {
  return messages.map(({ type, attributes }) => ({
    type,
    attributes: attributes.map((text) => NORMAL[`${type} ${text.split(':')[0]}`]?.(text) ?? withoutIds(text)),
  }));
}

/** By message and attribute. */
const NORMAL: Readonly<Record<string, (text: string) => string>> = {
  '9 10': () => 'the id',
  '9 13': (text) => `13: ${withoutTypes(text.slice(4))}`,
  '12 3': withoutNumbers,
  '12 4': () => 'the id',
};

/** Of lookups and references to objects. */
function withoutIds(text: string): string {
  return text
    .replaceAll(/(6c6f6f6b757000, 2: \[ 1: [0-9a-f]+,[^\]]*)4: [0-9a-f]{8}/g, '$1the id')
    .replaceAll(/(6f626a72656600, 2: \[[^\]]* 4: [0-9a-f]*), 5: [0-9a-f]{8}/g, '$1, the id');
}

/** nft numbers the nests of a list, which nobody reads. */
function withoutNumbers(list: string): string {
  let depth = 0;
  return list.replaceAll(/\[|\]|\d+(?=: \[)/g, (part) => {
    if (part === '[') depth++;
    if (part === ']') depth--;
    return part !== '[' && part !== ']' && depth === 1 ? 'element' : part;
  });
}

/** Userdata without the TLVs NFTNL_UDATA_SET_KEY_TYPEOF and _DATA_TYPEOF. */
function withoutTypes(hex: string): string {
  const bytes = Buffer.from(hex, 'hex');
  let kept = '';
  for (let at = 0; at < bytes.length; ) {
    const end = at + 2 + (bytes[at + 1] ?? 0);
    if (bytes[at] !== 3 && bytes[at] !== 4) kept += bytes.toString('hex', at, end);
    at = end;
  }
  return kept;
}

describe.each(ANONYMOUS.map((each) => [each.text, each] as const))('%s', (text, each) => {
  test('is what nft sends, and reads back as nft lists it', async () => {
    const into = chainOf(each);
    const added = rule(into, each.parts);
    const sent = await sentByUs((transaction) => transaction.add(added));
    const command = `add rule inet t ${into.name} ${text}`;
    expect(comparable(sent)).toEqual(comparable(sentByNft(theirs, command)));

    await nft.transaction().add(added).commit();
    const listing = (host: typeof ours) => lab.run(host, 'nft', '-s', 'list', 'ruleset');
    expect(listing(ours)).toBe(listing(theirs));
    const [mine, nfts] = await Promise.all([nft, reference].map((each) => each.snapshot({ elements: true })));
    expect(mine?.sets.every(({ anonymous, constant }) => anonymous && constant)).toBe(true);
    // Hashed elements are in an order that each table has for itself.
    expect(contentsOf(mine)).toEqual(contentsOf(nfts));
    for (const set of mine?.sets ?? []) {
      const [raw, wanted] = [await rawElements(ours, set), await rawElements(theirs, set)];
      expect(raw.map((one) => JSON.stringify(one)).sort()).toEqual(
        wanted.map((one) => JSON.stringify(one)).sort(),
      );
    }
  });
});

function contentsOf(snapshot: Snapshot | undefined): readonly unknown[] {
  const { elements = [] } = snapshot ?? {};
  return elements.map(({ set, elements: list }) => ({
    set: JSON.stringify(set),
    elements: list.map((element) => JSON.stringify(element)).sort(),
  }));
}

test('what is read of one has its ranges, whether their ends are there or not', async () => {
  const map = '{ 9.0.0.0/8 : 1, 10.0.0.0/8 : 2, 12.0.0.0/8 : 3 }';
  lab.load(ours, `add rule inet t c meta mark set ip saddr map ${map}`);
  const { sets, elements = [] } = await nft.snapshot({ elements: true });
  expect(sets).toMatchObject([{ kind: 'map', name: '__map0', intervals: true }]);
  const listed = elements[0]?.elements.map(({ key, value }) => [key, value]).toReversed();
  expect(listed).toEqual([
    ['9.0.0.0/8', 1],
    ['10.0.0.0/8', 2],
    ['12.0.0.0/8', 3],
  ]);
});

test('one description serves many rules, each with a set of its own', async () => {
  const ports = anonymousSet(inetService, [1, 2, 3]);
  const many = rule(c, [oneOf(tcp.dport, ports), accept]);
  await nft.transaction().add(many).add(many).commit();
  expect((await nft.snapshot()).sets).toHaveLength(2);
});

test('what is wrong is said where it is described', () => {
  const repeated = () => anonymousSet(inetService, [22, 80, 22]);
  expect(repeated).toThrow('elements[2].key: 22 is not another key than that of elements[0]');
  expect(() => anonymousSet(inetService, [])).toThrow(
    'elements: an array is not a list with at least one element',
  );
  expect(() => anonymousSet(ipv4Addr, ['10.0.0.1', '10.0.0.300'])).toThrow('elements[1].key');
  expect(() => anonymousSet(ipv4Addr, ['10.0.0.0/8', '10.0.0.1/8'])).toThrow('elements[1].key');
  const overlap = () =>
    anonymousMap(ipv4Addr, mark, [
      ['10.0.0.0/8', 1],
      ['10.1.0.0/16', 2],
    ]);
  expect(overlap).toThrow('apart from [0] 10.0.0.0/8');
  const without = () => anonymousVerdictMap(inetService, [[22, 'accept' as never]]);
  expect(without).toThrow('elements[0].value');
});

test('a chain that is missing is named by the rule', async () => {
  const map = anonymousMap(ipv4Addr, mark, [['10.0.0.1', 1]]);
  const rejected = nft
    .transaction()
    .add(rule(chain(inet, 'nowhere'), [setMeta('mark', mapped(ip.saddr, map))]))
    .commit();
  const { failures } = await failureOf(rejected);
  expect(failures).toMatchObject([{ code: 'ENOENT', field: 'chain', operation: 0 }]);
});
