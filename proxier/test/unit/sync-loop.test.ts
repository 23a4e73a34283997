import { constants } from 'node:os';
import fc from 'fast-check';
import { Nftables, type PackedValue, packValue } from 'nftlink';
import { FakeKernel } from 'nftlink/testing';
import { describe, expect, test } from 'vitest';
import { eachClusterSet } from '../../src/layout/set-names.ts';
import { familySets } from '../../src/layout/sets.ts';
import type { ServiceState } from '../../src/model/frontends.ts';
import { FamilyProgram } from '../../src/sync/family-program.ts';
import { SyncLoop, type SyncReport } from '../../src/sync/sync-loop.ts';
import { clusterIP, gone, PROGRAM_OPTIONS, stateOf, UNDISTURBED } from '../states.ts';

const FIRST = { epoch: 1, size: 1 };
const sets = familySets('ip', { ...eachClusterSet(() => FIRST), affinity: FIRST });

interface Setup {
  readonly kernel: FakeKernel;
  readonly loop: SyncLoop;
  readonly reports: SyncReport[];
  readonly failures: Error[];
  /** How many operations each repair took. */
  readonly repairs: number[];
}

function setup(kernel = new FakeKernel()): Setup {
  const reports: SyncReport[] = [];
  const failures: Error[] = [];
  const repairs: number[] = [];
  const programs = (['ip', 'ip6'] as const).map((family) => new FamilyProgram(family, PROGRAM_OPTIONS));
  const loop = new SyncLoop(new Nftables(kernel), programs, {
    ...UNDISTURBED,
    committed: (report) => reports.push(report),
    failed: (error) => failures.push(error),
    repaired: (operations) => repairs.push(operations),
  });
  return { kernel, loop, reports, failures, repairs };
}

/** A kernel that answers every question with EPERM until it is readable. */
class UnreadableKernel extends FakeKernel {
  isReadable = false;

  override async request(...question: Parameters<FakeKernel['request']>): Promise<Uint8Array> {
    if (this.isReadable) return super.request(...question);
    const answer = Buffer.alloc(8);
    answer.writeInt32LE(constants.errno.EPERM);
    return answer;
  }
}

const key = (address: string, port = 80) => packValue(sets.services.key, [address, 'tcp', port]);

/** What a packet to the address meets in the fake kernel: the endpoints it may be sent to, or a refusal. */
function reach(kernel: FakeKernel, address: string): readonly string[] | 'reject' | 'drop' | 'nothing' {
  const mark = kernel.elements(sets.services).get(key(address));
  if (mark === undefined) {
    if (kernel.elements(sets.dropped).has(key(address))) return 'drop';
    return kernel.elements(sets.refused).has(key(address)) ? 'reject' : 'nothing';
  }
  const chain = kernel.elements(sets.dispatch).get(mark) ?? 'no class';
  expect(kernel.chains('ip', 'kube-proxy')).toContain(chain);
  const count = Number(chain.replace('pick-', ''));
  return Array.from({ length: count }, (_, index) => {
    const indexed = packValue(sets.endpoints.key, [address, 'tcp', 80, 0x4b520000 + index]);
    const endpoint = kernel.elements(sets.endpoints).get(indexed);
    expect(endpoint).toBeDefined();
    return sets.endpoints.data.read(Buffer.from(endpoint ?? '', 'latin1'), 0)[0];
  }).sort();
}

