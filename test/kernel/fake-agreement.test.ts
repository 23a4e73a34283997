import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { Lab } from '../../lab/lab.ts';
import {
  type AnySet,
  accept,
  anonymousSet,
  baseChain,
  type Chain,
  chain,
  counter,
  drop,
  type ElementOf,
  eq,
  goto,
  inetService,
  ip,
  ipv4Addr,
  jump,
  map,
  mark,
  Nftables,
  oneOf,
  type Rule,
  rule,
  ruleHandle,
  set,
  type Table,
  type Transaction,
  TransactionError,
  table,
  tcp,
  type Verdict,
  verdictMap,
  vmap,
} from '../../src/index.ts';
import { FakeKernel } from '../../src/testing/index.ts';

/** The same random transactions on the fake kernel and on a real one: the same outcome, errors and listings. */

const SEED = Number(process.env['NFTLINK_SEED'] ?? 20_261_121);
const RUNS = Number(process.env['NFTLINK_RUNS'] ?? 250);

const lab = new Lab('nftlink-agreement');
const host = lab.host('host');
const real = Nftables.open({ netns: { path: host.netnsPath } });

afterAll(async () => {
  await real.close();
  await lab.close();
});

const tables: readonly Table[] = [table('ip', 'a'), table('ip', 'b', { comment: 'b' }), table('inet', 'a')];
const anyTable = fc.constantFrom(...tables);
const anyChain = fc
  .tuple(anyTable, fc.constantFrom('c0', 'c1', 'c2', 'base'))
  .map(([of, name]) => chain(of, name));
const newChain: fc.Arbitrary<Chain> = fc.oneof(
  { weight: 3, arbitrary: anyChain.map((each) => (each.name === 'base' ? { ...each, name: 'c0' } : each)) },
  {
    weight: 2,
    arbitrary: fc
      .record({
        of: anyTable,
        type: fc.constantFrom('filter' as const, 'filter' as const, 'nat' as const, 'route' as const),
        hook: fc.constantFrom('input' as const, 'output' as const, 'forward' as const),
        priority: fc.constantFrom(0, 0, 0, 10, -300),
        policy: fc.constantFrom('accept' as const, 'drop' as const),
        name: fc.constantFrom('base', 'base', 'c1'),
      })
      .map(({ of, name, ...more }) => baseChain(of, name, more)),
  },
);
const key = fc.constantFrom('10.0.0.1', '10.0.0.2', '10.0.0.3', '10.0.0.4', '10.0.0.5');
const keys = fc.array(key, { minLength: 1, maxLength: 4 });

const plain = (of: Table) => set(of, 's', { key: ipv4Addr });
const small = (of: Table) => set(of, 'small', { key: ipv4Addr, size: 2, comment: 'two at most' });
const timed = (of: Table) => set(of, 'timed', { key: ipv4Addr, timeouts: true, timeoutMs: 3_600_000 });
const marks = (of: Table) => map(of, 'marks', { key: ipv4Addr, data: mark });
const verdicts = (of: Table) => verdictMap(of, 'verdicts', { key: ipv4Addr });
const otherwise = (of: Table) => set(of, 's', { key: inetService });
const anySet = fc
  .tuple(anyTable, fc.constantFrom(plain, small, timed, marks, verdicts))
  .map(([of, make]) => make(of));
const newSet = fc.oneof({ weight: 8, arbitrary: anySet }, { weight: 1, arbitrary: anyTable.map(otherwise) });
const verdict: fc.Arbitrary<Verdict> = fc.oneof(
  fc.constantFrom<Verdict>(accept, drop),
  fc.constantFrom('c0', 'c1', 'c2', 'base').map((name) => goto(name)),
  fc.constantFrom('c0', 'c1', 'c2').map((name) => jump(name)),
);

const anyRule: fc.Arbitrary<Rule> = fc.oneof(
  fc.tuple(anyChain, verdict).map(([of, then]) => rule(of, [eq(ip.saddr, '10.0.0.1'), counter, then])),
  fc.tuple(anyChain, verdict).map(([of, then]) => rule(of, [then], { comment: then.name })),
  anyChain.map((of) => rule(of, [oneOf(ip.saddr, plain(of.table)), counter])),
  anyChain.map((of) => rule(of, [vmap(ip.saddr, verdicts(of.table))])),
  anyChain.map((of) => rule(of, [oneOf(tcp.dport, anonymousSet(inetService, [22, 80, 443])), drop])),
);

/** Handles differ: a rule is the n-th of its chain. */
type HandleOf = (of: Chain, nth: number) => bigint;

/** One call on a transaction, and how it reads in a report. */
interface Step {
  readonly text: string;
  readonly run: (transaction: Transaction, handleOf: HandleOf) => void;
}

