import fc from 'fast-check';
import {
  type AnySet,
  anonymousSet,
  baseChain,
  type Chain,
  chain,
  concat,
  counter,
  drop,
  eq,
  type Flowtable,
  goto,
  inetService,
  ip,
  jump,
  objectFrom,
  objectNamed,
  oneOf,
  type Rule,
  rule,
  ruleHandle,
  type StatefulObject,
  type Table,
  tcp,
  vmap,
} from '../../src/index.ts';
import { elementSteps, rangeSteps } from './agreement-elements.ts';
import {
  anyChain,
  anyFlowtable,
  anyObject,
  anySet,
  anyTable,
  counterOf,
  counters,
  nameOf,
  otherwise,
  pairVerdicts,
  plain,
  plainSets,
  quotaOf,
  rangeSets,
  ranges,
  tables,
  verdict,
  verdicts,
} from './agreement-objects.ts';
import { type Step, step } from './agreement-step.ts';

/** Random steps of a transaction. */

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
const newSet = fc.oneof({ weight: 8, arbitrary: anySet }, { weight: 1, arbitrary: anyTable.map(otherwise) });

const anyRule: fc.Arbitrary<Rule> = fc.oneof(
  fc.tuple(anyChain, verdict).map(([of, then]) => rule(of, [eq(ip.saddr, '10.0.0.1'), counter, then])),
  fc.tuple(anyChain, verdict).map(([of, then]) => rule(of, [then], { comment: then.name })),
  anyChain.map((of) => rule(of, [oneOf(ip.saddr, plain(of.table)), counter])),
  anyChain.map((of) => rule(of, [vmap(ip.saddr, verdicts(of.table))])),
  anyChain.map((of) => rule(of, [oneOf(ip.saddr, ranges(of.table)), drop])),
  anyChain.map((of) => rule(of, [vmap(concat(ip.saddr, tcp.dport), pairVerdicts(of.table))])),
  anyChain.map((of) => rule(of, [objectNamed(counterOf(of.table, 'n0'))])),
  anyChain.map((of) => rule(of, [objectNamed(quotaOf(of.table, 1000)), drop])),
  anyChain.map((of) => rule(of, [objectFrom(ip.saddr, counters(of.table))])),
  anyChain.map((of) => rule(of, [oneOf(tcp.dport, anonymousSet(inetService, [22, 80, 443])), drop])),
);

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

function objectVerbs<T extends StatefulObject | Flowtable>(
  verb: Exclude<Verb, 'flush'>,
  weight: number,
  objects: fc.Arbitrary<T>,
) {
  const arbitrary = objects.map((each) =>
    step(`${verb} ${nameOf(each)} ${textOfState(each)}`, (tx) => void tx[verb](each)),
  );
  return { weight, arbitrary };
}

function textOfState(object: StatefulObject | Flowtable): string {
  const { table: _, ...state } = object;
  return JSON.stringify(state, (_name, value) => (typeof value === 'bigint' ? String(value) : value));
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

const statefulSteps = fc.oneof(
  objectVerbs('add', 4, anyObject),
  objectVerbs('create', 1, anyObject),
  objectVerbs('delete', 2, anyObject),
  objectVerbs('destroy', 1, anyObject),
);
const flowtableSteps = fc.oneof(
  objectVerbs('add', 3, anyFlowtable),
  objectVerbs('create', 1, anyFlowtable),
  objectVerbs('delete', 1, anyFlowtable),
  objectVerbs('destroy', 1, anyFlowtable),
);

/** Every kind of step; flowtables only where the kernel has them. */
export function anyStep(hasFlowtables: boolean): fc.Arbitrary<Step> {
  return fc.oneof(
    { weight: 1, arbitrary: loopSteps },
    { weight: 12, arbitrary: objectSteps },
    { weight: 9, arbitrary: ruleSteps },
    { weight: 10, arbitrary: elementSteps },
    { weight: 12, arbitrary: rangeSteps },
    { weight: 4, arbitrary: statefulSteps },
    ...(hasFlowtables ? [{ weight: 2, arbitrary: flowtableSteps }] : []),
  );
}

/** Most transactions need something to work on. */
export const scene: Step = step('the scene', (tx) => {
  for (const each of tables) {
    tx.add(each).add(chain(each, 'c0')).add(chain(each, 'c1'));
    tx.add(counterOf(each, 'n0')).add(quotaOf(each, 1000));
    for (const make of [...plainSets, ...rangeSets]) tx.add(make(each));
  }
});
