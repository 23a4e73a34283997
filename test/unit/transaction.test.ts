import { describe, expect, test } from 'vitest';
import { InvalidArgumentError } from '../../src/invalid-argument.ts';
import { baseChain, chain } from '../../src/nft/chain.ts';
import { packValue } from '../../src/nft/pack/packed-value.ts';
import { map, set, verdictMap } from '../../src/nft/set.ts';
import { table } from '../../src/nft/table.ts';
import { Transaction } from '../../src/nft/transaction.ts';
import { TransactionError } from '../../src/nft/transaction-error.ts';
import { ipv4Addr } from '../../src/nft/type/address.ts';
import { concatType } from '../../src/nft/type/concat.ts';
import { inetService } from '../../src/nft/type/integer.ts';
import { inetProto } from '../../src/nft/type/named.ts';
import { classid } from '../../src/nft/type/text.ts';
import { goto } from '../../src/nft/verdict.ts';
import { FakeKernel } from '../../src/testing/fake-kernel.ts';

const filter = table('ip', 'filter');
const blocked = set(filter, 'blocked', { key: ipv4Addr, timeouts: true });
const frontend = concatType(ipv4Addr, inetProto, inetService);
const services = map(filter, 'services', { key: frontend, data: classid });
const dispatch = verdictMap(filter, 'dispatch', { key: classid });
const input = chain(filter, 'input');

function prepared(): FakeKernel {
  const kernel = new FakeKernel();
  new Transaction(kernel).add(filter).add(blocked).add(services).add(dispatch).add(input).commitSync();
  return kernel;
}

function failureOf(work: () => unknown): TransactionError {
  try {
    work();
  } catch (error) {
    if (error instanceof TransactionError) return error;
    throw error;
  }
  throw new Error('nothing failed');
}

describe('a transaction', () => {
  test('adds elements of every kind of set', async () => {
    const kernel = prepared();
    const committed = await new Transaction(kernel)
      .addElements(blocked, ['10.0.0.1', { key: '10.0.0.2', timeoutMs: 5000, comment: 'for a while' }])
      .addElements(services, [[['10.0.0.1', 'tcp', 80], '4b50:2']])
      .addElements(dispatch, [['4b50:2', goto(input)]])
      .commit();
    expect(committed.outcome).toBe('committed');
    expect([...kernel.elements(blocked).keys()]).toEqual([
      packValue(ipv4Addr, '10.0.0.1'),
      packValue(ipv4Addr, '10.0.0.2'),
    ]);
    expect(kernel.elements(services).get(packValue(frontend, ['10.0.0.1', 'tcp', 80]))).toBe(
      packValue(classid, '4b50:2'),
    );
    expect(kernel.elements(dispatch).get(packValue(classid, '4b50:2'))).toBe('input');
  });

  test('of packed values is the same as of plain ones', () => {
    const plain = prepared();
    const packed = prepared();
    new Transaction(plain).addElements(services, [[['10.0.0.1', 'udp', 53], '4b50:1']]).commitSync();
    new Transaction(packed)
      .addPackedElements(
        services,
        [packValue(frontend, ['10.0.0.1', 'udp', 53])],
        [packValue(classid, '4b50:1')],
      )
      .commitSync();
    expect(packed.committed.at(-1)).toEqual(plain.committed.at(-1));
  });

  test('with nothing in it sends nothing', async () => {
    const kernel = prepared();
    await new Transaction(kernel).commit();
    expect(kernel.committed).toHaveLength(1);
  });

  test('that deletes no elements deletes none: it is not a flush', () => {
    const kernel = prepared();
    new Transaction(kernel).addElements(blocked, ['10.0.0.1']).commitSync();
    new Transaction(kernel).deleteElements(blocked, []).deletePackedElements(blocked, []).commitSync();
    expect(kernel.elements(blocked).size).toBe(1);
    new Transaction(kernel).flush(blocked).commitSync();
    expect(kernel.elements(blocked).size).toBe(0);
  });

  test('is committed once', () => {
    const transaction = new Transaction(prepared()).addElements(blocked, ['10.0.0.1']);
    transaction.commitSync();
    expect(() => transaction.commitSync()).toThrow('committed already');
    expect(() => transaction.add(input)).toThrow('committed already');
  });
});

