import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseServiceCidrs } from '../../src/kube/cidr.ts';
import { formatRecord, parseRecord } from '../../src/kube/cluster-ip-file.ts';
import { ClusterIPTable } from '../../src/kube/cluster-ip-table.ts';
import { type ClusterIPRecord, EMPTY_RECORD } from '../../src/kube/cluster-ips.ts';
import { type ObjectChanges, objectName, type Service } from '../../src/kube/objects.ts';
import { aService } from '../objects.ts';

const V4 = parseServiceCidrs('10.96.0.0/12');
const DUAL = parseServiceCidrs('10.96.0.0/12,fd00:96::/112');
const TINY = parseServiceCidrs('10.0.0.0/29');

/** Runs a new table with this memory, as after a restart. */
function assign(services: Service[], previous: ClusterIPRecord = EMPTY_RECORD, cidrs = V4) {
  const table = new ClusterIPTable(cidrs, previous);
  const { plan, complaints } = step(table, { upserted: services, deleted: [] });
  return { ...plan, complaints, record: table.record(), ips: Object.fromEntries(plan.clusterIPs) };
}

function step(table: ClusterIPTable, changes: ObjectChanges<Service>) {
  table.update(changes);
  const plan = table.plan();
  const record = table.record(plan);
  table.commit(plan);
  expect(table.record()).toEqual(record);
  const complaints = table
    .complaints()
    .map(({ service, field, message }) => `${service}: ${field}: ${message}`);
  return { plan, complaints };
}

describe('cluster IPs of Services without one', () => {
  test('follow from the name, in the upper part of the range', () => {
    const { ips, gaveNew } = assign([aService('shop/cart'), aService('shop/pay')]);
    const again = assign([aService('shop/pay'), aService('shop/cart')]);
    expect(again.ips).toEqual(ips);
    expect(gaveNew).toBe(true);
    // Pinned: a change of the hash would move every address of users without a state file.
    expect(ips).toMatchInlineSnapshot(`
      {
        "shop/cart": [
          "10.106.166.81",
        ],
        "shop/pay": [
          "10.109.178.118",
        ],
      }
    `);
  });

  test('are not given to headless Services, ExternalNames and Services of other proxies', () => {
    const { ips, record } = assign([
      aService('a/headless', { clusterIPs: ['None'] }),
      aService('a/alias', { type: 'ExternalName' }),
      aService('a/other', {}, { labels: { 'service.kubernetes.io/service-proxy-name': '' } }),
      aService('a/explicit', { clusterIPs: ['10.96.0.7'] }),
    ]);
    expect(ips).toEqual({ 'a/explicit': ['10.96.0.7'], 'a/other': [] });
    expect(record.given.size).toBe(0);
  });

  test('are the same after a restart, even where names met', () => {
    const services = ['a', 'b', 'c', 'd'].map((name) => aService(`x/${name}`));
    const first = assign(services.slice(2), EMPTY_RECORD, TINY);
    const all = assign(services, first.record, TINY);
    expect(all.ips).toMatchObject(first.ips);
    const restarted = assign(services, parseRecord(formatRecord(all.record)), TINY);
    expect(restarted.ips).toEqual(all.ips);
    expect(restarted.gaveNew).toBe(false);
  });

  test('a released address goes to the end of the line, and back to whom it belonged', () => {
    const first = assign([aService('x/a'), aService('x/b')], EMPTY_RECORD, TINY);
    const [ip = ''] = first.ips['x/a'] ?? [];
    const gone = assign([aService('x/b')], first.record, TINY);
    expect([...gone.record.released]).toEqual([[ip, 'x/a']]);
    const others = ['c', 'd', 'e', 'f'].map((name) => aService(`x/${name}`));
    const more = assign([aService('x/b'), ...others], gone.record, TINY);
    expect(Object.values(more.ips).flat()).not.toContain(ip);
    expect(assign([aService('x/b'), ...others, aService('x/a')], more.record, TINY).ips['x/a']).toEqual([ip]);
    // No other is free: now it is anybody's.
    const full = assign([aService('x/b'), ...others, aService('x/z')], more.record, TINY);
    expect(full.ips['x/z']).toEqual([ip]);
    const over = assign([aService('x/a'), aService('x/b'), ...others, aService('x/z')], full.record, TINY);
    expect(over.complaints).toEqual(['x/a: spec.clusterIP: every IPv4 address of the service CIDR is taken']);
    expect(over.ips).toEqual({ ...full.ips, 'x/a': [] });
  });

  test('an address outside of the service CIDR is replaced', () => {
    const first = assign([aService('x/a')]);
    expect(assign([aService('x/a')], first.record, TINY).ips['x/a']?.[0]).toMatch(/^10\.0\.0\.[1-6]$/);
  });

  test.each<[Parameters<typeof aService>[1], readonly string[], string | undefined]>([
    [{}, ['IPv4'], undefined],
    [{ ipFamilies: ['IPv6'] }, ['IPv6'], undefined],
    [{ ipFamilyPolicy: 'PreferDualStack' }, ['IPv4', 'IPv6'], undefined],
    [{ ipFamilyPolicy: 'RequireDualStack', ipFamilies: ['IPv6'] }, ['IPv6', 'IPv4'], undefined],
    [{ ipFamilies: ['IPv6', 'IPv4'] }, ['IPv6', 'IPv4'], undefined],
    [
      { ipFamilyPolicy: 'PreferDualStack', ipFamilies: ['IPv4'], clusterIPs: ['10.96.0.7'] },
      ['IPv4', 'IPv6'],
      undefined,
    ],
  ])('families with two CIDRs: %j', (spec, families, complaint) => {
    const { ips, complaints } = assign([aService('a/b', spec)], EMPTY_RECORD, DUAL);
    expect(ips['a/b']?.map((ip) => (ip.includes(':') ? 'IPv6' : 'IPv4'))).toEqual(families);
    expect(complaints[0]).toBe(complaint);
  });

  test.each<[Parameters<typeof aService>[1], number, string | undefined]>([
    [{ ipFamilies: ['IPv6'] }, 0, 'a/b: spec.ipFamilies: there is no service CIDR for IPv6'],
    [{ ipFamilyPolicy: 'PreferDualStack' }, 1, undefined],
    [
      { ipFamilyPolicy: 'RequireDualStack' },
      0,
      'a/b: spec.ipFamilyPolicy: both IP families are required, but there is no service CIDR for IPv6',
    ],
    [
      {
        ipFamilyPolicy: 'RequireDualStack',
        ipFamilies: ['IPv4', 'IPv6'],
        clusterIPs: ['10.1.0.1', 'fd00::1'],
      },
      2,
      undefined,
    ],
  ])('families with one CIDR: %j', (spec, count, complaint) => {
    const { ips, complaints } = assign([aService('a/b', spec)]);
    expect([ips['a/b']?.length, complaints[0]]).toEqual([count, complaint]);
  });

  test('a Service that asks for more than there is keeps what it has', () => {
    const first = assign([aService('a/b')]);
    expect(assign([aService('a/b', { ipFamilyPolicy: 'RequireDualStack' })], first.record).ips).toEqual(
      first.ips,
    );
  });
});

