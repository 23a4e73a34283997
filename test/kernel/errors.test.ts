import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { Lab } from '../../lab/lab.ts';
import {
  type AnySet,
  accept,
  anonymousSet,
  baseChain,
  chain,
  concatType,
  eq,
  goto,
  inetProto,
  inetService,
  ip,
  ipv4Addr,
  ipv6Addr,
  jump,
  type KeyOf,
  map,
  mark,
  Nftables,
  oneOf,
  rule,
  ruleHandle,
  type Statement,
  set,
  type Transaction,
  type TransactionError,
  table,
  tcp,
  type Verdict,
  verdictMap,
  vmap,
} from '../../src/index.ts';
import { failureOf } from './failure-of.ts';

/** What the kernel refuses is named, all of it, and nothing is changed. */

const lab = new Lab('nftlink-errors');
const host = lab.host('host');
const nft = Nftables.open({ netns: { path: host.netnsPath } });

afterAll(async () => {
  await nft.close();
  await lab.close();
});

const begin = () => nft.transaction();
const listing = () => lab.run(host, 'nft', '-a', 'list', 'ruleset');

/** Commits what must be refused, and sees that the ruleset is the same to the byte. */
async function refused(transaction: Transaction): Promise<TransactionError> {
  const before = listing();
  const error = await failureOf(transaction.commit());
  expect(error.outcome).toBe('aborted');
  expect(error.failuresLost).toBe(false);
  expect(listing()).toBe(before);
  return error;
}

const filter = table('ip', 'filter');
const nowhere = table('ip', 'nowhere');
const input = baseChain(filter, 'input', { type: 'filter', hook: 'input', priority: 0 });
const a = chain(filter, 'a');
const b = chain(filter, 'b');
const service = concatType(ipv4Addr, inetProto, inetService);
const pair = concatType(ipv6Addr, inetService);
const v4 = set(filter, 'v4', { key: ipv4Addr });
const v6 = set(filter, 'v6', { key: ipv6Addr });
const pairs = set(filter, 'pairs', { key: pair });
const services = map(filter, 'services', { key: service, data: mark });
const verdicts = verdictMap(filter, 'verdicts', { key: inetService });

beforeEach(async () => {
  await begin().destroy(filter).add(filter).add(input).add(a).add(b).commit();
  await begin().add(v4).add(v6).add(pairs).add(services).add(verdicts).commit();
});

const COUNT = 10_000;
const numbers = Array.from({ length: COUNT }, (_, i) => i);
const address = (i: number) => `10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`;
const byte = (i: number) => i.toString(16);

/** Ten thousand different elements of each kind of set, and what adds a slice of them. */
interface Kind {
  readonly of: AnySet;
  readonly key: (i: number) => unknown;
  readonly create: (transaction: Transaction, is: readonly number[]) => Transaction;
}
const kinds: Readonly<Record<string, Kind>> = {
  'IPv4 addresses': {
    of: v4,
    key: address,
    create: (transaction, is) => transaction.createElements(v4, is.map(address)),
  },
  'IPv6 addresses': {
    of: v6,
    key: (i) => `fd00::${byte(i + 1)}`,
    create: (transaction, is) =>
      transaction.createElements(
        v6,
        is.map((i) => `fd00::${byte(i + 1)}`),
      ),
  },
  'a concatenation': {
    of: pairs,
    key: (i) => ['fd00::1', i],
    create: (transaction, is) =>
      transaction.createElements(
        pairs,
        is.map((i): KeyOf<typeof pairs> => ['fd00::1', i]),
      ),
  },
  'a map': {
    of: services,
    key: (i) => [address(i), 'tcp', 80],
    create: (transaction, is) =>
      transaction.createElements(
        services,
        is.map((i) => [[address(i), 'tcp', 80], i] as const),
      ),
  },
  'a verdict map': {
    of: verdicts,
    key: (i) => i,
    create: (transaction, is) =>
      transaction.createElements(
        verdicts,
        is.map((i) => ({ key: i, value: goto(a), comment: `${i}` })),
      ),
  },
};
const splits: readonly (readonly [string, number])[] = [
  ['one operation of 10,000', COUNT],
  ['100 operations of 100', 100],
  ['10,000 operations', 1],
];
const cases = Object.entries(kinds).flatMap(([name, kind]) =>
  splits.map(([split, size]) => ({ name, kind, split, size })),
);

