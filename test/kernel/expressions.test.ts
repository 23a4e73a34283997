import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import {
  chain,
  counter,
  type Expression,
  eq,
  expressions,
  type ListedExpression,
  rawExpression,
  rule,
  type Statement,
  type Table,
  table,
  tunnel,
  udp,
} from '../../src/index.ts';
import { besideNft } from './beside-nft.ts';
import { CASES, type ExpressionCase, RANGES } from './expression-cases.ts';
import { failureOf } from './failure-of.ts';

/**
 * Every expression: what we write beside what nft makes of the same text, byte for byte in the kernel; read back field by field, and
 * written again from what was read.
 */

const { lab, ours, theirs, nft, reference } = besideNft('nftlink-expressions');

const FAMILIES = ['ip', 'ip6', 'inet', 'arp', 'bridge', 'netdev'] as const;
const KINDS = new Map(
  Object.values(expressions).flatMap((kind) => ('make' in kind ? [[kind.name, kind]] : [])),
);

/** Bytes, but for the names of sets, which the kernel numbers. */
function bytesOf(listed: readonly ListedExpression[]): readonly string[] {
  return listed.map(({ name, data }) => {
    const hex = Buffer.from(data).toString('hex');
    return `${name} ${name === 'lookup' ? hex.replace(/5f5f736574(3[0-9])+/, '__set') : hex}`;
  });
}

describe.each(FAMILIES)('family %s', (family) => {
  const cases = CASES.filter((each) => each.family === family);
  const t: Table = table(family, 't');
  const rules = chain(t, 'rules');
  const copies = chain(t, 'copies');
  const raw = chain(t, 'raw');

  beforeAll(async () => {
    await nft.transaction().add(t).add(rules).add(copies).add(raw).commit();
    await reference.transaction().add(t).add(rules).commit();
    const text = cases.map((each) => `add rule ${family} t rules ${each.text}`).join('\n');
    if (cases.length > 0) lab.load(theirs, text);
    for (const each of cases) await commit(rules, each);
  });

  test.each(cases.map((each, i) => [each.text, i] as const))('%s', async (text, i) => {
    const [mine, nfts] = await Promise.all([nft.listRules(rules), reference.listRules(rules)]);
    expect(bytesOf(mine[i]?.expressions ?? []), text).toEqual(bytesOf(nfts[i]?.expressions ?? []));
  });

  test('is listed by nft in the same words', () => {
    const listing = (host: typeof ours) => lab.run(host, 'nft', '-s', 'list', 'chain', family, 't', 'rules');
    expect(listing(ours)).toBe(listing(theirs));
  });

  test('what was read makes the same expressions, by field and as bytes', async () => {
    const listed = await nft.listRules(rules);
    const withoutSets = listed.filter(({ expressions: list }) => !list.some(({ name }) => name === 'lookup'));
    const transaction = nft.transaction();
    for (const { expressions: list } of withoutSets) {
      transaction.add(rule(copies, list.map(again))).add(rule(raw, list.map(rawExpression)));
    }
    await transaction.commit();
    const expected = withoutSets.map(({ expressions: list }) => bytesOf(list));
    for (const copy of [copies, raw]) {
      const rewritten = await nft.listRules(copy);
      expect(rewritten.map(({ expressions: list }) => bytesOf(list))).toEqual(expected);
    }
  });
});

test.each(RANGES.map((each) => [each.text, each] as const))('range: %s', async (text, each) => {
  const t = table('inet', 'ranges');
  const c = chain(t, 'c');
  await nft.transaction().add(t).add(c).flush(c).add(rule(c, each.statements)).commit();
  expect(lab.run(ours, 'nft', 'list', 'chain', 'inet', 'ranges', 'c')).toContain(`\t${text}\n`);
});