describe('one cluster IP, several Services', () => {
  const ip = { clusterIPs: ['10.96.0.7'] };
  const older = { creationTimestamp: '2025-01-01T00:00:00+01:00' };
  const newer = { creationTimestamp: '2025-01-01T00:00:00Z' };

  test('the one created first has it; the other takes over when that goes', () => {
    const both = assign([aService('a/new', ip, newer), aService('b/old', ip, older)]);
    expect(both.ips).toEqual({ 'a/new': [], 'b/old': ['10.96.0.7'] });
    expect(both.complaints).toEqual(['a/new: spec.clusterIP: 10.96.0.7 belongs to Service b/old']);
    const one = assign([aService('a/new', ip, newer)], both.record);
    expect([one.ips, one.complaints]).toEqual([{ 'a/new': ['10.96.0.7'] }, []]);
    expect(assign([aService('a/new', ip, newer), aService('b/old', ip, older)], one.record).ips).toEqual(
      both.ips,
    );
  });

  test('without times the one that has it keeps it, after a restart too; at first the names decide', () => {
    const first = assign([aService('b/b', ip)]);
    const both = assign([aService('a/a', ip), aService('b/b', ip), aService('c/c', ip, newer)], first.record);
    expect(both.ips).toEqual({ 'a/a': [], 'b/b': ['10.96.0.7'], 'c/c': [] });
    const restarted = parseRecord(formatRecord(both.record));
    expect(assign([aService('a/a', ip), aService('b/b', ip)], restarted).ips['b/b']).toEqual(['10.96.0.7']);
    expect(assign([aService('a/a', ip), aService('b/b', ip)]).ips['a/a']).toEqual(['10.96.0.7']);
  });

  test('a given address is as good as an explicit one, and an explicit one is never given', () => {
    const first = assign([aService('x/a')]);
    const [given = ''] = first.ips['x/a'] ?? [];
    const later = assign([aService('x/a'), aService('a/a', { clusterIPs: [given] })], first.record);
    expect(later.ips).toEqual({ 'x/a': [given], 'a/a': [] });
    const together = assign([aService('x/a'), aService('a/a', { clusterIPs: [given] })]);
    expect(together.ips['a/a']).toEqual([given]);
    expect(together.ips['x/a']).not.toEqual([given]);
  });

  test('a given address that an older Service claims is replaced', () => {
    const first = assign([aService('x/a', {}, newer)]);
    const claimed = first.ips['x/a'] ?? [];
    const after = assign(
      [aService('x/a', {}, newer), aService('z/z', { clusterIPs: claimed }, older)],
      first.record,
    );
    expect(after.ips['z/z']).toEqual(claimed);
    expect(after.ips['x/a']).toHaveLength(1);
    expect(after.ips['x/a']).not.toEqual(claimed);
  });
});