describe('the sync loop', () => {
  test('programs, changes and removes a Service', async () => {
    const { kernel, loop } = setup();
    loop.apply([stateOf('shop/cart', '10.96.0.1', ['10.1.0.1', '10.1.0.2'])]);
    await loop.settled();
    expect(reach(kernel, '10.96.0.1')).toEqual(['10.1.0.1', '10.1.0.2']);
    loop.apply([stateOf('shop/cart', '10.96.0.1', [])]);
    await loop.settled();
    expect(reach(kernel, '10.96.0.1')).toBe('reject');
    expect(kernel.elements(sets.endpoints).size).toBe(0);
    expect(kernel.chains('ip', 'kube-proxy')).not.toContain('pick-2');
    loop.apply([gone('shop/cart')]);
    await loop.settled();
    expect(reach(kernel, '10.96.0.1')).toBe('nothing');
    expect(kernel.elements(sets.clusterIps).size).toBe(0);
    await loop.stop();
  });

  describe('prepared before the first Services come', () => {
    const states = [stateOf('shop/cart', '10.96.0.1', ['10.1.0.1', '10.1.0.2'])];
    async function programmedBefore(): Promise<FakeKernel> {
      const { kernel, loop } = setup();
      loop.apply(states);
      await loop.settled();
      await loop.stop();
      return kernel;
    }

    test('changes nothing until they do, and nothing then where all is in place', async () => {
      const kernel = await programmedBefore();
      const { loop, reports } = setup(kernel);
      const before = await new Nftables(kernel).generation();
      await loop.prepare();
      loop.apply(states);
      await loop.settled();
      expect(reports.map(({ operations }) => operations)).toEqual([0]);
      expect(await new Nftables(kernel).generation()).toBe(before);
      await loop.stop();
    });

    test('what somebody else changes in between is mended', async () => {
      const kernel = await programmedBefore();
      const { loop } = setup(kernel);
      await loop.prepare();
      await new Nftables(kernel)
        .transaction()
        .deletePackedElements(sets.services, [key('10.96.0.1')])
        .commit();
      loop.apply(states);
      await loop.settled();
      expect(reach(kernel, '10.96.0.1')).toEqual(['10.1.0.1', '10.1.0.2']);
      await loop.stop();
    });

    test('what cannot be read then is read later', async () => {
      const kernel = new UnreadableKernel();
      const { loop, failures } = setup(kernel);
      await loop.prepare();
      kernel.isReadable = true;
      loop.apply(states);
      await loop.settled();
      expect(failures).toEqual([]);
      expect(reach(kernel, '10.96.0.1')).toEqual(['10.1.0.1', '10.1.0.2']);
      await loop.stop();
    });
  });

  test('makes the tables even without any Service', async () => {
    const { kernel, loop } = setup();
    loop.apply([]);
    await loop.settled();
    expect(kernel.chains('ip', 'kube-proxy')).toContain('nat-prerouting');
    expect(kernel.chains('ip6', 'kube-proxy')).toContain('nat-prerouting');
    await loop.stop();
  });

  test('deletes the last index one transaction after the class says that there is one less', async () => {
    const { kernel, loop } = setup();
    loop.apply([stateOf('s', '10.96.0.1', ['10.1.0.1', '10.1.0.2', '10.1.0.3'])]);
    await loop.settled();
    const before = kernel.committed.length;
    loop.apply([stateOf('s', '10.96.0.1', ['10.1.0.1', '10.1.0.3'])]);
    while (kernel.committed.length === before) await new Promise((resolve) => setImmediate(resolve));
    const third = packValue(sets.endpoints.key, ['10.96.0.1', 'tcp', 80, 0x4b520002]);
    expect(reach(kernel, '10.96.0.1')).toEqual(['10.1.0.1', '10.1.0.3']);
    expect(kernel.elements(sets.endpoints).has(third)).toBe(true);
    await loop.settled();
    expect(kernel.elements(sets.endpoints).has(third)).toBe(false);
    await loop.stop();
  });

  test('one endpoint replaced is two operations, whatever the number of Services and endpoints', async () => {
    const operations = async (services: number, endpoints: number) => {
      const { loop, reports } = setup();
      const addresses = Array.from({ length: endpoints }, (_, i) => `10.1.${i >> 8}.${i & 255}`);
      loop.apply(
        Array.from({ length: services }, (_, i) => stateOf(`s${i}`, `10.96.${i >> 8}.${i & 255}`, addresses)),
      );
      await loop.settled();
      loop.apply([stateOf('s7', '10.96.0.7', [...addresses.slice(1), '10.2.0.1'])]);
      await loop.settled();
      await loop.stop();
      return reports.at(-1)?.operations;
    };
    expect(await operations(10, 2)).toBe(2);
    expect(await operations(500, 2)).toBe(2);
    expect(await operations(10, 200)).toBe(2);
  });

  test('what arrives while a transaction is under way makes the next one', async () => {
    const { loop, reports } = setup();
    loop.apply([stateOf('s', '10.96.0.1', ['10.1.0.1'])]);
    for (let i = 0; i < 100; i++) loop.apply([stateOf(`t${i}`, `10.96.1.${i}`, ['10.1.0.1'])]);
    await loop.settled();
    expect(reports.length).toBeLessThanOrEqual(2);
    expect(reports.reduce((sum, { services }) => sum + services, 0)).toBe(101);
    await loop.stop();
  });

  test('a set that would overflow is replaced by a larger one, under the next name', async () => {
    const { kernel, loop, failures } = setup();
    loop.apply([stateOf('first', '10.97.0.1', ['10.1.0.1'])]);
    await loop.settled();
    loop.apply(
      Array.from({ length: 3000 }, (_, i) => stateOf(`s${i}`, `10.96.${i >> 8}.${i & 255}`, ['10.1.0.1'])),
    );
    await loop.settled();
    expect(failures).toEqual([]);
    const larger = {
      kind: 'map',
      table: sets.table,
      key: sets.services.key,
      data: sets.services.data,
    } as const;
    expect(kernel.elements({ ...larger, name: 'services-2' }).size).toBe(3001);
    expect(() => kernel.elements(sets.services)).toThrow('no map ip kube-proxy services');
    await loop.stop();
  });

  test('two Services with the same address and pods share what they share', async () => {
    const { kernel, loop } = setup();
    const hairpins = [{ address: '10.1.0.1', port: 8080, isLocal: true }];
    const one = stateOf('a', '10.96.0.1', ['10.1.0.1'], { hairpins });
    const two = stateOf('b', '10.96.0.1', ['10.1.0.1'], {
      frontends: [clusterIP('10.96.0.1', 81, true)],
      hairpins,
    });
    loop.apply([one, two]);
    await loop.settled();
    loop.apply([gone('a')]);
    await loop.settled();
    expect(kernel.elements(sets.clusterIps).size).toBe(1);
    expect(kernel.elements(sets.hairpins).size).toBe(1);
    loop.apply([gone('b')]);
    await loop.settled();
    expect(kernel.elements(sets.clusterIps).size).toBe(0);
    expect(kernel.elements(sets.hairpins).size).toBe(0);
    await loop.stop();
  });

  test('when somebody else changed the table, it is read and mended', async () => {
    const { kernel, loop, failures, repairs } = setup();
    loop.apply([stateOf('s', '10.96.0.1', ['10.1.0.1', '10.1.0.2'])]);
    await loop.settled();
    await new Nftables(kernel).transaction().flush(sets.services).commit();
    loop.apply([stateOf('s', '10.96.0.1', ['10.1.0.1'])]);
    await loop.settled();
    expect(failures).toEqual([]);
    expect(repairs).toHaveLength(1);
    expect(reach(kernel, '10.96.0.1')).toEqual(['10.1.0.1']);
    await loop.stop();
  });
});