function slices(size: number): readonly (readonly number[])[] {
  return Array.from({ length: COUNT / size }, (_, n) => numbers.slice(n * size, (n + 1) * size));
}

describe('10,000 creations of which two are duplicates: both are named, nothing is changed', () => {
  const duplicates = [771, 7710];

  test.each(cases)('of what is in the kernel: $name, $split', async ({ kind, size }) => {
    await kind.create(begin(), duplicates).commit();
    const transaction = begin();
    for (const slice of slices(size)) kind.create(transaction, slice);
    const error = await refused(transaction);
    expect(error.code).toBe('EEXIST');
    expect(error.failures).toEqual(
      duplicates.map((i) =>
        expect.objectContaining({
          operation: Math.floor(i / size),
          verb: 'create',
          target: `${kind.of.kind} ip filter ${kind.of.name}`,
          code: 'EEXIST',
          errno: 17,
          field: 'key',
          element: { index: i % size, key: kind.key(i) },
        }),
      ),
    );
    expect(error.message).toMatch(/^transaction aborted, nothing was changed: 2 failures\n/);
    expect(await nft.listElements(kind.of)).toHaveLength(2);
  });

  test.each(cases)('of one another: $name, $split', async ({ kind, size }) => {
    const transaction = begin();
    // The slice with a duplicate is followed by one more element: the duplicate itself.
    const places: { operation: number; index: number; key: unknown }[] = [];
    for (const [operation, slice] of slices(size).entries()) {
      const own = duplicates.filter((i) => slice.includes(i));
      if (size === 1) kind.create(transaction, slice);
      else kind.create(transaction, [...slice, ...own]);
      for (const [n, i] of own.entries()) {
        if (size > 1) places.push({ operation, index: slice.length + n, key: kind.key(i) });
      }
    }
    if (size === 1) {
      for (const i of duplicates) {
        places.push({ operation: transaction.size, index: 0, key: kind.key(i) });
        kind.create(transaction, [i]);
      }
    }
    const { failures } = await refused(transaction);
    expect(
      failures.map(({ operation, code, field, element }) => ({ operation, code, field, element })),
    ).toEqual(
      places.map(({ operation, index, key }) => ({
        operation,
        code: 'EEXIST',
        field: 'key',
        element: { index, key },
      })),
    );
    expect(await nft.listElements(kind.of)).toEqual([]);
  });

  test('the same for deletions of what is missing', async () => {
    const present = numbers.filter((i) => !duplicates.includes(i));
    await begin().addElements(v4, present.map(address)).commit();
    const { code, failures } = await refused(begin().deleteElements(v4, numbers.map(address)));
    expect(code).toBe('ENOENT');
    expect(failures.map(({ element }) => element)).toEqual(
      duplicates.map((i) => ({ index: i, key: address(i) })),
    );
  });

  test('a thousand duplicates are a thousand failures, of which the message shows ten', async () => {
    const many = numbers.filter((i) => i % 10 === 0);
    await begin().addElements(v4, many.map(address)).commit();
    const { failures, message } = await refused(begin().createElements(v4, numbers.map(address)));
    expect(failures.map(({ element }) => element?.index)).toEqual(many);
    expect(message.split('\n')).toHaveLength(12);
    expect(message).toContain('… and 990 more');
  });
});