function step(text: string, run: Step['run']): Step {
  return { text, run };
}

function nameOf(object: Table | Chain | AnySet): string {
  if (object.kind === 'table') return `table ${object.family} ${object.name}`;
  const of = `${object.kind} ${object.table.family} ${object.table.name} ${object.name}`;
  return object.kind === 'chain' && object.base !== undefined ? `${of} ${JSON.stringify(object.base)}` : of;
}

function textOf(of: Rule): string {
  const parts = of.expressions.map(({ name, attributes }) => {
    const bytes = attributes.map(({ bytes: each }) => Buffer.from(each).toString('latin1'));
    return `${name} ${JSON.stringify(bytes.at(-1) ?? '')}`;
  });
  return `rule of ${nameOf(of.chain)}: ${parts.join(', ')}`;
}

type Verb = 'add' | 'create' | 'delete' | 'destroy' | 'flush';
function verbs<T extends Table | Chain | AnySet>(verb: Verb, weight: number, objects: fc.Arbitrary<T>) {
  const arbitrary = objects.map((each) => step(`${verb} ${nameOf(each)}`, (tx) => void tx[verb](each)));
  return { weight, arbitrary };
}

const objectSteps = fc.oneof(
  verbs('add', 3, anyTable),
  verbs(
    'add',
    1,
    anyTable.map((each) => ({ ...each, dormant: true })),
  ),
  verbs('create', 1, anyTable),
  verbs('delete', 1, anyTable),
  verbs('destroy', 1, anyTable),
  verbs('flush', 1, anyTable),
  verbs('add', 6, newChain),
  verbs('create', 1, newChain),
  verbs('delete', 2, anyChain),
  verbs('destroy', 1, anyChain),
  verbs('flush', 1, anyChain),
  verbs('add', 6, newSet),
  verbs('create', 1, newSet),
  verbs('delete', 2, anySet),
  verbs('destroy', 1, anySet),
  verbs('flush', 1, anySet),
);

const ruleSteps = fc
  .record({
    of: anyRule,
    nth: fc.nat(3),
    how: fc.constantFrom('add', 'add', 'add', 'insert', 'before', 'replace', 'delete', 'destroy'),
  })
  .map(({ of, nth, how }) =>
    step(`${how} ${textOf(of)} (${nth})`, (tx, handleOf) => {
      const old = ruleHandle(of.chain, handleOf(of.chain, nth));
      if (how === 'add') tx.add(of);
      else if (how === 'insert') tx.insert(of);
      else if (how === 'before') tx.insert(of, old);
      else if (how === 'replace') tx.replace(old, of);
      else if (how === 'delete') tx.delete(old);
      else tx.destroy(old);
    }),
  );

function elements<S extends AnySet>(
  make: (of: Table) => S,
  element: fc.Arbitrary<ElementOf<S>>,
): fc.Arbitrary<Step> {
  return fc
    .record({
      of: anyTable.map(make),
      list: fc.array(element, { minLength: 1, maxLength: 4 }),
      creates: fc.boolean(),
    })
    .map(({ of, list, creates }) =>
      step(`${creates ? 'create' : 'add'} elements of ${nameOf(of)}: ${JSON.stringify(list)}`, (tx) => {
        if (creates) tx.createElements(of, list);
        else tx.addElements(of, list);
      }),
    );
}

const elementSteps = fc.oneof(
  elements(plain, key),
  { weight: 2, arbitrary: elements(small, key) },
  elements(
    timed,
    fc
      .tuple(key, fc.constantFrom(undefined, 60_000, 120_000, 3_600_000))
      .map(([each, timeoutMs]) => (timeoutMs === undefined ? each : { key: each, timeoutMs })),
  ),
  elements(marks, fc.tuple(key, fc.constantFrom(1, 2))),
  { weight: 2, arbitrary: elements(verdicts, fc.tuple(key, verdict)) },
  {
    weight: 3,
    arbitrary: fc.record({ of: anySet, list: keys, destroys: fc.boolean() }).map(({ of, list, destroys }) =>
      step(`${destroys ? 'destroy' : 'delete'} elements of ${nameOf(of)}: ${list.join(' ')}`, (tx) => {
        if (destroys) tx.destroyElements(of, list);
        else tx.deleteElements(of, list);
      }),
    ),
  },
);