test('leftovers that somebody else has deleted are no failure', async () => {
  const { kernel, loop, failures } = setup();
  loop.apply([stateOf('s', '10.96.0.1', ['10.1.0.1', '10.1.0.2'])]);
  await loop.settled();
  const before = kernel.committed.length;
  loop.apply([stateOf('s', '10.96.0.1', ['10.1.0.1'])]);
  while (kernel.committed.length === before) await new Promise((resolve) => setImmediate(resolve));
  // Somebody takes away the endpoint that is left over before we do.
  await new Nftables(kernel).transaction().flush(sets.endpoints).commit();
  await loop.settled();
  expect(failures).toEqual([]);
  expect(reach(kernel, '10.96.0.1')).toEqual(['10.1.0.1']);
  await loop.stop();
});

test('a random walk: the kernel holds exactly what a fresh build would, and nobody is sent nowhere', async () => {
  const endpoint = fc.integer({ min: 1, max: 9 }).map((i) => `10.1.0.${i}`);
  const step = fc.record({
    index: fc.integer({ min: 1, max: 4 }),
    endpoints: fc.option(fc.uniqueArray(endpoint, { maxLength: 6 }), { nil: undefined }),
    settle: fc.boolean(),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 12 }), async (steps) => {
      const { kernel, loop, failures } = setup();
      const now = new Map<number, ServiceState>();
      for (const { index, endpoints, settle } of steps) {
        const name = `s${index}`;
        const state = endpoints === undefined ? gone(name) : stateOf(name, `10.96.0.${index}`, endpoints);
        now.set(index, state);
        loop.apply([state]);
        if (settle) await loop.settled();
      }
      await loop.settled();
      await loop.stop();
      const fresh = setup();
      fresh.loop.apply(now.values());
      await fresh.loop.settled();
      await fresh.loop.stop();
      expect(failures).toEqual([]);
      for (let index = 1; index <= 4; index++) {
        const address = `10.96.0.${index}`;
        expect(reach(kernel, address)).toEqual(reach(fresh.kernel, address));
      }
      const keys = (from: FakeKernel, set: 'endpoints' | 'services' | 'refused' | 'clusterIps') =>
        [...from.elements(sets[set]).keys()].sort() as PackedValue[];
      for (const set of ['endpoints', 'services', 'refused', 'clusterIps'] as const) {
        expect(keys(kernel, set)).toEqual(keys(fresh.kernel, set));
      }
      expect([...(kernel.chains('ip', 'kube-proxy') ?? [])].sort()).toEqual(
        [...(fresh.kernel.chains('ip', 'kube-proxy') ?? [])].sort(),
      );
    }),
    { numRuns: 60 },
  );
}, 60_000);
