import { describe, expect, test } from 'vitest';
import type { ServiceState } from '../../src/model/frontends.ts';
import { Driver } from '../packets/driver.ts';
import { bytesOf } from '../packets/walk.ts';
import { clusterIP, gone, PROGRAM_OPTIONS, stateOf } from '../states.ts';

/** What a change costs: so many operations, whatever else there is. Each operation is of a few elements. */
const server = (n: number) => `10.1.${n >> 8}.${n & 255}`;
const servers = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => server(from + i));
const address = (i: number) => `10.96.${i >> 8}.${i & 255}`;

type Kind = 'plain' | 'sticky' | 'external';

function service(kind: Kind, i: number, endpoints: readonly string[]): ServiceState {
  const name = `shop/s${i}`;
  const way = endpoints.length > 0 ? ('external-cluster' as const) : undefined;
  const refusal = way === undefined ? ('reject' as const) : undefined;
  const outside = [
    {
      kind: 'external-ip' as const,
      address: `203.0.${i >> 8}.${i & 255}`,
      port: 80,
      way,
      refusal,
      allowedSources: undefined,
    },
    {
      kind: 'node-port' as const,
      address: undefined,
      port: 20_000 + i,
      way,
      refusal,
      allowedSources: undefined,
    },
  ];
  const frontends = [
    clusterIP(address(i), 80, endpoints.length > 0),
    ...(kind === 'external' ? outside : []),
  ];
  return stateOf(name, address(i), endpoints, {
    frontends,
    affinityMs: kind === 'sticky' ? 10_000 : undefined,
  });
}

/** A cluster of as many Services; every class that the changes need is there already. */
async function clusterOf(kind: Kind, services: number, endpoints: number) {
  const driver = new Driver('ip', PROGRAM_OPTIONS, bytesOf('192.0.2.10'));
  const others = Array.from({ length: services }, (_, i) => service('plain', i + 10, servers(0, 2)));
  const classes = [-1, 0, 1].map((more, i) => service(kind, i + 1, servers(0, endpoints + more)));
  await driver.commit([...others, ...classes, service(kind, 4, servers(0, endpoints))]);
  await driver.clean();
  const change = async (next: readonly string[]) => {
    const operations = await driver.commit([service(kind, 4, next)]);
    await driver.clean();
    return operations;
  };
  return { driver, change };
}

async function costs(kind: Kind, services: number, endpoints: number) {
  const { driver, change } = await clusterOf(kind, services, endpoints);
  const replaced = await change([...servers(1, endpoints), server(1000)]);
  const added = await change([...servers(1, endpoints), server(1000), server(1001)]);
  const removed = await change([...servers(1, endpoints), server(1001)]);
  const restored = await change(servers(0, endpoints));
  const removedAll = await driver.commit([gone('shop/s4')]);
  await driver.clean();
  const createdAgain = await driver.commit([service(kind, 4, servers(0, endpoints))]);
  return { replaced, added, removed, restored, removedAll, createdAgain };
}

/** A class that changes is two operations: deleted and added; so is an index. Sticky Services have chains of their own. */
const COSTS = {
  plain: { replaced: 2, added: 3, removed: 4, restored: 2, removedAll: 2, createdAgain: 3 },
  external: { replaced: 4, added: 6, removed: 8, restored: 4, removedAll: 3, createdAgain: 5 },
  sticky: { replaced: 5, added: 11, removed: 11, restored: 5, removedAll: 3, createdAgain: 20 },
};

describe.each<Kind>(['plain', 'external', 'sticky'])('%s Services', (kind) => {
  test('one endpoint more, less or another: as many operations among 1,000 Services and 200 endpoints as among 10 and 2', async () => {
    const small = await costs(kind, 10, 2);
    expect(small).toEqual(COSTS[kind]);
    expect(await costs(kind, 1_000, 2)).toEqual(small);
    expect(await costs(kind, 10, 200)).toEqual(small);
  }, 60_000);
});

test('what is loaded at once into larger sets leaves nothing to delete', async () => {
  const driver = new Driver('ip', PROGRAM_OPTIONS, bytesOf('192.0.2.10'));
  await driver.commit(Array.from({ length: 2_000 }, (_, i) => service('plain', i, servers(0, 2))));
  expect(driver.program.hasLeftovers).toBe(false);
  expect([...(driver.kernel.moments.at(-1)?.sets.keys() ?? [])]).not.toContain('services-2');
});

describe('growth', () => {
  const client = { address: '10.244.0.9', isNode: false };
  const reached = (driver: Driver, i: number, first?: number, last?: number) => [
    ...driver.outcomes(client, { address: address(i), protocol: 'tcp', port: 80 }, first, last),
  ];

  test.each<Kind>(['plain', 'sticky'])(
    'of %s Services: no connection is lost while sets are replaced',
    async (kind) => {
      const driver = new Driver('ip', PROGRAM_OPTIONS, bytesOf('192.0.2.10'));
      await driver.commit([service(kind, 1, servers(0, 3)), service(kind, 2, servers(10, 12))]);
      await driver.clean();
      // One endpoint less makes an index stale, and a thousand Services make the sets too small, a moment later.
      await driver.commit([service(kind, 1, servers(0, 2))]);
      driver.nowMs += 1;
      const before = driver.latest;
      await driver.commit(Array.from({ length: 1_100 }, (_, i) => service('plain', i + 10, servers(0, 1))));
      const names = () => [...(driver.kernel.moments.at(-1)?.sets.keys() ?? [])];
      expect(names()).toEqual(expect.arrayContaining(['services', 'services-2', 'endpoints', 'endpoints-2']));
      const [three, two, other] = [servers(0, 3), servers(0, 2), servers(10, 12)].map((list) =>
        list.map((each) => `${each}:8080`),
      );
      expect(reached(driver, 1).sort()).toEqual(two);
      expect(reached(driver, 2).sort()).toEqual(other);
      // Whoever drew the third index before it became stale finds it in the new set.
      expect(reached(driver, 1, before - 1, driver.latest).sort()).toEqual(three);
      expect(reached(driver, 2, before - 1, driver.latest).sort()).toEqual(other);
      await driver.clean();
      expect(names()).not.toContain('services');
      expect(names()).toContain('services-2');
      expect(reached(driver, 1).sort()).toEqual(two);
      // All of it is found by the next process.
      await driver.restart();
      const all = Array.from({ length: 1_100 }, (_, i) => service('plain', i + 10, servers(0, 1)));
      expect(
        await driver.commit([service(kind, 1, servers(0, 2)), service(kind, 2, servers(10, 12)), ...all]),
      ).toBe(0);
    },
  );
});