describe('expressions past libnftnl', () => {
  const inet = table('inet', 'raw');
  const c = chain(inet, 'c');
  const netdev = table('netdev', 'raw');
  const d = chain(netdev, 'd');
  /** x_tables knows no family inet. */
  const ipv4 = table('ip', 'raw');
  const x = chain(ipv4, 'x');

  beforeAll(() => nft.transaction().add(inet).add(c).add(netdev).add(d).add(ipv4).add(x).commit());

  /** What is in the kernel after a rule of these expressions was added. */
  async function added(into: typeof c, list: readonly (Expression | Statement)[]) {
    await nft.transaction().flush(into).add(rule(into, list)).commit();
    const [only] = await nft.listRules(into);
    return only?.expressions ?? [];
  }

  test('a header inside a tunnel', async () => {
    const saddr = expressions.payloadKind.encode({ dreg: 1, base: 'network', offset: 12, len: 4 });
    const inner = { num: 0, type: 1, flags: 15, hdrsize: 8, expression: saddr };
    const list = [
      expressions.innerKind.make(inner),
      expressions.cmpKind.make({ sreg: 1, op: 'eq', data: Uint8Array.of(10, 0, 0, 1) }),
    ];
    const [found] = await added(c, [eq(udp.dport, 4789), ...list].flat());
    expect(found?.name).toBe('meta');
    const listed = (await nft.listRules(c))[0]?.expressions ?? [];
    const read = listed.find(({ name }) => name === 'inner');
    expect(read?.fields).toMatchObject({
      num: 0,
      type: 1,
      flags: 15,
      hdrsize: 8,
      expression: { name: 'payload' },
    });
    expect(expressions.innerKind.make(read?.fields as never)).toMatchObject({ name: 'inner' });
    expect(bytesOf(await added(c, listed.map(again)))).toEqual(bytesOf(listed));
  });

  test('a bitwise operation on two registers', async () => {
    const load = [
      expressions.metaKind.make({ key: 3, dreg: 1 }),
      expressions.ctKind.make({ key: 3, dreg: 2 }),
    ];
    const and = expressions.bitwiseKind.make({ sreg: 1, sreg2: 2, dreg: 1, len: 4, op: 'and' });
    expect(and.raw).toBeDefined();
    const listed = await added(c, [...load, and]);
    expect(listed[2]?.fields).toMatchObject({ sreg: 1, sreg2: 2, dreg: 1, len: 4, op: 'and' });
    expect(bytesOf(await added(c, listed.map(again)))).toEqual(bytesOf(listed));
  });

  test('what a tunnel says of a packet', async () => {
    const listed = await added(d, [eq(tunnel.id, 5), eq(tunnel.path, 'exists')]);
    expect(listed[0]?.fields).toMatchObject({ key: 'id', dreg: 1 });
    expect(bytesOf(await added(d, listed.map(again)))).toEqual(bytesOf(listed));
  });

  test('matches and targets of x_tables', async () => {
    const info = Buffer.alloc(256);
    info.write('written by nftlink');
    const match = expressions.matchKind.make({ name: 'comment', rev: 0, info });
    const target = expressions.targetKind.make({
      name: 'CLASSIFY',
      rev: 0,
      info: Buffer.from([1, 0, 2, 0, 0, 0, 0, 0]),
    });
    const listed = await added(x, [match, target]);
    expect(listed[0]?.fields).toMatchObject({ name: 'comment', rev: 0, info: new Uint8Array(info) });
    expect(listed[1]?.fields).toMatchObject({ name: 'CLASSIFY' });
    for (const copy of [listed.map(again), listed.map(rawExpression)]) {
      expect(bytesOf(await added(x, copy))).toEqual(bytesOf(listed));
    }
  });

  test('an attribute that nobody here knows is kept as bytes, and goes back', async () => {
    // The kernel of a later day: a counter with one attribute more.
    const data = Buffer.concat([
      expressions.counterKind.encode({ bytes: 5n, packets: 1n }).data,
      Buffer.from([8, 0, 99, 0, 1, 2, 3, 4]),
    ]);
    expect(expressions.counterKind.read(data)).toBeUndefined();
    expect(rawExpression({ name: 'counter', data }).raw).toEqual(data);
    // This kernel reads past it, as kernels do.
    const [listed] = await added(c, [rawExpression({ name: 'counter', data })]);
    expect(listed?.fields).toEqual({ bytes: 5n, packets: 1n });
  });

  test("an expression that no kernel has is the kernel's to refuse, by name", async () => {
    const { failures } = await failureOf(
      nft
        .transaction()
        .add(rule(c, [counter, rawExpression({ name: 'teleport', data: new Uint8Array(0) })]))
        .commit(),
    );
    expect(failures).toMatchObject([{ code: 'ENOENT', field: 'expressions[1] teleport' }]);
    expect(() => rawExpression({ name: 'a name that is too long', data: new Uint8Array(0) })).toThrow('name');
  });
});