describe('what only the shortened first pass would refuse is not reported', () => {
  const named = ({ failures }: TransactionError) =>
    failures.map(({ operation, code, element }) => [operation, code, element]);

  test('a deletion of what stands behind the bad element', async () => {
    await begin().addElements(v4, ['10.0.0.1']).commit();
    const error = await refused(
      begin().createElements(v4, ['10.0.0.1', '10.0.0.2']).deleteElements(v4, ['10.0.0.2']),
    );
    expect(named(error)).toEqual([[0, 'EEXIST', expect.objectContaining({ index: 0, key: '10.0.0.1' })]]);
  });

  test('a creation of what would have been deleted', async () => {
    await begin().addElements(v4, ['10.0.0.2']).commit();
    const error = await refused(
      begin().deleteElements(v4, ['10.0.0.9', '10.0.0.2']).createElements(v4, ['10.0.0.2', '10.0.0.3']),
    );
    expect(named(error)).toEqual([[0, 'ENOENT', expect.objectContaining({ index: 0 })]]);
  });

  test('an operation that fails only when the elements before it are there, and what stands behind that', async () => {
    await begin().addElements(v4, ['10.0.0.1']).commit();
    const error = await refused(
      begin()
        .createElements(v4, ['10.0.0.1', '10.0.0.2'])
        .createElements(v4, ['10.0.0.2', '10.0.0.3'])
        .createElements(v4, ['10.0.0.3', '10.0.0.4'])
        .deleteElements(v4, ['10.0.0.3', '10.0.0.4']),
    );
    expect(named(error)).toEqual([
      [0, 'EEXIST', expect.objectContaining({ index: 0 })],
      [1, 'EEXIST', expect.objectContaining({ index: 0 })],
      [2, 'EEXIST', expect.objectContaining({ index: 0 })],
    ]);
  });

  test('but every other refusal behind the bad element is', async () => {
    await begin().addElements(v4, ['10.0.0.1']).commit();
    const error = await refused(
      begin()
        .createElements(v4, ['10.0.0.1', '10.0.0.2'])
        .deleteElements(v4, ['10.0.0.2', '10.0.0.8'])
        .add(rule(chain(filter, 'missing'), [accept])),
    );
    expect(named(error)).toEqual([
      [0, 'EEXIST', expect.objectContaining({ index: 0 })],
      [1, 'ENOENT', expect.objectContaining({ index: 1, key: '10.0.0.8' })],
      [2, 'ENOENT', undefined],
    ]);
  });
});