describe('whatever happens', () => {
  const names = ['x/a', 'x/b', 'x/c', 'x/d', 'x/e', 'x/f', 'x/g', 'x/h', 'x/i'];
  const change = fc.record({
    name: fc.constantFrom(...names),
    what: fc.constantFrom('write' as const, 'delete' as const, 'restart' as const),
    clusterIPs: fc.constantFrom<string[][]>(
      [],
      [],
      [],
      ['10.0.0.1'],
      ['10.0.0.3'],
      ['10.0.0.6'],
      ['10.0.0.9'],
    ),
    creationTimestamp: fc.constantFrom(undefined, '2000-01-01T00:00:00Z', '2001-01-01T00:00:00Z'),
  });

  interface Moment {
    readonly services: readonly Service[];
    /** Service to all its cluster IPs. */
    readonly ips: ReadonlyMap<string, readonly string[]>;
    readonly record: ClusterIPRecord;
    readonly complaints: readonly string[];
  }

  type Change = typeof change extends fc.Arbitrary<infer T> ? T : never;

  /** A table that lives on, and what its plans said so far. */
  class World {
    readonly #services = new Map<string, Service>();
    readonly #ips = new Map<string, readonly string[]>();
    #table = new ClusterIPTable(TINY, EMPTY_RECORD);

    play(next: Change): Moment {
      const changes = this.#changes(next);
      const { plan, complaints } = step(this.#table, changes);
      for (const name of plan.scope) this.#ips.delete(name);
      for (const [name, own] of plan.clusterIPs) this.#ips.set(name, own);
      const record = structuredClone(this.#table.record());
      return { services: [...this.#services.values()], ips: new Map(this.#ips), record, complaints };
    }

    #changes({ name, what, clusterIPs, creationTimestamp }: Change): ObjectChanges<Service> {
      if (what === 'restart') {
        this.#table = new ClusterIPTable(TINY, parseRecord(formatRecord(this.#table.record())));
        return { upserted: [...this.#services.values()], deleted: [] };
      }
      if (what === 'delete') {
        this.#services.delete(name);
        return { upserted: [], deleted: [name] };
      }
      const service = aService(name, { clusterIPs }, { creationTimestamp });
      this.#services.set(name, service);
      return { upserted: [service], deleted: [] };
    }
  }

  /** Plays changes, and calls `check` after each with what there is now and was before. */
  function eachStep(check: (now: Moment, before: Moment) => void): void {
    const property = fc.property(fc.array(change, { maxLength: 40 }), (changes) => {
      const world = new World();
      let before: Moment = { services: [], ips: new Map(), record: EMPTY_RECORD, complaints: [] };
      for (const next of changes) {
        const now = world.play(next);
        check(now, before);
        before = now;
      }
    });
    fc.assert(property, { numRuns: 300 });
  }

  test('no address is had twice', () => {
    eachStep(({ ips, record }) => {
      const all = [...ips.values()].flat();
      expect(new Set(all).size).toBe(all.length);
      expect([...record.owners.keys()].sort()).toEqual(all.sort());
      expect(all.filter((ip) => record.released.has(ip))).toEqual([]);
    });
  });

  test('a Service has what it says, or what it is given, or a complaint', () => {
    eachStep(({ services, ips, record, complaints }) => {
      for (const service of services) {
        const name = objectName(service);
        const { clusterIPs } = service.spec;
        const own = clusterIPs.length > 0 ? clusterIPs : record.given.get(name);
        const lacks = complaints.some((text) => text.startsWith(`${name}: `));
        expect(ips.get(name)).toEqual(lacks ? [] : own);
      }
      expect(ips.size).toBe(services.length);
    });
  });

  test('given addresses are of the range, were free, and stay', () => {
    eachStep(({ services, record }, before) => {
      const explicit = new Set(services.flatMap(({ spec }) => spec.clusterIPs));
      for (const [name, [ip = '']] of record.given) {
        expect(ip).toMatch(/^10\.0\.0\.[1-6]$/);
        const had = before.record.given.get(name)?.[0];
        if (had !== ip) expect(explicit).not.toContain(ip);
        if (had !== undefined && !explicit.has(had)) expect(ip).toBe(had);
      }
    });
  });

  test('working out all anew gives the same, in any order', () => {
    eachStep(({ services, record, ips, complaints }) => {
      const anew = assign(services.toReversed(), record, TINY);
      expect(anew.clusterIPs).toEqual(ips);
      expect([...anew.record.released]).toEqual([...record.released]);
      expect(anew.complaints).toEqual(complaints);
      expect(anew.gaveNew).toBe(false);
    });
  });
});
