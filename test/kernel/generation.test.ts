import { release } from 'node:os';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { Lab } from '../../lab/lab.ts';
import {
  baseChain,
  chain,
  FEATURES,
  FeatureMissingError,
  GenerationConflictError,
  InvalidArgumentError,
  inetService,
  jump,
  map,
  mark,
  Nftables,
  rule,
  set,
  TransactionError,
  table,
} from '../../src/index.ts';
import { failureOf } from './failure-of.ts';

/** Commits for one generation of the ruleset, checks that change nothing, and what the kernel can do. */

const lab = new Lab('nftlink-generation');
const host = lab.host('host');
const nft = Nftables.open({ netns: { path: host.netnsPath } });
const another = Nftables.open({ netns: { path: host.netnsPath } });

afterAll(async () => {
  await nft.close();
  await another.close();
  await lab.close();
});

const filter = table('ip', 'filter');
const ports = set(filter, 'ports', { key: inetService });
const counts = map(filter, 'counts', { key: inetService, data: mark });

beforeEach(() => nft.transaction().destroy(filter).add(filter).add(ports).add(counts).commit());

describe('a commit for a generation', () => {
  test('is made while the ruleset is of it, and refused when it no longer is', async () => {
    const generation = await nft.generation();
    await nft.transaction().addElements(ports, [80]).commit({ ifGeneration: generation });
    const error = await failureOf(
      nft.transaction().addElements(ports, [443]).commit({ ifGeneration: generation }),
    );
    expect(error).toBeInstanceOf(GenerationConflictError);
    expect(error).toBeInstanceOf(TransactionError);
    expect(error).toMatchObject({
      name: 'GenerationConflictError',
      code: 'ERESTART',
      outcome: 'aborted',
      expected: generation,
    });
    expect(error.message).toContain('the ruleset has changed since the generation that was asked for');
    expect((await nft.listElements(ports)).map(({ key }) => key)).toEqual([80]);
  });

  test('synchronously too, and a snapshot says which', async () => {
    const { generation } = await nft.snapshot();
    nft.transaction().addElements(ports, [80]).commitSync({ ifGeneration: generation });
    const late = nft.transaction().addElements(ports, [443]);
    expect(() => late.commitSync({ ifGeneration: generation })).toThrow(GenerationConflictError);
  });

  test('other failures stay what they are', async () => {
    const generation = await nft.generation();
    const error = await failureOf(
      nft.transaction().deleteElements(ports, [80]).commit({ ifGeneration: generation }),
    );
    expect(error).not.toBeInstanceOf(GenerationConflictError);
    expect(error.code).toBe('ENOENT');
  });

  test.each([0, -1, 1.5, 2 ** 32, '7' as never])('%s is not a generation', async (ifGeneration) => {
    await expect(nft.transaction().add(filter).commit({ ifGeneration })).rejects.toThrow(
      InvalidArgumentError,
    );
  });
});

describe('an update', () => {
  const increase = (on: Nftables) =>
    on.update(async (transaction) => {
      const [count] = await on.listElements(counts);
      if (count !== undefined) transaction.deleteElements(counts, [1]);
      transaction.createElements(counts, [[1, (count?.value ?? 0) + 1]]);
    });

  test('by many at a time: nothing is lost', async () => {
    const work = async (on: Nftables) => {
      for (let i = 0; i < 50; i++) await increase(on);
    };
    await Promise.all([work(nft), work(another), work(nft), work(another)]);
    expect(await nft.listElements(counts)).toEqual([{ key: 1, value: 200 }]);
  });

  test('gives up after so many attempts', async () => {
    const attempts: number[] = [];
    const loses = nft.update(
      async (transaction, { attempt }) => {
        attempts.push(attempt);
        await another
          .transaction()
          .add(set(filter, `s${attempt}`, { key: mark }))
          .commit();
        transaction.add(chain(filter, 'never'));
      },
      { attempts: 3 },
    );
    await expect(loses).rejects.toThrow(GenerationConflictError);
    expect(attempts).toEqual([1, 2, 3]);
    expect(await nft.listChains(filter)).toEqual([]);
  });

  test('rejects with what the builder throws, with other failures and with the signal', async () => {
    const own = new Error('changed my mind');
    await expect(nft.update(() => Promise.reject(own))).rejects.toBe(own);
    await expect(
      nft.update((transaction) => void transaction.deleteElements(ports, [1])),
    ).rejects.toMatchObject({ code: 'ENOENT' });
    const controller = new AbortController();
    const builder = async () => {
      await another
        .transaction()
        .add(set(filter, 'x', { key: mark }))
        .commit();
      controller.abort();
    };
    const aborted = nft.update(
      async (transaction) => {
        transaction.add(chain(filter, 'never'));
        await builder();
      },
      { signal: controller.signal },
    );
    await expect(aborted).rejects.toMatchObject({ name: 'AbortError' });
    expect(await nft.listChains(filter)).toEqual([]);
  });
});

