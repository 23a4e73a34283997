import { describe, expect, test } from 'vitest';
import {
  accept,
  anonymousChain,
  anonymousSet,
  baseChain,
  ClosedError,
  chain,
  concatType,
  counter,
  counterObject,
  drop,
  flowtable,
  GenerationConflictError,
  goto,
  inetService,
  ipv4Addr,
  jump,
  map,
  mark,
  Nftables,
  oneOf,
  PendingError,
  RequestError,
  rule,
  set,
  TransactionError,
  table,
  tcp,
  verdictMap,
} from '../../src/index.ts';
import { FakeKernel } from '../../src/testing/index.ts';

/** Everything that lists works on the fake kernel. That it decides like a real one: test/kernel/fake-agreement.test.ts. */

const filter = table('ip', 'filter', { comment: 'ours' });
const input = baseChain(filter, 'input', { type: 'filter', hook: 'input', priority: 5, policy: 'drop' });
const ssh = chain(filter, 'ssh', { comment: 'from the office' });
const blocked = set(filter, 'blocked', { key: ipv4Addr, timeouts: true, comment: 'for a while' });
const marks = map(filter, 'marks', { key: inetService, data: mark, size: 10 });
const decide = verdictMap(filter, 'decide', { key: inetService });

function begun(kernel = new FakeKernel()) {
  const nft = new Nftables(kernel);
  nft.transaction().add(filter).add(input).add(ssh).add(blocked).add(marks).add(decide).commitSync();
  return nft;
}

const plain = (described: unknown) => JSON.parse(JSON.stringify(described));

