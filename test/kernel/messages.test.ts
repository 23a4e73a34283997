import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { Lab } from '../../lab/lab.ts';
import { chain, type Expression, eq, expressions, Nftables, rule, socket, table } from '../../src/index.ts';
import { NFT_MSG } from '../../src/nft/pack/uapi.ts';
import { addScene, MESSAGE_CASES } from './message-cases.ts';
import { type SentMessage, sentByNft, sentByUs } from './nft-debug.ts';

/** Each message that changes something, beside what nft sends of the same words. */

const lab = new Lab('nftlink-messages');
const host = lab.host('host');
const nft = Nftables.open({ netns: { path: host.netnsPath } });

beforeEach(async () => {
  const transaction = nft.transaction();
  for (const each of await nft.listTables()) transaction.delete(each);
  await addScene(transaction).commit();
});

afterAll(async () => {
  await nft.close();
  await lab.close();
});

/** Sets are numbered within a transaction, and elements within a list, by each in its own way. */
function comparable(messages: readonly SentMessage[]): readonly unknown[] {
  return messages.map(({ type, attributes }) => ({
    type,
    attributes: attributes
      .filter((text) => !(type === NFT_MSG.newSet && text.startsWith('10: ')))
      .filter((text) => !(type === NFT_MSG.newSetElem && text.startsWith('4: ')))
      // Nothing, said by nft in an empty nest.
      .filter((text) => !(type === NFT_MSG.delObj && text === '4: [  ]'))
      .map((text) =>
        text.startsWith('3: [') ? text.replaceAll(/(?<=^3: \[ |, )\d+(?=: \[ 1: \[)/g, 'element') : text,
      ),
  }));
}

test.each(MESSAGE_CASES.map(({ text, ...each }) => [text, each] as const))(
  '%s',
  async (text, { message, fill }) => {
    const sent = await sentByUs(fill);
    expect(sent[0]?.type).toBe(NFT_MSG[message]);
    expect(comparable(sent)).toEqual(comparable(sentByNft(host, text)));
  },
);

test('the control group of a socket, by the inode of its folder', async () => {
  // Seen from the namespace, where `ip netns exec` mounts another /sys.
  const ino = BigInt(lab.run(host, 'stat', '-c', '%i', '/sys/fs/cgroup'));
  const t = table('inet', 't');
  const c = chain(t, 'c');
  const added = rule(c, [eq(socket.cgroupv2(1), ino)]);
  const sent = await sentByUs((transaction) => transaction.add(added));
  expect(comparable(sent)).toEqual(
    comparable(sentByNft(host, 'add rule inet t c socket cgroupv2 level 1 "."')),
  );
  await nft.transaction().flush(c).add(added).commit();
  const [load, compare] = (await nft.listRules(c))[0]?.expressions ?? [];
  expect(load?.fields).toEqual({ key: 3, dreg: 1, level: 1 });
  expect(compare?.fields).toMatchObject({ op: 'eq' });
});

describe('keys that nft 1.0.6 has no words for', () => {
  const ipv4 = table('ip', 'k');
  const c = chain(ipv4, 'c');
  const bridge = table('bridge', 'k');
  const b = chain(bridge, 'b');
  const { ctKind, metaKind } = expressions;

  test.each<[string, typeof c, Expression, unknown]>([
    [
      'ct NFT_CT_SRC',
      c,
      ctKind.make({ key: 8, dreg: 1, direction: 'original' }),
      { key: 8, dreg: 1, direction: 'original' },
    ],
    [
      'ct NFT_CT_DST',
      c,
      ctKind.make({ key: 9, dreg: 1, direction: 'reply' }),
      { key: 9, dreg: 1, direction: 'reply' },
    ],
    // This kernel was built without metadata of bridges.
    ['meta NFT_META_BRI_IIFHWADDR', b, metaKind.make({ key: 37, dreg: 1 }), 'EOPNOTSUPP'],
    ['meta NFT_META_BRI_BROUTE', b, metaKind.make({ key: 35, sreg: 1 }), 'EOPNOTSUPP'],
  ])('%s', async (_, into, expression, expected) => {
    const one = expressions.immediateKind.make({ dreg: 1, data: Uint8Array.of(1, 0, 0, 0) });
    await nft.transaction().add(ipv4).add(c).add(bridge).add(b).commit();
    const outcome = await nft
      .transaction()
      .add(rule(into, [one, expression]))
      .commit()
      .then(
        async () => (await nft.listRules(into))[0]?.expressions[1]?.fields,
        (error: { readonly code: string }) => error.code,
      );
    expect(outcome).toEqual(expected);
  });
});
