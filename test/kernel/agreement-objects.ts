import fc from 'fast-check';
import {
  type AnySet,
  accept,
  type Chain,
  type CounterObject,
  chain,
  concatType,
  counterObject,
  drop,
  type Flowtable,
  flowtable,
  goto,
  inetService,
  ipv4Addr,
  jump,
  limitObject,
  map,
  mark,
  objectMap,
  type QuotaObject,
  quotaObject,
  type StatefulObject,
  set,
  synproxyObject,
  type Table,
  table,
  type Verdict,
  verdictMap,
} from '../../src/index.ts';

/** What random transactions are about: few names, so that they meet. */

export const tables: readonly Table[] = [
  table('ip', 'a'),
  table('ip', 'b', { comment: 'b' }),
  table('inet', 'a'),
];
export const anyTable = fc.constantFrom(...tables);
export const anyChain: fc.Arbitrary<Chain> = fc
  .tuple(anyTable, fc.constantFrom('c0', 'c1', 'c2', 'base'))
  .map(([of, name]) => chain(of, name));

export const plain = (of: Table) => set(of, 's', { key: ipv4Addr });
export const small = (of: Table) => set(of, 'small', { key: ipv4Addr, size: 2, comment: 'two at most' });
export const timed = (of: Table) => set(of, 'timed', { key: ipv4Addr, timeouts: true, timeoutMs: 3_600_000 });
export const other = (of: Table) => set(of, 'other', { key: ipv4Addr, catchAll: true });
export const marks = (of: Table) => map(of, 'marks', { key: ipv4Addr, data: mark });
export const verdicts = (of: Table) => verdictMap(of, 'verdicts', { key: ipv4Addr });
export const otherwise = (of: Table) => set(of, 's', { key: inetService });
export const counters = (of: Table) => objectMap(of, 'counters', { key: ipv4Addr, object: 'counter' });
export const quotas = (of: Table) =>
  objectMap(of, 'quotas', { key: ipv4Addr, object: 'quota', intervals: true });

export const ranges = (of: Table) => set(of, 'ranges', { key: ipv4Addr, intervals: true });
export const fewRanges = (of: Table) => set(of, 'few', { key: ipv4Addr, intervals: true, size: 2 });
export const timedRanges = (of: Table) =>
  map(of, 'timedRanges', {
    key: ipv4Addr,
    data: mark,
    intervals: true,
    timeouts: true,
    timeoutMs: 7_200_000,
  });
export const pair = concatType(ipv4Addr, inetService);
export const pairs = (of: Table) => set(of, 'pairs', { key: pair, intervals: true, timeouts: true });
export const pairVerdicts = (of: Table) => verdictMap(of, 'pairVerdicts', { key: pair, intervals: true });

/** Every set but those of ranges, whose elements are deleted by plain keys. */
export const plainSets: readonly ((of: Table) => AnySet)[] = [
  plain,
  small,
  timed,
  other,
  marks,
  verdicts,
  counters,
];
export const rangeSets: readonly ((of: Table) => AnySet)[] = [
  ranges,
  fewRanges,
  timedRanges,
  pairs,
  pairVerdicts,
  quotas,
];
export const anySet = fc
  .tuple(anyTable, fc.constantFrom(...plainSets, ...rangeSets))
  .map(([of, make]) => make(of));

export const counterOf = (of: Table, name: string): CounterObject => counterObject(of, name, { packets: 3 });
export const quotaOf = (of: Table, bytes: number): QuotaObject => quotaObject(of, 'q0', { bytes, used: 5 });
export const anyObject: fc.Arbitrary<StatefulObject> = fc
  .record({
    of: anyTable,
    make: fc.constantFrom<(of: Table) => StatefulObject>(
      (of) => counterOf(of, 'n0'),
      (of) => counterOf(of, 'n1'),
      (of) => counterObject(of, 'n0', { packets: 99, comment: 'again' }),
      (of) => quotaOf(of, 1000),
      (of) => quotaObject(of, 'q0', { bytes: 2000, used: 7, over: true, comment: 'more' }),
      (of) => limitObject(of, 'l0', { rate: 5, per: 'second' }),
      (of) => limitObject(of, 'l0', { rate: 9, per: 'minute' }),
      (of) => synproxyObject(of, 'p0', { mss: 1460, wscale: 7 }),
      (of) => synproxyObject(of, 'p0', { mss: 1400, wscale: 5 }),
    ),
  })
  .map(({ of, make }) => make(of));

export const anyFlowtable: fc.Arbitrary<Flowtable> = fc
  .tuple(anyTable, fc.constantFrom('f0', 'f1'))
  .map(([of, name]) => flowtable(of, name, { priority: 'filter', devices: ['lo'] }));

export const verdict: fc.Arbitrary<Verdict> = fc.oneof(
  fc.constantFrom<Verdict>(accept, drop),
  fc.constantFrom('c0', 'c1', 'c2', 'base').map((name) => goto(name)),
  fc.constantFrom('c0', 'c1', 'c2').map((name) => jump(name)),
);

export function nameOf(object: Table | Chain | AnySet | StatefulObject | Flowtable): string {
  if (object.kind === 'table') return `table ${object.family} ${object.name}`;
  const of = `${object.kind} ${object.table.family} ${object.table.name} ${object.name}`;
  return object.kind === 'chain' && object.base !== undefined ? `${of} ${JSON.stringify(object.base)}` : of;
}