describe('several refusals of different kinds in one transaction', () => {
  test('are all named with verb, target, field and code', async () => {
    await begin()
      .addElements(v4, ['10.0.0.1'])
      .addElements(verdicts, [[22, goto(b)]])
      .commit();
    const missingSet = set(filter, 'missing', { key: ipv4Addr });
    const in4 = (of: typeof v4): Statement => oneOf(ip.saddr, of);
    const add =
      (parts: readonly (Statement | Verdict)[], of = a) =>
      (transaction: Transaction) =>
        transaction.add(rule(of, parts));
    const other = set(filter, 'v4', { key: ipv6Addr });
    const wide = map(filter, 'services', { key: service, data: ipv6Addr });
    const timed = set(filter, 'v4', { key: ipv4Addr, timeouts: true });
    type Case = readonly [
      (transaction: Transaction) => Transaction,
      verb: string,
      target: string,
      code: string,
      field: string | undefined,
      key?: unknown,
    ];
    const expected: readonly Case[] = [
      [(t) => t.add(chain(nowhere, 'c')), 'add', 'chain ip nowhere c', 'ENOENT', 'table'],
      [(t) => t.add(set(nowhere, 's', { key: mark })), 'add', 'set ip nowhere s', 'ENOENT', 'table'],
      [add([accept], chain(nowhere, 'c')), 'add', 'rule of chain ip nowhere c', 'ENOENT', 'table'],
      [add([accept], chain(filter, 'c')), 'add', 'rule of chain ip filter c', 'ENOENT', 'chain'],
      [
        add([oneOf(tcp.dport, anonymousSet(inetService, [1, 2]))], chain(nowhere, 'c')),
        'add',
        'rule of chain ip nowhere c',
        'ENOENT',
        'table',
      ],
      [
        add([eq(ip.saddr, '10.0.0.1'), jump('missing')]),
        'add',
        'rule of chain ip filter a',
        'ENOENT',
        'expressions[2] immediate',
      ],
      [add([in4(missingSet)]), 'add', 'rule of chain ip filter a', 'ENOENT', 'expressions[1] lookup'],
      [
        add([vmap(tcp.dport, verdictMap(filter, 'missing', { key: inetService }))]),
        'add',
        'rule of chain ip filter a',
        'ENOENT',
        'expressions[3] lookup',
      ],
      [(t) => t.addElements(missingSet, ['10.0.0.1']), 'add', 'set ip filter missing', 'ENOENT', 'set'],
      [
        (t) => t.createElements(v4, ['10.0.0.2', '10.0.0.1']),
        'create',
        'set ip filter v4',
        'EEXIST',
        'key',
        '10.0.0.1',
      ],
      [(t) => t.deleteElements(v6, ['fd00::7']), 'delete', 'set ip filter v6', 'ENOENT', 'key', 'fd00::7'],
      [(t) => t.addElements(other, ['fd00::1']), 'add', 'set ip filter v4', 'EINVAL', 'element', 'fd00::1'],
      [
        (t) => t.addElements(wide, [[['10.0.0.1', 'tcp', 80], 'fd00::1']]),
        'add',
        'map ip filter services',
        'EINVAL',
        'element',
        ['10.0.0.1', 'tcp', 80],
      ],
      [
        (t) => t.addElements(timed, [{ key: '10.0.0.5', timeoutMs: 1000 }]),
        'add',
        'set ip filter v4',
        'EINVAL',
        'element',
        '10.0.0.5',
      ],
      [
        (t) => t.addElements(verdicts, [[80, jump('missing')]]),
        'add',
        'verdict map ip filter verdicts',
        'ENOENT',
        'value',
        80,
      ],
      [(t) => t.delete(b), 'delete', 'chain ip filter b', 'EBUSY', 'name'],
      [(t) => t.delete(ruleHandle(a, 99n)), 'delete', 'rule of chain ip filter a', 'ENOENT', 'handle'],
      [(t) => t.flush(chain(filter, 'c')), 'flush', 'chain ip filter c', 'ENOENT', 'chain'],
      [(t) => t.flush(missingSet), 'flush', 'set ip filter missing', 'ENOENT', 'set'],
      [(t) => t.flush(nowhere), 'flush', 'table ip nowhere', 'ENOENT', 'table'],
      [(t) => t.create(filter), 'create', 'table ip filter', 'EEXIST', 'name'],
      [
        (t) => t.add(baseChain(filter, 'n', { type: 'nat', hook: 'prerouting', priority: -200 })),
        'add',
        'chain ip filter n',
        'EOPNOTSUPP',
        undefined,
      ],
      [
        (t) => t.add(baseChain(filter, 'r', { type: 'route', hook: 'input', priority: 0 })),
        'add',
        'chain ip filter r',
        'EOPNOTSUPP',
        undefined,
      ],
    ];
    const transaction = begin();
    for (const [write] of expected) write(transaction);
    const { failures, code } = await refused(transaction);
    expect(code).toBe(failures[0]?.code);
    expect(
      failures.map(({ operation, verb, target, code, field, element }) => [
        operation,
        verb,
        target,
        code,
        field,
        element?.key,
      ]),
    ).toEqual(expected.map(([_, ...rest], i) => [i, ...rest, ...(rest.length === 4 ? [undefined] : [])]));
    expect(failures.map(({ message }) => message).join('\n')).toMatchInlineSnapshot(`
      "operation 0, add chain ip nowhere c: ENOENT, no such table (table)
      operation 1, add set ip nowhere s: ENOENT, no such table (table)
      operation 2, add rule of chain ip nowhere c: ENOENT, no such table (table)
      operation 3, add rule of chain ip filter c: ENOENT, no such chain (chain)
      operation 4, add rule of chain ip nowhere c: ENOENT, no such table (table)
      operation 5, add rule of chain ip filter a: ENOENT, it names something that does not exist, or this kernel lacks it (expressions[2] immediate)
      operation 6, add rule of chain ip filter a: ENOENT, it names something that does not exist, or this kernel lacks it (expressions[1] lookup)
      operation 7, add rule of chain ip filter a: ENOENT, it names something that does not exist, or this kernel lacks it (expressions[3] lookup)
      operation 8, add elements of set ip filter missing: ENOENT, no such set (set)
      operation 9, create element 1 (10.0.0.1) of set ip filter v4: EEXIST, it exists already (key)
      operation 10, delete element 0 (fd00::7) of set ip filter v6: ENOENT, no such element (key)
      operation 11, add element 0 (fd00::1) of set ip filter v4: EINVAL, the set was made for keys or values of another length, or without timeouts (element)
      operation 12, add element 0 (10.0.0.1 . tcp . 80) of map ip filter services: EINVAL, the set was made for keys or values of another length, or without timeouts (element)
      operation 13, add element 0 (10.0.0.5) of set ip filter v4: EINVAL, the set was made for keys or values of another length, or without timeouts (element)
      operation 14, add element 0 (80) of verdict map ip filter verdicts: ENOENT, no such chain (value)
      operation 15, delete chain ip filter b: EBUSY, it is still in use (name)
      operation 16, delete rule of chain ip filter a: ENOENT, no such rule (handle)
      operation 17, flush chain ip filter c: ENOENT, no such chain (chain)
      operation 18, flush set ip filter missing: ENOENT, no such set (set)
      operation 19, flush table ip nowhere: ENOENT, no such table (table)
      operation 20, create table ip filter: EEXIST, it exists already (name)
      operation 21, add chain ip filter n: EOPNOTSUPP, no chain of this type at this hook and priority (nat: above -200), or it exists with other ones
      operation 22, add chain ip filter r: EOPNOTSUPP, no chain of this type at this hook and priority (nat: above -200), or it exists with other ones"
    `);
  });

  test('a base chain stays at its hook and priority', async () => {
    const { code, failures } = await refused(
      begin().add(baseChain(filter, 'input', { type: 'filter', hook: 'output', priority: 0 })),
    );
    // The code differs by kernel.
    expect(['EOPNOTSUPP', 'EEXIST']).toContain(code);
    expect(failures).toHaveLength(1);
    expect(failures[0]?.target).toBe('chain ip filter input');
  });

  test('what stands between them is not named', async () => {
    const { failures } = await refused(
      begin()
        .addElements(v4, ['10.0.0.1'])
        .deleteElements(v4, ['10.0.0.2'])
        .add(rule(a, [accept]))
        .create(a)
        .add(chain(filter, 'c')),
    );
    expect(failures.map(({ operation }) => operation)).toEqual([1, 3]);
  });
});