/** Chains that lead back to themselves, which the kernel finds if a base chain leads there. */
const loopSteps = anyTable.map((of) =>
  step(`a loop in ${nameOf(of)}`, (tx) => {
    const entry = baseChain(of, 'base', { type: 'filter', hook: 'input', priority: 0 });
    const [first, second] = [chain(of, 'c0'), chain(of, 'c1')];
    tx.add(entry)
      .add(first)
      .add(second)
      .add(rule(entry, [counter, jump(first)]));
    tx.add(rule(first, [jump(second)])).addElements(verdicts(of), [['10.0.0.1', goto(first)]]);
    tx.add(rule(second, [vmap(ip.saddr, verdicts(of))]));
  }),
);

const steps: fc.Arbitrary<Step> = fc.oneof(
  { weight: 1, arbitrary: loopSteps },
  { weight: 12, arbitrary: objectSteps },
  { weight: 9, arbitrary: ruleSteps },
  { weight: 12, arbitrary: elementSteps },
);

/** What a program sees of a transaction's end. */
async function outcomeOf(nft: Nftables, all: readonly Step[]): Promise<unknown> {
  const before = await nft.generation();
  const { rules } = await nft.snapshot({ expressions: false });
  const handleOf = (of: Chain, nth: number) => {
    const inChain = rules.filter(
      ({
        chain: {
          name,
          table: { family, name: tableName },
        },
      }) => {
        return name === of.name && family === of.table.family && tableName === of.table.name;
      },
    );
    return inChain[nth]?.handle ?? 1_000_000n;
  };
  const transaction = nft.transaction();
  for (const { run } of all) run(transaction, handleOf);
  const outcome = await transaction.commit().then(
    () => 'committed',
    (error: unknown) => {
      if (!(error instanceof TransactionError)) throw error;
      const { outcome: how, code, failures } = error;
      const each = failures.map(({ operation, code: of, field, element }) => ({
        operation,
        code: of,
        field,
        element,
      }));
      return { how, code, each };
    },
  );
  return { outcome, generations: (await nft.generation()) - before };
}

/** What a program sees of the ruleset, but for handles and the time that is left. */
async function listingOf(nft: Nftables): Promise<unknown> {
  const snapshot = await nft.snapshot({ elements: true });
  return {
    tables: snapshot.tables,
    chains: snapshot.chains,
    sets: JSON.parse(JSON.stringify(snapshot.sets)),
    rules: snapshot.rules.map(({ handle: _, expressions, ...rest }) => ({
      ...rest,
      expressions: expressions.map(({ name, fields }) => ({ name, fields })),
    })),
    elements: snapshot.elements?.map(({ set: { table: of, name }, elements }) => [
      of.family,
      of.name,
      name,
      elements
        .map(({ expiresMs, ...rest }) => JSON.stringify({ ...rest, expires: expiresMs !== undefined }))
        .sort(),
    ]),
  };
}

async function startAnew(): Promise<void> {
  const transaction = real.transaction();
  for (const there of await real.listTables()) transaction.delete(there);
  await transaction.commit();
}

describe('the fake kernel and the real one agree', () => {
  test(`on ${RUNS} runs of random transactions (seed ${SEED})`, async () => {
    const seen = new Map<string, number>();
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(steps, { minLength: 1, maxLength: 7 }), { minLength: 2, maxLength: 14 }),
        async (transactions) => {
          await startAnew();
          const fake = new Nftables(new FakeKernel());
          // Most transactions need something to work on.
          const scene = step('the scene', (tx) => {
            for (const each of tables.slice(0, 2)) {
              tx.add(each).add(chain(each, 'c0')).add(chain(each, 'c1'));
              for (const make of [plain, small, timed, marks, verdicts]) tx.add(make(each));
            }
          });
          const history: string[] = [];
          for (const each of [[scene], ...transactions]) {
            const [expected, outcome] = await Promise.all([outcomeOf(real, each), outcomeOf(fake, each)]);
            history.push(each.map((one, i) => `  ${i} ${one.text}`).join('\n'));
            const text = history.join('\n\n');
            expect(outcome, text).toEqual(expected);
            expect(await listingOf(fake), text).toEqual(await listingOf(real));
            count(seen, expected);
          }
        },
      ),
      { numRuns: RUNS, seed: SEED, endOnFailure: process.env['NFTLINK_SHRINK'] === undefined },
    );
    // The test is worth something only if it comes to these.
    for (const code of ['committed', 'EEXIST', 'ENOENT', 'EBUSY', 'ENFILE', 'EOPNOTSUPP', 'EMLINK']) {
      expect(seen.get(code) ?? 0, code).toBeGreaterThan(0);
    }
  }, 600_000);
});

function count(seen: Map<string, number>, result: unknown): void {
  const { outcome } = result as { outcome: 'committed' | { each: readonly { code: string }[] } };
  const codes = outcome === 'committed' ? [outcome] : outcome.each.map(({ code }) => code);
  for (const code of codes) seen.set(code, (seen.get(code) ?? 0) + 1);
}