describe('what the kernel refuses', () => {
  test('is named by operation, field and element, and nothing is changed', () => {
    const kernel = prepared();
    const missing = set(table('ip', 'nowhere'), 's', { key: ipv4Addr });
    const error = failureOf(() =>
      new Transaction(kernel)
        .addElements(blocked, ['10.0.0.9'])
        .addElements(missing, ['10.0.0.1'])
        .deleteElements(services, [['10.0.0.7', 'tcp', 443]])
        .commitSync(),
    );
    expect(error.outcome).toBe('aborted');
    expect(error.code).toBe('ENOENT');
    expect(error.failures).toHaveLength(2);
    expect(error.failures[0]).toMatchObject({ operation: 1, verb: 'add', field: 'table', code: 'ENOENT' });
    expect(error.failures[1]).toMatchObject({
      operation: 2,
      verb: 'delete',
      target: 'map ip filter services',
      field: 'key',
      element: { index: 0, key: ['10.0.0.7', 'tcp', 443] },
    });
    expect(error.message).toContain(
      'operation 2, delete element 0 (10.0.0.7 . tcp . 443) of map ip filter services: ENOENT, no such element',
    );
    expect(kernel.elements(blocked).size).toBe(0);
  });

  test('10,000 creations with two duplicates: both are named, in one call or in many', () => {
    const addresses = Array.from({ length: 10_000 }, (_, i) => `10.0.${i >> 8}.${i & 255}`);
    const kernel = prepared();
    const present = ['10.0.3.3', '10.0.30.30'];
    new Transaction(kernel).addElements(blocked, present).commitSync();

    const inOne = failureOf(() => new Transaction(kernel).createElements(blocked, addresses).commitSync());
    expect(inOne.failures.map(({ operation, element }) => [operation, element?.key])).toEqual([
      [0, '10.0.3.3'],
      [0, '10.0.30.30'],
    ]);

    const many = new Transaction(kernel);
    for (const address of addresses) many.createElements(blocked, [address]);
    const inMany = failureOf(() => many.commitSync());
    expect(inMany.failures.map(({ operation, element }) => [operation, element?.key])).toEqual([
      [3 * 256 + 3, '10.0.3.3'],
      [30 * 256 + 30, '10.0.30.30'],
    ]);
    expect(kernel.elements(blocked).size).toBe(2);
  });

  test('a chain that something leads to stays (EBUSY)', () => {
    const kernel = prepared();
    new Transaction(kernel).addElements(dispatch, [['1:1', goto(input)]]).commitSync();
    expect(failureOf(() => new Transaction(kernel).delete(input).commitSync()).code).toBe('EBUSY');
    new Transaction(kernel).deleteElements(dispatch, ['1:1']).delete(input).commitSync();
    expect(kernel.chains('ip', 'filter')).toEqual([]);
  });

  test('a full set refuses more (ENFILE)', () => {
    const kernel = prepared();
    const small = set(filter, 'small', { key: ipv4Addr, size: 2 });
    new Transaction(kernel).add(small).addElements(small, ['10.0.0.1', '10.0.0.2']).commitSync();
    expect(failureOf(() => new Transaction(kernel).addElements(small, ['10.0.0.3']).commitSync()).code).toBe(
      'ENFILE',
    );
  });
});

describe('what cannot be right is refused before anything is sent', () => {
  const transaction = () => new Transaction(new FakeKernel());

  test.each<[string, () => unknown]>([
    ['elements[1].key: "10.0.0.300"', () => transaction().addElements(blocked, ['10.0.0.1', '10.0.0.300'])],
    [
      'elements[0].key[2]: 70000',
      () => transaction().addElements(services, [[['10.0.0.1', 'tcp', 70000], '1:1']]),
    ],
    ['elements[0].value: "x"', () => transaction().addElements(services, [[['10.0.0.1', 'tcp', 7], 'x']])],
    ['keys[0][1]: 70000', () => transaction().deleteElements(services, [['10.0.0.1', 70000 as never, 7]])],
    [
      'elements[0].timeoutMs: -1',
      () => transaction().addElements(blocked, [{ key: '10.0.0.1', timeoutMs: -1 }]),
    ],
    [
      'elements: "a timeout"',
      () =>
        transaction().addElements(set(filter, 's', { key: ipv4Addr }), [{ key: '1.1.1.1', timeoutMs: 1 }]),
    ],
    [
      'elements[0].comment',
      () => transaction().addElements(blocked, [{ key: '10.0.0.1', comment: 'x'.repeat(129) }]),
    ],
    ['elements[0].value', () => transaction().addElements(dispatch, [['1:1', 'accept' as never]])],
    ['keys[0]: 3 is not 4 packed bytes', () => transaction().addPackedElements(blocked, ['abc'])],
    ['data: undefined', () => transaction().addPackedElements(services, ['x'.repeat(12)])],
    ['name: ""', () => table('ip', '')],
    ['is not a name of 1 to 255 bytes', () => table('ip', 'x'.repeat(300))],
    ['a name without %', () => set(filter, 'set%d', { key: ipv4Addr })],
    ['family: "ipv4"', () => table('ipv4' as never, 't')],
    ['comment', () => table('ip', 't', { comment: 'x'.repeat(129) })],
    ['size: 0', () => set(filter, 's', { key: ipv4Addr, size: 0 })],
    ['hook: "egress"', () => baseChain(filter, 'c', { type: 'filter', hook: 'egress', priority: 0 })],
    [
      'priority: "early"',
      () => baseChain(filter, 'c', { type: 'filter', hook: 'input', priority: 'early' as never }),
    ],
    ['devices', () => baseChain(table('netdev', 't'), 'c', { type: 'filter', hook: 'ingress', priority: 0 })],
  ])('%s', (message, work) => {
    expect(work).toThrow(InvalidArgumentError);
    expect(work).toThrow(message);
  });

  test('and the transaction goes on without the refused call', () => {
    const kernel = prepared();
    const mixed = new Transaction(kernel);
    expect(() => mixed.addElements(blocked, ['10.0.0.1', 'nonsense'])).toThrow(InvalidArgumentError);
    mixed.addElements(blocked, ['10.0.0.2']).commitSync();
    expect([...kernel.elements(blocked).keys()]).toEqual([packValue(ipv4Addr, '10.0.0.2')]);
  });
});
