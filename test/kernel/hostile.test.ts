import { closeSync, openSync } from 'node:fs';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { Lab } from '../../lab/lab.ts';
import { chain, counter, ipv4Addr, Nftables, RequestError, rule, set, table } from '../../src/index.ts';
import { NativeTransport } from '../../src/netlink/native-transport.ts';
import {
  ELEMENT_COLUMN,
  NFT_MSG,
  NFTNL_CHAIN,
  NFTNL_RULE,
  NFTNL_SET,
  NFTNL_TABLE,
  NLM_F,
} from '../../src/nft/pack/uapi.ts';
import {
  addSet,
  addTable,
  expression,
  field,
  IPV4,
  keys,
  number,
  operation,
  text,
  transaction,
  u32,
} from './native-packer.ts';

/** What other programs and odd kernels do to us: it is read, or refused by a typed error, and nothing else is the worse for it. */

const lab = new Lab('nftlink-hostile');
const host = lab.host('host');
const netns = { path: host.netnsPath };
const nft = Nftables.open({ netns });
const raw = new NativeTransport(netns);

afterAll(async () => {
  await Promise.all([nft.close(), raw.close()]);
  await lab.close();
});
beforeEach(async () => {
  // A deletion that names no table is one of all.
  await raw.transact(transaction(operation(NFT_MSG.delTable, 0, 0)));
});

/** A type, then a length that leads outside; a comment that does not end; a type without a length; an empty comment. */
const MALFORMED = [
  [0, 200, 65],
  [0, 3, 65, 66, 67],
  [0],
  [0, 0],
  [255, 255, 255, 255, 255],
  [0, 1, 0xff],
] as const;

describe("another program's userdata", () => {
  test.each(MALFORMED.map((bytes) => [Buffer.from(bytes)] as const))(
    '%j is no hindrance to listing',
    async (bytes) => {
      const userdata = Buffer.concat([u32(0, bytes.length), bytes]);
      const packed = transaction(
        operation(
          NFT_MSG.newTable,
          NLM_F.create,
          IPV4,
          text(NFTNL_TABLE.name, 'theirs'),
          field(NFTNL_TABLE.userdata, 0, bytes),
        ),
        operation(
          NFT_MSG.newChain,
          NLM_F.create,
          IPV4,
          text(NFTNL_CHAIN.table, 'theirs'),
          text(NFTNL_CHAIN.name, 'c'),
          field(NFTNL_CHAIN.userdata, 0, bytes),
        ),
        operation(
          NFT_MSG.newRule,
          NLM_F.create | NLM_F.append,
          IPV4,
          text(NFTNL_RULE.table, 'theirs'),
          text(NFTNL_RULE.chain, 'c'),
          expression('counter'),
          field(NFTNL_RULE.userdata, 0, bytes),
        ),
        operation(
          NFT_MSG.newSet,
          NLM_F.create,
          IPV4,
          text(NFTNL_SET.table, 'theirs'),
          text(NFTNL_SET.name, 's'),
          number(NFTNL_SET.keyType, 7),
          number(NFTNL_SET.keyLen, 4),
          number(NFTNL_SET.id, 1),
          field(NFTNL_SET.userdata, 0, bytes),
        ),
        operation(
          NFT_MSG.newSetElem,
          NLM_F.create,
          IPV4,
          text(NFTNL_SET.table, 'theirs'),
          text(NFTNL_SET.name, 's'),
          field(0, 4, u32(1)),
          keys(1),
          field(ELEMENT_COLUMN.userdata, 3, userdata),
        ),
      );
      expect(await raw.transact(packed)).toBeTypeOf('number');
      const { tables, chains, sets, rules, elements } = await nft.snapshot({ elements: true });
      expect(tables.map(({ name }) => name)).toEqual(['theirs']);
      expect(chains.map(({ name }) => name)).toEqual(['c']);
      expect(rules.map(({ expressions }) => expressions.map(({ name }) => name))).toEqual([['counter']]);
      expect(sets.map(({ name }) => name)).toEqual(['s']);
      expect(elements?.map((each) => each.elements.map(({ key }) => key))).toEqual([['10.0.0.0']]);
    },
  );
});

