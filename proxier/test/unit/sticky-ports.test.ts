import { describe, expect, test } from 'vitest';
import { FIRST_ENDPOINT_ID, FIRST_SLOT } from '../../src/layout/numbers.ts';
import type { SlotRange } from '../../src/layout/sticky-chains.ts';
import { type AdoptedSticky, StickyPorts } from '../../src/layout/sticky-ports.ts';
import type { PortState } from '../../src/model/frontends.ts';

function port(key: string, endpoints: number): PortState & { readonly affinityMs: number } {
  const cluster = Array.from({ length: endpoints }, (_, n) => ({
    address: `10.1.0.${n + 1}`,
    port: 8080,
    isLocal: false,
  }));
  return {
    key,
    family: 'ip',
    protocol: 'tcp',
    affinityMs: 10_800_000,
    cluster,
    local: [],
    frontends: [],
    hairpins: [],
    serving: [],
  };
}

function slots(range: SlotRange | undefined): readonly number[] {
  return Array.from({ length: range?.count ?? 0 }, (_, n) => (range?.first ?? 0) + n);
}

describe('the slots of sticky Service ports', () => {
  test('are nobody else’s, also after growing', () => {
    const ports = new StickyPorts();
    ports.update(port('a', 1));
    const b = ports.update(port('b', 5));
    const a = ports.update(port('a', 3));
    const all = [...slots(a.cluster), ...slots(b.cluster)];
    expect(new Set(all).size).toBe(8);
  });

  test('are nobody else’s when one that was taken over from the kernel grows', () => {
    const ports = new StickyPorts();
    const taken: AdoptedSticky = {
      number: 1,
      cluster: { first: FIRST_SLOT, count: 1 },
      local: undefined,
      ids: new Map([['10.1.0.1:8080', FIRST_ENDPOINT_ID]]),
    };
    ports.adopt({
      ports: new Map([['a', taken]]),
      lastSlot: FIRST_SLOT,
      lastId: FIRST_ENDPOINT_ID,
      numbers: [1],
    });
    expect(ports.update(port('a', 1)).cluster).toEqual(taken.cluster);
    const b = ports.update(port('b', 2));
    const a = ports.update(port('a', 3));
    const all = [...slots(a.cluster), ...slots(b.cluster)];
    expect(new Set(all).size).toBe(5);
  });
});

test('a number that somebody else may have by now is not taken over', () => {
  const ports = new StickyPorts();
  const taken: AdoptedSticky = { number: 1, cluster: undefined, local: undefined, ids: new Map() };
  ports.adopt({
    ports: new Map([['late', taken]]),
    lastSlot: FIRST_SLOT,
    lastId: FIRST_ENDPOINT_ID,
    numbers: [1],
  });
  // Its Service has not come, so its chains were deleted.
  ports.retire(1);
  expect(ports.update(port('early', 1)).number).toBe(1);
  const late = ports.update(port('late', 1));
  expect(late.number).not.toBe(1);
  expect(ports.byNumber(late.number)?.key).toBe('late');
  expect(ports.byNumber(1)?.key).toBe('early');
});
