import { describe, expect, test } from 'vitest';
import { type Claimant, Claims } from '../../src/model/claims.ts';
import { Cluster, type ClusterUpdate } from '../../src/model/cluster.ts';
import { anEndpoint, aService, aSlice } from '../objects.ts';

const NONE = { upserted: [], deleted: [] };
const IP = '203.0.113.1';

function claimant(service: string, day?: number): Claimant {
  return { service, creationTimestamp: day === undefined ? undefined : `2026-01-0${day}T00:00:00Z` };
}

describe('who has a frontend', () => {
  test('the oldest; by name where ages are equal or unknown', () => {
    const claims = new Claims();
    const order: readonly Claimant[] = [
      claimant('z/unknown'),
      claimant('a/unknown'),
      claimant('b/young', 5),
      claimant('c/old', 2),
      claimant('a/old', 2),
      claimant('x/oldest', 1),
    ];
    const owners = order.map((each) => {
      claims.update(each, new Set(), new Set(['f']));
      return claims.ownerOf('f');
    });
    expect(owners).toEqual(['z/unknown', 'a/unknown', 'b/young', 'c/old', 'a/old', 'x/oldest']);
    const left = [...order].reverse().map((each) => {
      const owner = claims.ownerOf('f');
      claims.update(each, new Set(['f']), new Set());
      return owner;
    });
    expect(left).toEqual(['x/oldest', 'a/old', 'c/old', 'b/young', 'a/unknown', 'z/unknown']);
    expect(claims.ownerOf('f')).toBeUndefined();
  });

  test('those who win or lose are named', () => {
    const claims = new Claims();
    claims.update(claimant('a/one', 1), new Set(), new Set(['f', 'g']));
    expect([...claims.update(claimant('a/two', 2), new Set(), new Set(['f']))]).toEqual(['a/one']);
    expect([...claims.update(claimant('a/one', 1), new Set(['f', 'g']), new Set(['g']))]).toEqual(['a/two']);
    expect([...claims.update(claimant('a/one', 1), new Set(['g']), new Set())]).toEqual([]);
  });
});

test('claims are undisputed as long as every frontend has one claimant', () => {
  const claims = new Claims();
  const seen = [claims.areUndisputed];
  const update = (service: string, before: readonly string[], after: readonly string[]) => {
    claims.update(claimant(service), new Set(before), new Set(after));
    seen.push(claims.areUndisputed);
  };
  update('a/one', [], ['f', 'g']);
  update('a/one', ['f', 'g'], ['f', 'g']);
  expect(seen).toEqual([true, true, true]);
  update('a/two', [], ['f']);
  update('a/three', [], ['f', 'g']);
  update('a/two', ['f'], []);
  update('a/one', ['f', 'g'], ['g']);
  expect(seen.slice(3)).toEqual([false, false, false, false]);
  update('a/three', ['f', 'g'], ['f']);
  expect(claims.areUndisputed).toBe(true);
});

describe('two Services at one address', () => {
  const service = (name: string, last: number, day: number, externalIPs: readonly string[] = [IP]) =>
    aService(
      name,
      { clusterIPs: [`10.96.0.${last}`], externalIPs },
      { creationTimestamp: `2026-01-0${day}T00:00:00Z` },
    );
  const has = ({ states }: ClusterUpdate) =>
    Object.fromEntries(
      states.map(({ service: name, ports }) => [
        name,
        ports.flatMap(({ frontends }) => frontends.map(({ address }) => address)),
      ]),
    );
  const apply = (cluster: Cluster, ...upserted: ReturnType<typeof service>[]) =>
    cluster.apply({ services: { upserted, deleted: [] }, endpointSlices: NONE });
  const conflict = { service: 'shop/young', frontend: `tcp ${IP}:80`, owner: 'shop/old' };

  test('the older has it; the other one keeps the rest, is reported, and takes over', () => {
    const cluster = new Cluster({ nodeName: 'here' });
    expect(has(apply(cluster, service('shop/young', 1, 5)))).toEqual({ 'shop/young': ['10.96.0.1', IP] });
    const taken = apply(cluster, service('shop/old', 2, 1));
    expect(has(taken)).toEqual({ 'shop/old': ['10.96.0.2', IP], 'shop/young': ['10.96.0.1'] });
    expect(taken.conflicts).toEqual({ appeared: [conflict], resolved: [] });
    expect(cluster.conflicts()).toEqual([conflict]);
    // Nothing new: not told again.
    expect(apply(cluster, service('shop/young', 1, 5)).conflicts).toEqual({ appeared: [], resolved: [] });
    const gone = cluster.apply({ services: { upserted: [], deleted: ['shop/old'] }, endpointSlices: NONE });
    expect(has(gone)).toEqual({ 'shop/old': [], 'shop/young': ['10.96.0.1', IP] });
    expect(gone.conflicts).toEqual({ appeared: [], resolved: [conflict] });
    expect(cluster.conflicts()).toEqual([]);
  });

  test('a cluster IP that is an external IP of an older one is lost too; other ports and protocols are not', () => {
    const cluster = new Cluster({ nodeName: 'here' });
    const ports = [
      { name: 'a', protocol: 'UDP' as const, port: 80, nodePort: 0 },
      { name: 'b', protocol: 'TCP' as const, port: 80, nodePort: 30080 },
      { name: 'c', protocol: 'TCP' as const, port: 81, nodePort: 30081 },
    ];
    apply(cluster, service('shop/old', 2, 1, ['10.96.0.1']));
    const young = aService('shop/young', { clusterIPs: ['10.96.0.1'], ports });
    const { states } = cluster.apply({
      services: { upserted: [young], deleted: [] },
      endpointSlices: { upserted: [aSlice('shop/young', '1', [anEndpoint('10.1.0.1')])], deleted: [] },
    });
    const [state] = states;
    expect(
      state?.ports.map(({ frontends }) => frontends.map(({ address, port }) => `${address} ${port}`)),
    ).toEqual([['10.96.0.1 80'], ['undefined 30080'], ['10.96.0.1 81', 'undefined 30081']]);
  });
});