describe('names', () => {
  const ascii = String.fromCharCode(...Array.from({ length: 127 }, (_, i) => i + 1));

  test.each([
    ['every ASCII byte but zero', ascii],
    ['two, three and four bytes a character', 'ÿ€😀'.repeat(20)],
    ['255 bytes', 'n'.repeat(255)],
    ['what looks like nft', 'a; flush ruleset; "b" { } \n@c'],
  ])('of %s are made, listed, used and deleted', async (_, name) => {
    const of = table('ip', name);
    // Of a set's name the kernel takes % for a pattern: it is refused here.
    const setName = name.replaceAll('%', '');
    const [c, s] = [chain(of, name), set(of, setName, { key: ipv4Addr })];
    await nft
      .transaction()
      .add(of)
      .add(c)
      .add(s)
      .addElements(s, ['10.0.0.1'])
      .add(rule(c, [counter]))
      .commit();
    expect(await nft.listTables()).toEqual([of]);
    expect(await nft.listChains(of)).toEqual([c]);
    expect((await nft.listSets(of)).map((each) => each.name)).toEqual([setName]);
    expect((await nft.listElements(s)).map(({ key }) => key)).toEqual(['10.0.0.1']);
    expect(await nft.listRules(c)).toHaveLength(1);
    const error = nft.transaction().create(c).commit();
    await expect(error).rejects.toMatchObject({
      code: 'EEXIST',
      failures: [{ target: `chain ip ${name} ${name}` }],
    });
    await nft.transaction().delete(of).commit();
    expect(await nft.listTables()).toEqual([]);
  });

  test('that are no UTF-8 are listed with U+FFFD, and hide nothing else', async () => {
    const bytes = Buffer.of(0x61, 0xff, 0xfe, 0x62);
    const foreign = operation(NFT_MSG.newTable, NLM_F.create, IPV4, field(NFTNL_TABLE.name, 0, bytes));
    await raw.transact(transaction(foreign, addTable('ours'), addSet('ours', 's')));
    expect((await nft.listTables()).map(({ name }) => name)).toEqual(['a\ufffd\ufffdb', 'ours']);
    expect((await nft.snapshot()).sets.map(({ name }) => name)).toEqual(['s']);
  });
});

test('in a process with more than 1,024 open files everything works', async () => {
  const files = Array.from({ length: 1_100 }, () => openSync('/dev/null', 'r'));
  try {
    const late = Nftables.open({ netns });
    await using monitor = late.monitor();
    await late.transaction().add(table('ip', 'late')).commit();
    expect((await monitor.next()).value).toMatchObject({ changes: [{ object: { name: 'late' } }] });
    expect(await late.listTables()).toHaveLength(1);
    await late.close();
  } finally {
    for (const each of files) closeSync(each);
  }
});

test('no other program is needed: nothing is on the PATH', () => {
  const script = `
    import { Nftables, table } from './src/index.ts';
    const nft = Nftables.open();
    await nft.transaction().add(table('ip', 'alone')).commit();
    console.log((await nft.listTables()).map(({ name }) => name).join());
    await nft.close();
  `;
  const node = [process.execPath, '--import', 'tsx', '--input-type=module', '-e', script];
  expect(lab.run(host, 'env', '-i', ...node)).toBe('alone\n');
});

test('a subsystem that this kernel lacks is said so', async () => {
  // Nobody has number 14: the kernel answers as one without nf_tables does.
  const without = new Nftables(new NativeTransport(netns, 14));
  for (const asked of [without.listTables(), without.generation(), without.snapshot()]) {
    await expect(asked).rejects.toThrow(RequestError);
    await expect(asked).rejects.toThrow(/EINVAL: this kernel lacks nf_tables/);
  }
  await without.close();
});

describe('many at once', () => {
  const t = table('ip', 't');
  const s = set(t, 's', { key: ipv4Addr });
  const addresses = Array.from({ length: 1_000 }, (_, i) => `10.0.${i >> 8}.${i & 255}`);

  test('3,000 chains in one transaction are made, and said to be', async () => {
    const transaction = nft.transaction().add(t);
    for (let i = 0; i < 3_000; i++) transaction.add(chain(t, `c${i}`));
    expect(await transaction.commit()).toMatchObject({ outcome: 'committed' });
    expect(await nft.listChains(t)).toHaveLength(3_000);
  });

  test('a flush leaves nothing behind, 200 times', async () => {
    await nft.transaction().add(t).add(s).commit();
    for (let i = 0; i < 200; i++) {
      await nft.transaction().addElements(s, addresses).commit();
      await nft.transaction().flush(s).commit();
      expect(await nft.listElements(s)).toEqual([]);
    }
  });
});