describe('chains that lead back to themselves', () => {
  test('by rules: the jumps that close the circle are named', async () => {
    const { failures, code } = await refused(
      begin()
        .add(rule(input, [jump(a)]))
        .add(rule(a, [jump(b)]))
        .add(rule(b, [goto(a)])),
    );
    expect(['EMLINK', 'ELOOP']).toContain(code);
    expect(failures.at(-1)).toMatchObject({ verb: 'add', target: 'rule of chain ip filter b' });
    expect(failures.at(-1)?.message).toContain('chains would lead back to themselves');
  });

  test('by a verdict map', async () => {
    await begin()
      .add(rule(input, [jump(a)]))
      .add(rule(a, [vmap(tcp.dport, verdicts)]))
      .commit();
    const { failures, code } = await refused(begin().addElements(verdicts, [[80, jump(a)]]));
    expect(['EMLINK', 'ELOOP']).toContain(code);
    expect(failures).toHaveLength(1);
    expect(failures[0]).toMatchObject({ verb: 'add', target: 'verdict map ip filter verdicts' });
  });

  test('and those that jump deeper than sixteen', async () => {
    const chains = Array.from({ length: 18 }, (_, i) => chain(filter, `deep${i}`));
    const transaction = begin();
    for (const each of chains) transaction.add(each);
    transaction.add(rule(input, [jump('deep0')]));
    for (const [i, each] of chains.slice(0, -1).entries())
      transaction.add(rule(each, [jump(`deep${i + 1}`)]));
    expect((await refused(transaction)).code).toBe('EMLINK');
  });
});

