import { Nftables, packValue } from 'nftlink';
import { describe, expect, test, vi } from 'vitest';
import { eachClusterSet } from '../../src/layout/set-names.ts';
import { familySets } from '../../src/layout/sets.ts';
import type { ServiceState } from '../../src/model/frontends.ts';
import { FamilyProgram } from '../../src/sync/family-program.ts';
import { Quarantine, type SetAside } from '../../src/sync/quarantine.ts';
import { SyncLoop } from '../../src/sync/sync-loop.ts';
import { RefusingKernel } from '../refusing-kernel.ts';
import { gone, PROGRAM_OPTIONS, stateOf, UNDISTURBED } from '../states.ts';

const FIRST = { epoch: 1, size: 1 };
const sets = familySets('ip', { ...eachClusterSet(() => FIRST), affinity: FIRST });
const REFUSED = Buffer.from([10, 96, 0, 66]);

function setup() {
  const kernel = new RefusingKernel();
  const states = new Map<string, ServiceState>();
  const heard = { setAside: [] as SetAside[], restored: [] as string[], failures: [] as Error[] };
  const told: string[] = [];
  const listener = {
    ...UNDISTURBED,
    setAside: (refused: SetAside) => heard.setAside.push(refused),
    restored: (service: string) => heard.restored.push(service),
    failed: (error: Error) => heard.failures.push(error),
    repaired: () => undefined,
  };
  const loop = new SyncLoop(new Nftables(kernel), [new FamilyProgram('ip', PROGRAM_OPTIONS)], listener, {
    stateOf: (service) => states.get(service) ?? gone(service),
    afterCommit: async (changed) => {
      told.push(...changed.map(({ service }) => service));
    },
  });
  const apply = (...changed: readonly ServiceState[]) => {
    for (const state of changed) states.set(state.service, state);
    loop.apply(changed);
  };
  const has = (address: string) =>
    kernel.elements(sets.services).has(packValue(sets.services.key, [address, 'tcp', 80]));
  return { kernel, loop, apply, has, heard, told };
}

describe('a Service that the kernel refuses', () => {
  test('is set aside by name, all others are programmed, and it comes in when it may', async () => {
    const { kernel, loop, apply, has, heard, told } = setup();
    kernel.bytes = REFUSED;
    apply(
      stateOf('a/good', '10.96.0.1', ['10.1.0.1']),
      stateOf('a/bad', '10.96.0.66', ['10.1.0.2']),
      stateOf('a/fine', '10.96.0.2', ['10.1.0.3']),
    );
    await loop.settled();
    expect(heard.failures).toEqual([]);
    expect(heard.setAside.map(({ service }) => service)).toEqual(['a/bad']);
    expect(heard.setAside[0]?.reason).toMatch(/10\.96\.0\.66 .*endpoints: ENOSPC/);
    expect(loop.setAside()).toHaveLength(1);
    expect([has('10.96.0.1'), has('10.96.0.66'), has('10.96.0.2')]).toEqual([true, false, true]);
    expect(told.sort()).toEqual(['a/fine', 'a/good']);

    // A change of it is a reason to try at once; so is the end of its time.
    apply(stateOf('a/bad', '10.96.0.66', ['10.1.0.2', '10.1.0.4']));
    await loop.settled();
    const [first, second] = heard.setAside;
    const waits = [first, second].map((refused) => (refused?.retryAtMs ?? 0) - performance.now());
    expect(waits[1]).toBeGreaterThan(waits[0] ?? 0);
    kernel.bytes = undefined;
    await vi.waitFor(() => expect(heard.restored).toEqual(['a/bad']), { timeout: 20_000 });
    await loop.settled();
    expect(has('10.96.0.66')).toBe(true);
    expect(loop.setAside()).toEqual([]);
    expect(told.filter((service) => service === 'a/bad')).toHaveLength(1);
    await loop.stop();
  }, 30_000);

  test('because of a chain of its session affinity', async () => {
    const { kernel, loop, apply, has, heard } = setup();
    kernel.chain = 'sticky-2';
    const affinityMs = 10_000;
    apply(
      stateOf('a/first', '10.96.0.1', ['10.1.0.1'], { affinityMs }),
      stateOf('a/second', '10.96.0.2', ['10.1.0.2'], { affinityMs }),
    );
    await loop.settled();
    expect(heard.setAside.map(({ service }) => service)).toEqual(['a/second']);
    expect(heard.failures).toEqual([]);
    expect([has('10.96.0.1'), has('10.96.0.2')]).toEqual([true, false]);
    expect(kernel.chains('ip', 'kube-proxy')).not.toContain('sticky-2');
    await loop.stop();
  });

  test('not when somebody else has changed the table', async () => {
    const { kernel, loop, apply, has, heard, told } = setup();
    apply(stateOf('a/s', '10.96.0.1', ['10.1.0.1', '10.1.0.2']));
    await loop.settled();
    await new Nftables(kernel).transaction().flush(sets.endpoints).commit();
    apply(stateOf('a/s', '10.96.0.1', ['10.1.0.3']));
    await loop.settled();
    expect(heard).toEqual({ setAside: [], restored: [], failures: [] });
    expect(has('10.96.0.1')).toBe(true);
    // Whoever waits for the change is told of it all the same.
    expect(told).toEqual(['a/s', 'a/s']);
    await loop.stop();
  });

  test('not when it was refused but once: what the kernel has was not what we thought', async () => {
    const { kernel, loop, apply, has, heard, told } = setup();
    apply(stateOf('a/s', '10.96.0.1', ['10.1.0.1']));
    await loop.settled();
    kernel.bytes = REFUSED;
    kernel.times = 1;
    apply(stateOf('a/bad', '10.96.0.66', ['10.1.0.2']));
    await loop.settled();
    expect(kernel.times).toBe(0);
    expect(heard).toEqual({ setAside: [], restored: [], failures: [] });
    expect(has('10.96.0.66')).toBe(true);
    expect(told).toEqual(['a/s', 'a/bad']);
    await loop.stop();
  });

  test('when it is about no Service it is a failure, tried again', async () => {
    const { kernel, loop, apply, has, heard, told } = setup();
    kernel.chain = 'pick-1';
    apply(stateOf('a/s', '10.96.0.1', ['10.1.0.1']));
    await vi.waitFor(() => expect(heard.failures).toHaveLength(1), { timeout: 5_000 });
    expect(heard.setAside).toEqual([]);
    kernel.chain = undefined;
    await loop.settled();
    expect(has('10.96.0.1')).toBe(true);
    expect(told).toEqual(['a/s']);
    await loop.stop();
  }, 20_000);
});

test('each time it waits twice as long, five minutes at most', () => {
  const quarantine = new Quarantine();
  const waits = Array.from({ length: 11 }, () => quarantine.add('a/s', 'no', 0).retryAtMs);
  expect(waits).toEqual([1000, 2000, 4000, 8000, 16_000, 32_000, 64_000, 128_000, 256_000, 300_000, 300_000]);
  expect(quarantine.release(299_999)).toEqual([]);
  expect(quarantine.nextTrialMs).toBe(300_000);
  expect(quarantine.release(300_000)).toEqual(['a/s']);
  expect(quarantine.nextTrialMs).toBeUndefined();
  expect(quarantine.acquit()).toEqual(['a/s']);
  expect(quarantine.has('a/s')).toBe(false);
});