describe('listings', () => {
  test('give back what was added', async () => {
    const nft = begun();
    await nft
      .transaction()
      .addElements(marks, [[80, 7]])
      .addElements(decide, [
        [22, goto(ssh)],
        [23, drop],
      ])
      .add(rule(input, [oneOf(tcp.dport, anonymousSet(inetService, [22, 80])), counter, jump(ssh)]))
      .add(rule(ssh, [accept], { comment: 'let in' }))
      .commit();
    expect(await nft.listTables()).toEqual([filter]);
    expect(await nft.listTables('inet')).toEqual([]);
    expect(await nft.listChains(filter)).toEqual([input, ssh]);
    const sets = await nft.listSets(filter);
    expect(plain(sets.slice(0, 3))).toEqual(plain([blocked, marks, decide]));
    expect(sets.map(({ name }) => name)).toEqual(['blocked', 'marks', 'decide', '__set0']);
    expect(await nft.listElements(marks)).toEqual([{ key: 80, value: 7 }]);
    expect(await nft.listElements(decide)).toEqual([
      { key: 22, value: goto(ssh) },
      { key: 23, value: drop },
    ]);
    const rules = await nft.listRules(filter);
    expect(rules.map(({ comment, chain: { name } }) => [name, comment])).toEqual([
      ['input', undefined],
      ['ssh', 'let in'],
    ]);
    expect(rules[0]?.expressions.map(({ name, fields }) => [name, fields])).toEqual([
      ['meta', expect.anything()],
      ['cmp', { sreg: 1, op: 'eq', data: Uint8Array.of(6) }],
      ['payload', expect.objectContaining({ base: 'transport', offset: 2, len: 2 })],
      ['lookup', { sreg: 1, set: '__set0', flags: 0 }],
      ['counter', { packets: 0n, bytes: 0n }],
      ['immediate', { verdict: jump(ssh) }],
    ]);
    const { elements, generation } = await nft.snapshot({ elements: true });
    expect(elements?.map(({ elements: of }) => of.length)).toEqual([0, 1, 2, 2]);
    expect(generation).toBe(await nft.generation());
    const lazily: unknown[] = [];
    for await (const element of nft.elements(decide)) lazily.push(element);
    expect(lazily).toEqual(await nft.listElements(decide));
  });

  test('a set without a name goes with its rule', async () => {
    const nft = begun();
    nft
      .transaction()
      .add(rule(input, [oneOf(tcp.dport, anonymousSet(inetService, [22, 80])), drop]))
      .commitSync();
    const [only] = await nft.listRules(input);
    if (only === undefined) throw new Error('no rule');
    await nft.transaction().delete(only).commit();
    expect((await nft.listSets(filter)).map(({ name }) => name)).toEqual(['blocked', 'marks', 'decide']);
  });

  test('a chain without a name goes with its rule too, and nobody else uses it', async () => {
    const nft = begun();
    const block = anonymousChain([oneOf(tcp.dport, anonymousSet(inetService, [22, 80])), accept], [drop]);
    nft
      .transaction()
      .add(rule(input, [jump(block)]))
      .commitSync();
    const own = (await nft.listChains(filter)).find(({ anonymous }) => anonymous);
    if (own === undefined) throw new Error('no chain');
    expect(await nft.listRules(own)).toHaveLength(2);
    const [only] = await nft.listRules(input);
    if (only === undefined) throw new Error('no rule');
    expect(only.expressions[0]?.fields).toEqual({ verdict: jump(own) });
    for (const [refused, code] of [
      [nft.transaction().add(rule(own, [counter])), 'EOPNOTSUPP'],
      [nft.transaction().delete(own), 'EOPNOTSUPP'],
      [nft.transaction().flush(own), 'EOPNOTSUPP'],
      [nft.transaction().add(rule(input, [jump(own)])), 'EINVAL'],
      [nft.transaction().add(rule(input, [jump(anonymousChain([jump(block)]))])), 'EOPNOTSUPP'],
    ] as const) {
      await expect(refused.commit()).rejects.toMatchObject({ code });
    }
    await nft.transaction().delete(only).commit();
    expect(await nft.listChains(filter)).toEqual([input, ssh]);
    expect(await nft.listSets(filter)).toHaveLength(3);
  });

  test('of what is not there: ENOENT', async () => {
    const nft = begun();
    for (const list of [
      nft.listChains(table('ip', 'nowhere')),
      nft.listRules(chain(filter, 'nowhere')),
      nft.listSets(table('inet', 'filter')),
      nft.listElements(set(filter, 'nowhere', { key: mark })),
    ]) {
      await expect(list).rejects.toMatchObject({ name: 'RequestError', code: 'ENOENT' });
      await expect(list).rejects.toThrow(RequestError);
    }
  });

  test('100,000 elements come in parts, all of them', async () => {
    const nft = begun();
    const many = set(filter, 'many', { key: ipv4Addr });
    const keys = Array.from({ length: 100_000 }, (_, i) => `10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`);
    await nft.transaction().add(many).addElements(many, keys).commit();
    expect(new Set((await nft.listElements(many)).map(({ key }) => key))).toEqual(new Set(keys));
  });
});

test('elements leave by the clock that the test gives', async () => {
  let nowMs = 1_000;
  const nft = begun(new FakeKernel({ nowMs: () => nowMs }));
  const elements = [{ key: '10.0.0.1', timeoutMs: 60_000 }, '10.0.0.2'];
  await nft.transaction().addElements(blocked, elements).commit();
  nowMs += 20_000;
  expect(await nft.listElements(blocked)).toEqual([
    { key: '10.0.0.1', value: undefined, timeoutMs: 60_000, expiresMs: 40_000 },
    { key: '10.0.0.2', value: undefined },
  ]);
  nowMs += 40_000;
  expect((await nft.listElements(blocked)).map(({ key }) => key)).toEqual(['10.0.0.2']);
  await expect(nft.transaction().deleteElements(blocked, ['10.0.0.1']).commit()).rejects.toMatchObject({
    code: 'ENOENT',
  });
});