describe('without the rights', () => {
  const script = (body: string) => `
    import { ipv4Addr, Nftables, set, table } from './src/index.ts';
    const nft = Nftables.open();
    const t = table('ip', 't');
    const s = set(t, 's', { key: ipv4Addr });
    const say = ({ name, outcome, code, failures, failuresLost, message }) =>
      console.log(JSON.stringify({ name, outcome, code, failures, failuresLost, message }));
    ${body}
    await nft.close();
  `;
  const runAs = (command: string, args: readonly string[], body: string): unknown[] => {
    const node = ['node', '--import', 'tsx', '--input-type=module', '-e', script(body)];
    const printed = lab.run(host, command, ...args, ...node);
    return printed
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as unknown);
  };
  const noAdmin = ['--bounding-set=-net_admin', '--inh-caps=-net_admin'];

  test('CAP_NET_ADMIN: EPERM, and the message says what it takes', () => {
    const [committed, committedSync, listed] = runAs(
      'setpriv',
      noAdmin,
      `await nft.transaction().add(t).add(s).commit().catch(say);
       try { nft.transaction().add(t).commitSync(); } catch (error) { say(error); }
       await nft.listTables().catch(say);`,
    );
    const expected = { name: 'TransactionError', outcome: 'aborted', code: 'EPERM' };
    expect(committed).toMatchObject(expected);
    expect(committedSync).toMatchObject(expected);
    expect(committed).toMatchObject({ message: expect.stringContaining('it takes CAP_NET_ADMIN') });
    expect(listed).toMatchObject({ name: 'RequestError', code: 'EPERM' });
    expect(listed).toMatchObject({
      message: expect.stringContaining('listing tables: EPERM: it takes CAP_NET_ADMIN'),
    });
  });

  test('a user namespace inside this one has none here', () => {
    const [committed] = runAs('unshare', ['-Ur'], `await nft.transaction().add(t).commit().catch(say);`);
    expect(committed).toMatchObject({ outcome: 'aborted', code: 'EPERM' });
    expect(committed).toMatchObject({ message: expect.stringContaining('CAP_NET_ADMIN') });
  });

  test('more than may be sent in a user namespace: aborted with the sizes, and what fits still goes', () => {
    // The kernel gives twice net.core.wmem_max; an element with such a comment is more than 128 bytes.
    const [refusal, tables, listed] = runAs(
      'unshare',
      ['-rn'],
      `const { readFileSync } = await import('node:fs');
       const limit = 2 * Number(readFileSync('/proc/sys/net/core/wmem_max', 'utf8'));
       const element = (_, i) => ({
         key: '10.' + (i >> 16) + '.' + ((i >> 8) & 255) + '.' + (i & 255),
         comment: 'x'.repeat(128),
       });
       const many = Array.from({ length: Math.ceil(limit / 128) }, element);
       await nft.transaction().add(t).add(s).addElements(s, many).commit().catch(say);
       console.log(JSON.stringify(await nft.listTables()));
       await nft.transaction().add(t).add(s).addElements(s, many.slice(0, 1000)).commit();
       console.log(JSON.stringify((await nft.listElements(s)).length));`,
    );
    expect(refusal).toMatchObject({
      name: 'TransactionError',
      outcome: 'aborted',
      code: 'EMSGSIZE',
      failures: [],
    });
    const { message } = refusal as Error;
    const sizes =
      /: it takes (\d+) bytes in one message and this socket may send (\d+); raise net\.core\.wmem_max/.exec(
        message,
      );
    expect(message).toMatch(/^transaction aborted, nothing was changed: it takes/);
    expect(Number(sizes?.[1])).toBeGreaterThan(Number(sizes?.[2]));
    expect(tables).toEqual([]);
    expect(listed).toBe(1000);
  });

  test('too many bad elements to send each by itself: only what is certain is named', () => {
    // In a message of their own they take more than 48 bytes each, together some 16.
    const [refusal] = runAs(
      'unshare',
      ['-rn'],
      `const { readFileSync } = await import('node:fs');
       const limit = 2 * Number(readFileSync('/proc/sys/net/core/wmem_max', 'utf8'));
       const key = (_, i) => '10.' + (i >> 16) + '.' + ((i >> 8) & 255) + '.' + (i & 255);
       const many = Array.from({ length: Math.ceil(limit / 48) }, key);
       await nft.transaction().add(t).add(s).addElements(s, ['10.0.0.7']).commit();
       await nft.transaction().createElements(s, many).deleteElements(s, [many.at(-1)]).commit().catch(say);`,
    );
    expect(refusal).toMatchObject({ outcome: 'aborted', code: 'EEXIST', failuresLost: true });
    expect(refusal).toMatchObject({
      failures: [{ operation: 0, code: 'EEXIST', element: { index: 7, key: '10.0.0.7' } }],
      message: expect.stringContaining('… and perhaps others that could not be found out'),
    });
  });
});