test('random values of fields come back as they were written', async () => {
  const t = table('inet', 'random');
  const c = chain(t, 'c');
  const u32 = fc.integer({ min: 0, max: 0xffffffff });
  const bytes4 = fc.uint8Array({ minLength: 4, maxLength: 4 });
  const of = <K extends { make(values: never): Expression; name: string }>(
    kind: K,
    values: fc.Arbitrary<object>,
  ) => values.map((fields) => ({ name: kind.name, fields, expression: kind.make(fields as never) }));
  const words = fc.constantFrom(1, 9, 10, 11, 2);
  const u64 = fc.bigInt({ min: 1n, max: (1n << 63n) - 1n });
  const k = expressions;
  const any = fc.oneof(
    of(
      k.payloadKind,
      fc.record({
        dreg: words,
        base: fc.constantFrom('link', 'network', 'transport'),
        offset: fc.integer({ min: 0, max: 255 }),
        len: fc.integer({ min: 1, max: 4 }),
      }),
    ),
    of(
      k.cmpKind,
      fc.record({ sreg: words, op: fc.constantFrom('eq', 'neq', 'lt', 'lte', 'gt', 'gte'), data: bytes4 }),
    ),
    of(
      k.bitwiseKind,
      fc.record({ sreg: words, dreg: words, len: fc.constant(4), mask: bytes4, xor: bytes4 }),
    ),
    of(k.immediateKind, fc.record({ dreg: words, data: bytes4 })),
    of(
      k.metaKind,
      fc.record({ key: fc.constantFrom(0, 1, 2, 3, 4, 5, 10, 11, 13, 15, 16, 19, 20), dreg: words }),
    ),
    of(k.ctKind, fc.record({ key: fc.constantFrom(0, 1, 2, 3, 5, 23), dreg: words })),
    of(k.counterKind, fc.record({ packets: u64, bytes: u64 })),
    of(
      k.quotaKind,
      fc.record({
        bytes: u64.filter((bytes) => bytes > 1000n),
        flags: fc.constantFrom(0, 1),
        consumed: fc.bigInt({ min: 0n, max: 1000n }),
      }),
    ),
    of(
      k.limitKind,
      fc.record({
        rate: fc.bigInt({ min: 1n, max: 100_000n }),
        unit: fc.constantFrom(1n, 60n, 3600n),
        burst: fc.integer({ min: 1, max: 1000 }),
        type: fc.constant('packets'),
        flags: fc.constantFrom(0, 1),
      }),
    ),
    of(k.connlimitKind, fc.record({ count: u32, flags: fc.constantFrom(0, 1) })),
    of(
      k.numgenKind,
      fc.record({
        dreg: words,
        modulus: fc.integer({ min: 1, max: 0x7fffffff }),
        type: fc.constantFrom('inc', 'random'),
        offset: fc.integer({ min: 0, max: 0x7fffffff }),
      }),
    ),
    of(
      k.hashKind,
      fc.record({
        sreg: words,
        dreg: words,
        len: fc.constant(4),
        modulus: fc.integer({ min: 2, max: 0x7fffffff }),
        seed: u32,
        offset: fc.integer({ min: 0, max: 0x7fffffff }),
        type: fc.constant('jhash'),
      }),
    ),
    of(k.rejectKind, fc.record({ type: fc.constant('icmpx'), code: fc.integer({ min: 0, max: 3 }) })),
    of(
      k.logKind,
      fc.record({ prefix: fc.stringMatching(/^[a-z]{1,20}$/), level: fc.integer({ min: 0, max: 7 }) }),
    ),
    of(
      k.exthdrKind,
      fc.record({
        dreg: words,
        type: fc.integer({ min: 0, max: 255 }),
        offset: fc.integer({ min: 0, max: 255 }),
        len: fc.integer({ min: 1, max: 4 }),
        op: fc.constantFrom('ipv6', 'tcpopt'),
      }),
    ),
    of(
      k.rangeKind,
      fc.tuple(fc.constantFrom('eq', 'neq'), bytes4, bytes4).map(([op, a, b]) => ({
        sreg: 1,
        op,
        ...(Buffer.compare(a, b) <= 0 ? { from: a, to: b } : { from: b, to: a }),
      })),
    ),
    of(
      k.byteorderKind,
      fc
        .record({
          sreg: words,
          dreg: words,
          op: fc.constantFrom('ntoh', 'hton'),
          len: fc.constantFrom(2, 4),
          size: fc.constantFrom(2, 4),
        })
        .filter(({ len, size }) => len >= size),
    ),
    of(
      k.fibKind,
      fc.record({ dreg: words, result: fc.constantFrom('type', 'oif'), flags: fc.constantFrom(1, 2, 9) }),
    ),
  );
  // A register must be written before it is read.
  const registers = [0, 4, 8, 12].map((word) =>
    k.immediateKind.make({ dreg: 1 + word / 4, data: new Uint8Array(16) }),
  );
  const samples = fc.sample(any, { numRuns: 2000, seed: 20261121 });
  const transaction = nft.transaction().add(t).add(c);
  for (const { expression } of samples) transaction.add(rule(c, [...registers, expression]));
  await transaction.commit();
  const listed = await nft.listRules(c);
  expect(listed).toHaveLength(samples.length);
  for (const [i, { name, fields }] of samples.entries()) {
    const found = listed[i]?.expressions[registers.length];
    expect(found?.name).toBe(name);
    // The kernel leaves out an offset or flags of 0.
    const kept = Object.entries(fields).filter(
      ([key, value]) => value !== 0 || found?.fields?.[key] !== undefined,
    );
    expect(found?.fields).toMatchObject(Object.fromEntries(kept));
    if (found !== undefined) expect(KINDS.get(name)?.make(found.fields as never)).toBeDefined();
  }
});

async function commit(into: ReturnType<typeof chain>, { statements, text }: ExpressionCase): Promise<void> {
  try {
    await nft.transaction().add(rule(into, statements)).commit();
  } catch (error) {
    throw new Error(`${text}: ${(error as Error).message}`, { cause: error });
  }
}

function again({ name, fields }: ListedExpression): Expression {
  const kind = KINDS.get(name);
  expect(fields, name).toBeDefined();
  if (kind === undefined) throw new Error(`no kind ${name}`);
  return kind.make(fields as never);
}