describe('generations', () => {
  test('grow with every commit that changes something', async () => {
    const nft = begun();
    const first = await nft.generation();
    await nft.transaction().add(filter).commit();
    expect(await nft.generation()).toBe(first);
    await nft
      .transaction()
      .addElements(marks, [[1, 1]])
      .commit();
    expect(await nft.generation()).toBe(first + 1);
    const stale = nft.transaction().addElements(marks, [[2, 2]]);
    await expect(stale.commit({ ifGeneration: first })).rejects.toThrow(GenerationConflictError);
    expect(await nft.listElements(marks)).toHaveLength(1);
  });

  test('an update that somebody overtakes is made again', async () => {
    const nft = begun();
    const attempts: number[] = [];
    await nft.update(async (transaction, { attempt }) => {
      attempts.push(attempt);
      if (attempt < 3)
        await nft
          .transaction()
          .addElements(marks, [[attempt, 1]])
          .commit();
      transaction.addElements(marks, [[100, 1]]);
    });
    expect(attempts).toEqual([1, 2, 3]);
    expect((await nft.listElements(marks)).map(({ key }) => key)).toEqual([1, 2, 100]);
  });

  test('a check changes nothing', async () => {
    const kernel = new FakeKernel();
    const nft = begun(kernel);
    const before = kernel.committed.length;
    await nft.transaction().delete(filter).check();
    await expect(nft.transaction().delete(chain(filter, 'nowhere')).check()).rejects.toThrow(
      TransactionError,
    );
    expect(await nft.listTables()).toEqual([filter]);
    expect(kernel.committed).toHaveLength(before);
  });
});

test('until the commit a deleted rule can be inserted at, but not deleted again', async () => {
  const nft = begun();
  await nft
    .transaction()
    .add(rule(ssh, [counter]))
    .add(rule(ssh, [accept]))
    .commit();
  const [first] = await nft.listRules(ssh);
  if (first === undefined) throw new Error('no rule');
  const twice = nft.transaction().delete(first).destroy(first).commit();
  await expect(twice).rejects.toMatchObject({
    failures: [{ operation: 1, code: 'ENOENT', field: undefined }],
  });
  await nft
    .transaction()
    .delete(first)
    .insert(rule(ssh, [drop]), first)
    .commit();
  const verdicts = (await nft.listRules(ssh)).map(({ expressions }) => expressions[0]?.fields);
  expect(verdicts).toEqual([{ verdict: drop }, { verdict: accept }]);
});

test('what it can do can be asked', async () => {
  const { has } = await begun().features();
  expect(has.destroy).toBe(true);
  expect(has.catchAll).toBe(true);
});

describe('it is a socket like the others', () => {
  test('closed: ClosedError', async () => {
    const nft = begun();
    await nft.close();
    await expect(nft.listTables()).rejects.toThrow(ClosedError);
    await expect(nft.transaction().add(filter).commit()).rejects.toThrow(ClosedError);
    expect(() => nft.transaction().add(filter).commitSync()).toThrow(ClosedError);
  });

  test('something is under way: PendingError', async () => {
    const nft = begun();
    const commit = nft.transaction().add(filter).commit();
    const second = nft.transaction().add(ssh);
    expect(() => second.commitSync()).toThrow(PendingError);
    await commit;
    second.commitSync();
  });
});

test('tables in which something changes are told, whoever commits', async () => {
  const kernel = new FakeKernel();
  const nft = new Nftables(kernel);
  await using events = nft.tableChanges();
  const other = new Nftables(kernel.socketOf({ id: 8, name: 'nft' }));
  for (const commit of [
    () => nft.transaction().add(filter).add(input).commit(),
    () => other.transaction().delete(filter).commit(),
  ]) {
    await commit();
    const { value } = await events.next();
    expect(value).toEqual({
      generation: await nft.generation(),
      tables: [table(filter.family, filter.name)],
    });
  }
});

