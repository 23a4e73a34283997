import { describe, expect, test } from 'vitest';
import type { Expectation } from '../../conformance/corpus.ts';
import { judge, type Observation, observationText } from '../../conformance/judge.ts';
import { type Verdict, verdictOf } from '../../conformance/verdict.ts';

/** What the conformance runner makes of what it sees. */

const A = '10.1.0.1:80';
const B = '10.1.0.2:80';

function seen(...verdicts: readonly Verdict[]): Observation {
  return { verdicts, isSticky: false, isOwn: false };
}

function reached(endpoint: string, isMasqueraded = false): Verdict {
  return { kind: 'endpoint', endpoint, isMasqueraded };
}

function problems(
  expectation: Expectation,
  observation: Observation,
  remembered: Readonly<Record<string, string>> = {},
): readonly string[] {
  return judge(expectation, observation, new Map(Object.entries(remembered)));
}

const BOTH = { endpoints: [A, B], masquerade: false } as const;

test('every endpoint and no other', () => {
  expect(problems(BOTH, seen(reached(A), reached(B), reached(A)))).toEqual([]);
  expect(problems(BOTH, seen(reached(A), reached(A)))).toEqual([`expected exactly ${A}, ${B}`]);
  expect(problems(BOTH, seen(reached(A), reached(B), reached('10.1.0.3:80')))).toHaveLength(1);
  expect(problems(BOTH, seen(reached(A), reached(B), { kind: 'drop' }))).toHaveLength(1);
  expect(problems(BOTH, seen({ kind: 'reject' }))).toHaveLength(1);
});

test.each(['drop', 'reject', 'untouched'] as const)('%s, each time', (kind) => {
  const expectation = { [kind]: true } as unknown as Expectation;
  expect(problems(expectation, seen({ kind }, { kind }))).toEqual([]);
  expect(problems(expectation, seen({ kind }, reached(A)))).toEqual([`expected ${kind}`]);
  expect(problems(expectation, seen({ kind }, { kind: 'odd', text: 'reset' }))).toHaveLength(1);
});

describe('masquerading', () => {
  test('of all, none, or some', () => {
    const all = { endpoints: [A, B], masquerade: true };
    expect(problems(all, seen(reached(A, true), reached(B, true)))).toEqual([]);
    expect(problems(all, seen(reached(A, true), reached(B)))).toEqual([`expected ${B} to be masqueraded`]);
    expect(problems(BOTH, seen(reached(A, true), reached(B)))).toHaveLength(1);
    const some = { endpoints: [A, B], masquerade: [A] };
    expect(problems(some, seen(reached(A, true), reached(B)))).toEqual([]);
    expect(problems(some, seen(reached(A, true), reached(B, true)))).toHaveLength(1);
  });

  test("the node's own connection may keep its port by chance, once", () => {
    const one = { endpoints: [A], masquerade: true };
    const own = (...flags: readonly boolean[]) => ({
      ...seen(...flags.map((flag) => reached(A, flag))),
      isOwn: true,
    });
    expect(problems(one, own(true, false, true))).toEqual([]);
    expect(problems(one, own(true, false, false))).toHaveLength(1);
    expect(problems(one, own(false))).toHaveLength(1);
    expect(problems({ ...one, masquerade: false }, own(true, false))).toHaveLength(1);
    expect(problems(one, seen(reached(A, true), reached(A)))).toHaveLength(1);
  });
});

describe('affinity', () => {
  const sticky = (...verdicts: readonly Verdict[]) => ({ ...seen(...verdicts), isSticky: true });

  test('one of the endpoints, always the same', () => {
    expect(problems(BOTH, sticky(reached(A), reached(A)))).toEqual([]);
    expect(problems(BOTH, sticky(reached(A), reached(B)))).toHaveLength(1);
    expect(problems(BOTH, sticky(reached('10.1.0.3:80')))).toHaveLength(1);
  });

  test('the one that was remembered', () => {
    const again = { ...BOTH, sameAs: 'c1' };
    expect(problems(again, sticky(reached(A)), { c1: A })).toEqual([]);
    expect(problems(again, sticky(reached(A)), { c1: B })).toEqual([`expected ${B} again`]);
    expect(problems(again, sticky(reached(A)))).toEqual(['no flow remembered c1']);
  });

  test('unless it is gone', () => {
    const ifAlive = { ...BOTH, sameAsIfAlive: 'c1' };
    expect(problems(ifAlive, sticky(reached(A)), { c1: '10.1.0.9:80' })).toEqual([]);
    expect(problems(ifAlive, sticky(reached(A)), { c1: B })).toHaveLength(1);
  });
});

describe('a packet that', () => {
  const client = { address: '203.0.113.2', port: 5000 };
  const service = { address: '172.30.0.1', port: 80 };
  const endpoint = { address: '10.1.0.1', port: 80 };
  const packet = { protocol: 'TCP', source: client, destination: service } as const;
  const node = { address: '192.168.0.2', port: 40000 };

  test.each<[string, Parameters<typeof verdictOf>[0]['outcome'], Verdict]>([
    ['was rewritten', { fate: 'left', device: 'x', source: client, destination: endpoint }, reached(A)],
    ['was masqueraded', { fate: 'left', device: 'x', source: node, destination: endpoint }, reached(A, true)],
    [
      'came to an endpoint on the node',
      { fate: 'delivered', source: client, destination: endpoint },
      reached(A),
    ],
    ['passed', { fate: 'left', device: 'x', source: client, destination: service }, { kind: 'untouched' }],
    ['was delivered', { fate: 'delivered', source: client, destination: service }, { kind: 'untouched' }],
    ['was refused', { fate: 'refused', by: 'port-unreachable' }, { kind: 'reject' }],
    ['was dropped', { fate: 'dropped' }, { kind: 'drop' }],
    ['was reset', { fate: 'refused', by: 'reset' }, { kind: 'odd', text: 'refused (reset)' }],
  ])('%s', (_what, outcome, verdict) => expect(verdictOf({ packet, outcome })).toEqual(verdict));

  test('was masqueraded without being rewritten is odd', () => {
    const outcome = { fate: 'left', device: 'x', source: node, destination: service } as const;
    expect(verdictOf({ packet, outcome }).kind).toBe('odd');
  });
});

test('what was seen, counted', () => {
  const text = observationText(seen(reached(A, true), { kind: 'drop' }, reached(A, true), reached(A)));
  expect(text).toBe(`${A} masqueraded ×2, drop ×1, ${A} ×1`);
});
