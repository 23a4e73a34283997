import fc from 'fast-check';
import type { AnySet, ElementOf, KeyOf, Table } from '../../src/index.ts';
import {
  anyTable,
  counters,
  fewRanges,
  marks,
  nameOf,
  other,
  pairs,
  pairVerdicts,
  plain,
  quotas,
  ranges,
  small,
  timed,
  timedRanges,
  verdict,
  verdicts,
} from './agreement-objects.ts';
import { type Step, step } from './agreement-step.ts';

/** Random elements: added, created, deleted, destroyed. */

const key = fc.constantFrom('10.0.0.1', '10.0.0.2', '10.0.0.3', '10.0.0.4', '10.0.0.5');
const timeoutMs = fc.constantFrom(undefined, 60_000, 120_000, 3_600_000);

/** A range of numbers, both ends of it in it. */
interface Bounds {
  readonly from: number;
  readonly to: number;
}
const bounds = fc
  .tuple(fc.constantFrom(0, 1, 2, 3, 4, 5, 6, 17), fc.constantFrom(0, 0, 0, 1, 2))
  .map(([from, more]): Bounds => ({ from, to: from + more }));
/** Addresses of which the lowest is 0.0.0.0 and the highest 255.255.255.255: an end that is not there. */
const address = (n: number) => (n < 2 ? `0.0.0.${n}` : n > 16 ? `255.255.255.${236 + n}` : `10.0.0.${n}`);
const addresses = ({ from, to }: Bounds) => ({ from: address(from), to: address(to) });
/** What overlaps within one list is found before anything is sent. */
const apart = (list: readonly Bounds[]) =>
  list.filter(({ from, to }, at) => list.slice(0, at).every((each) => each.to < from || each.from > to));
const someBounds = fc.array(bounds, { minLength: 1, maxLength: 4 }).map(apart);
const somePairs = fc.array(fc.tuple(bounds, bounds), { minLength: 1, maxLength: 3 });
const pairOf = ([first, second]: readonly [Bounds, Bounds]): KeyOf<ReturnType<typeof pairs>> => [
  addresses(first),
  { from: second.from + 1, to: second.to + 1 },
];

function addition<S extends AnySet>(
  make: (of: Table) => S,
  lists: fc.Arbitrary<readonly ElementOf<S>[]>,
): fc.Arbitrary<Step> {
  return fc
    .record({ of: anyTable.map(make), list: lists, creates: fc.boolean() })
    .map(({ of, list, creates }) =>
      step(`${creates ? 'create' : 'add'} elements of ${nameOf(of)}: ${JSON.stringify(list)}`, (tx) => {
        if (creates) tx.createElements(of, list);
        else tx.addElements(of, list);
      }),
    );
}

function elements<S extends AnySet>(make: (of: Table) => S, element: fc.Arbitrary<ElementOf<S>>) {
  return addition(make, fc.array(element, { minLength: 1, maxLength: 4 }));
}

function deletion<S extends AnySet>(
  make: (of: Table) => S,
  lists: fc.Arbitrary<readonly KeyOf<S>[]>,
): fc.Arbitrary<Step> {
  return fc
    .record({ of: anyTable.map(make), list: lists, destroys: fc.boolean() })
    .map(({ of, list, destroys }) =>
      step(`${destroys ? 'destroy' : 'delete'} elements of ${nameOf(of)}: ${JSON.stringify(list)}`, (tx) => {
        if (destroys) tx.destroyElements(of, list);
        else tx.deleteElements(of, list);
      }),
    );
}

const keys = fc.array(key, { minLength: 1, maxLength: 4 });
const keyDeletions = fc.oneof(
  ...[plain, small, timed, marks, verdicts, counters].map((make: (of: Table) => PlainSet) =>
    deletion(make, keys),
  ),
  deletion(other, fc.array(fc.oneof(key, fc.constant('*' as const)), { minLength: 1, maxLength: 3 })),
);
type PlainSet = ReturnType<typeof plain | typeof marks | typeof verdicts | typeof counters>;

const keyRanges = someBounds.map((list) => list.map(addresses));
const rangeDeletions = fc.oneof(
  deletion(ranges, keyRanges),
  deletion(ranges, keyRanges),
  deletion(fewRanges, keyRanges),
  deletion(timedRanges, keyRanges),
  deletion(quotas, keyRanges),
);
const keyPairs = somePairs.map((list) => list.map(pairOf));
const pairDeletions = fc.oneof(deletion(pairs, keyPairs), deletion(pairVerdicts, keyPairs));

export const elementSteps: fc.Arbitrary<Step> = fc.oneof(
  elements(plain, key),
  { weight: 2, arbitrary: elements(small, key) },
  elements(other, fc.oneof(key, fc.constant('*' as const))),
  elements(
    timed,
    fc
      .tuple(key, timeoutMs)
      .map(([each, time]) => (time === undefined ? each : { key: each, timeoutMs: time })),
  ),
  elements(marks, fc.tuple(key, fc.constantFrom(1, 2))),
  elements(counters, fc.tuple(key, fc.constantFrom('n0', 'n1', 'n2'))),
  { weight: 2, arbitrary: elements(verdicts, fc.tuple(key, verdict)) },
  { weight: 3, arbitrary: keyDeletions },
);

export const rangeSteps: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: addition(
      ranges,
      someBounds.map((list) => list.map(addresses)),
    ),
  },
  {
    weight: 1,
    arbitrary: addition(
      fewRanges,
      someBounds.map((list) => list.map(addresses)),
    ),
  },
  {
    weight: 2,
    arbitrary: addition(
      timedRanges,
      fc.tuple(someBounds, fc.constantFrom(1, 2), timeoutMs).map(([list, value, time]) =>
        list.map((each) => ({
          key: addresses(each),
          value,
          ...(time === undefined ? {} : { timeoutMs: time }),
        })),
      ),
    ),
  },
  {
    weight: 1,
    arbitrary: addition(
      quotas,
      someBounds.map((list) => list.map((each) => [addresses(each), 'q0'] as const)),
    ),
  },
  {
    weight: 4,
    arbitrary: addition(
      pairs,
      fc
        .tuple(somePairs, timeoutMs)
        .map(([list, time]) =>
          list.map((each) => ({ key: pairOf(each), ...(time === undefined ? {} : { timeoutMs: time }) })),
        ),
    ),
  },
  {
    weight: 2,
    arbitrary: addition(
      pairVerdicts,
      fc.tuple(somePairs, verdict).map(([list, then]) => list.map((each) => [pairOf(each), then] as const)),
    ),
  },
  { weight: 4, arbitrary: rangeDeletions },
  { weight: 3, arbitrary: pairDeletions },
);