describe('monitors', () => {
  test('hear every transaction, of which process, as they would on a kernel', async () => {
    const kernel = new FakeKernel({ process: { id: 7, name: 'seven' } });
    const nft = begun(kernel);
    await using monitor = nft.monitor();
    await nft
      .transaction()
      .add(chain(filter, 'web'))
      .add(rule(input, [jump('web')], { comment: 'in' }))
      .add(counterObject(filter, 'hits'))
      .add(flowtable(filter, 'fast', { priority: 0, devices: ['lo'] }))
      .addElements(marks, [[80, 7]])
      .commit();
    const { value: first } = await monitor.next();
    expect(first).toMatchObject({
      kind: 'transaction',
      generation: kernel.generation,
      processId: 7,
      processName: 'seven',
    });
    const told = first?.kind === 'transaction' ? first.changes : [];
    expect(told.map((change) => [change.kind, 'verb' in change && change.verb])).toEqual(
      ['chain', 'rule', 'object', 'flowtable', 'element'].map((kind) => [kind, 'new']),
    );
    const other = new Nftables(kernel.socketOf({ id: 8, name: 'nft' }));
    await other.transaction().delete(filter).commit();
    const { value: second } = await monitor.next();
    expect(second).toMatchObject({ processId: 8, processName: 'nft' });
    const deleted = second?.kind === 'transaction' ? second.changes : [];
    expect(deleted.map(({ kind }) => kind)).toEqual([
      'rule',
      'set',
      'set',
      'set',
      'flowtable',
      'object',
      'chain',
      'chain',
      'chain',
      'table',
    ]);
  });

  test('hear nothing of what changes nothing, is refused, or only checked', async () => {
    const nft = begun();
    await using monitor = nft.monitor();
    await nft.transaction().add(filter).commit();
    await expect(nft.transaction().create(filter).commit()).rejects.toThrow(TransactionError);
    await nft.transaction().delete(filter).check();
    await nft.transaction().add(chain(filter, 'only')).commit();
    const { value } = await monitor.next();
    expect(value).toMatchObject({ changes: [{ kind: 'chain', verb: 'new' }] });
  });

  test('that are slow get a gap, and then how things stand', async () => {
    const nft = begun();
    await using monitor = nft.monitor({ receiveBufferBytes: 4096 });
    for (let i = 0; i < 100; i++) {
      await nft
        .transaction()
        .add(chain(filter, `c${i}`))
        .commit();
    }
    const kinds: string[] = [];
    while (kinds.at(-1) !== 'snapshot') kinds.push((await monitor.next()).value?.kind ?? 'nothing');
    expect(kinds.slice(-2)).toEqual(['gap', 'snapshot']);
    await nft.transaction().add(chain(filter, 'after')).commit();
    expect((await monitor.next()).value).toMatchObject({ changes: [{ object: { name: 'after' } }] });
  });

  test('end when they are closed, also while they wait', async () => {
    const nft = begun();
    const monitor = nft.monitor();
    const waiting = monitor.next();
    await monitor.close();
    expect(await waiting).toEqual({ done: true, value: undefined });
  });
});

describe('ranges', () => {
  const networks = set(filter, 'networks', { key: ipv4Addr, intervals: true, timeouts: true });
  const pairs = set(filter, 'pairs', { key: concatType(ipv4Addr, inetService), intervals: true });

  test('are looked up by what is in them', async () => {
    const nft = begun();
    await nft.transaction().add(networks).add(pairs).commit();
    await nft.set(networks).add(['10.0.0.0/8', '192.168.0.0/16']);
    await nft.set(pairs).add([['10.0.0.0/8', { from: 80, to: 90 }]]);
    expect(await nft.set(networks).has('10.1.2.3')).toBe(true);
    expect(await nft.set(networks).has('11.0.0.0')).toBe(false);
    expect(await nft.set(networks).get('192.168.7.7')).toMatchObject({ key: '192.168.0.0/16' });
    expect(await nft.set(pairs).has(['10.1.1.1', 85])).toBe(true);
    expect(await nft.set(pairs).has(['10.1.1.1', 91])).toBe(false);
  });

  test('leave as a whole, and then there is room', async () => {
    let nowMs = 0;
    const nft = begun(new FakeKernel({ nowMs: () => nowMs }));
    await nft
      .transaction()
      .add(networks)
      .addElements(networks, [{ key: '10.0.0.0/8', timeoutMs: 1000 }])
      .commit();
    const inside = () => nft.transaction().addElements(networks, ['10.1.0.0/16']).commit();
    await expect(inside()).rejects.toMatchObject({ code: 'EEXIST' });
    nowMs = 2000;
    expect(await nft.listElements(networks)).toEqual([]);
    await inside();
    expect((await nft.listElements(networks)).map(({ key }) => key)).toEqual(['10.1.0.0/16']);
  });
});