describe('a check', () => {
  test('finds nothing, changes nothing, and the transaction can be committed', async () => {
    const generation = await nft.generation();
    const transaction = nft.transaction().addElements(ports, [80]);
    await transaction.check();
    expect(await nft.listElements(ports)).toEqual([]);
    expect(await nft.generation()).toBe(generation);
    transaction.addElements(ports, [443]);
    // The check that waits in the queue is of the transaction as it was.
    const [, committed] = await Promise.all([transaction.check(), transaction.commit()]);
    expect(committed.outcome).toBe('committed');
    expect((await nft.listElements(ports)).map(({ key }) => key).sort()).toEqual([443, 80]);
  });

  test('finds what the commit would be refused for, every one of it', async () => {
    const wrong = () => nft.transaction().createElements(ports, [80, 80, 81]).deleteElements(counts, [3]);
    const checked = await wrong()
      .check()
      .catch((error: TransactionError) => error);
    const committed = await failureOf(wrong().commit());
    expect(checked).toEqual(committed);
    expect(committed.failures.map(({ code }) => code)).toEqual(['EEXIST', 'ENOENT']);
  });

  test('finds loops of chains, which show at the very end only', async () => {
    const [a, b] = [chain(filter, 'a'), chain(filter, 'b')];
    const input = baseChain(filter, 'input', { type: 'filter', hook: 'input', priority: 0 });
    const loop = nft
      .transaction()
      .add(a)
      .add(b)
      .add(input)
      .add(rule(input, [jump(a)]))
      .add(rule(a, [jump(b)]))
      .add(rule(b, [jump(a)]));
    const error = await loop.check().catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(TransactionError);
    expect((error as TransactionError).code).toMatch(/^(ELOOP|EMLINK)$/);
  });

  test('of another generation is a conflict, and of nothing is fine', async () => {
    const old = await nft.generation();
    await nft.transaction().addElements(ports, [1]).commit();
    const late = nft.transaction().addElements(ports, [2]);
    await expect(late.check({ ifGeneration: old })).rejects.toThrow(GenerationConflictError);
    await nft.transaction().check();
  });
});

describe('what the kernel can do', () => {
  test('is asked once, and of this kernel what its version says', async () => {
    const features = await nft.features();
    expect(await nft.features()).toBe(features);
    expect(features.kernel).toBe(release());
    // Not built into this kernel: CONFIG_NF_FLOW_TABLE.
    expect(features.has).toEqual({
      destroy: true,
      devicePrefixes: true,
      catchAll: true,
      tableOwner: true,
      tablePersist: true,
      bitwiseRegisters: true,
      inner: true,
      flowtable: false,
      resetElements: true,
      elementTimeoutUpdates: true,
      setCounts: true,
    });
    expect(Object.keys(features.has)).toEqual(Object.keys(FEATURES));
    expect((await nft.listTables()).map(({ name }) => name)).toEqual(['filter']);
  });

  test('and what it lacks is said by name and first kernel', async () => {
    await nft.requireFeature('destroy');
    const missing = nft.requireFeature('flowtable');
    await expect(missing).rejects.toThrow(FeatureMissingError);
    await expect(missing).rejects.toMatchObject({ feature: 'flowtable', since: '4.16' });
  });
});
