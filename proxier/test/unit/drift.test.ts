import { ipv4Addr, Nftables, set, type Table, table } from 'nftlink';
import { FakeKernel } from 'nftlink/testing';
import { beforeEach, describe, expect, test } from 'vitest';
import { Drift } from '../../src/sync/drift.ts';

/** Who changed what is told by generations, so nothing of our own must look like somebody else's, and nothing else's like ours. */

const OURS = table('ip', 'kube-proxy');
const OTHERS = table('ip', 'firewall');
const turn = () => new Promise((resolve) => setImmediate(resolve));

let kernel: FakeKernel;
let drift: Drift;
let wakes: number;
let others: Nftables;
let own: Nftables;

beforeEach(async () => {
  kernel = new FakeKernel();
  own = new Nftables(kernel);
  others = new Nftables(kernel.socketOf({ id: 7, name: 'nft' }));
  wakes = 0;
  drift = new Drift(
    own,
    OURS.name,
    () => wakes++,
    (error) => {
      throw error;
    },
  );
  await others.transaction().add(OURS).add(OTHERS).commit();
  await drift.beginReading();
  drift.endReading();
  await drift.rest();
});

async function commitOwn(name: string, elements = 1): Promise<void> {
  await drift.begin(elements);
  await own.transaction().add(setIn(OURS, name)).commit();
  drift.committed();
}

function change(owner: Table, name: string): Promise<unknown> {
  return others.transaction().add(setIn(owner, name)).commit();
}

function setIn(owner: Table, name: string) {
  return set(owner, name, { key: ipv4Addr });
}

describe('drift', () => {
  test('our own transactions are no reason to look, heard or not yet', async () => {
    for (let n = 0; n < 5; n++) {
      await commitOwn(`s${n}`);
      expect(drift.dueInMs).toBeUndefined();
    }
    await turn();
    await drift.rest();
    expect(drift.dueInMs).toBeUndefined();
    await drift.close();
  });

  test('a change of our table by somebody else is heard of', async () => {
    await change(OURS, 'theirs');
    await turn();
    expect(wakes).toBe(1);
    expect(drift.dueInMs).toBe(0);
    await drift.close();
  });

  test('also when it comes just before one of ours', async () => {
    await change(OURS, 'theirs');
    await commitOwn('ours');
    await turn();
    expect(drift.dueInMs).toBe(0);
    await drift.close();
  });

  test('other tables are none of our business, at rest and between our own transactions', async () => {
    await change(OTHERS, 'a');
    await commitOwn('ours');
    await change(OTHERS, 'b');
    await turn();
    await drift.rest();
    await drift.lookSometimes();
    expect(wakes).toBe(0);
    expect(drift.dueInMs).toBeUndefined();
    await change(OURS, 'theirs');
    await turn();
    expect(drift.dueInMs).toBe(0);
    await drift.close();
  });

  test('while a large transaction is not listened to, the generation tells', async () => {
    await commitOwn('large', 100_000);
    await drift.rest();
    expect(drift.dueInMs).toBeUndefined();
    await drift.begin(100_000);
    await change(OURS, 'theirs');
    await drift.rest();
    expect(drift.dueInMs).toBe(0);
    await drift.close();
  });

  test('when the kernel drops events, nobody can tell', async () => {
    const many = setIn(OTHERS, 'many');
    const addresses = Array.from({ length: 20_000 }, (_, i) => `10.0.${i >> 8}.${i & 255}`);
    await others.transaction().add(many).addElements(many, addresses).commit();
    await turn();
    expect(drift.dueInMs).toBe(0);
    await drift.close();
  });

  test('reading what the kernel has answers it', async () => {
    await change(OURS, 'theirs');
    await turn();
    await drift.beginReading();
    drift.endReading();
    expect(drift.dueInMs).toBeUndefined();
    await change(OURS, 'more');
    await turn();
    expect(drift.dueInMs).toBe(0);
    await drift.close();
  });
});
