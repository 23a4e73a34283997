import { describe, expect, it } from 'vitest';
import { addressesOutside, canonicalAddress } from '../../cluster-generator/claims.ts';
import type { ClusterManifests } from '../../cluster-generator/manifests.ts';
import { randomNodeConfig } from '../../cluster-generator/node-config.ts';
import { packetsFor } from '../../cluster-generator/packets.ts';
import { seeded } from '../../cluster-generator/random.ts';
import { type ClusterState, randomChange } from '../../cluster-generator/random-change.ts';
import { randomCluster } from '../../cluster-generator/random-cluster.ts';
import { readObject } from '../../src/kube/read-object.ts';

/** The states that a seed's cluster goes through. */
function states(seed: number, changes: number): readonly ClusterState[] {
  const random = seeded(seed);
  let state: ClusterState = { cluster: randomCluster(random), zone: 'zone-a' };
  const all = [state];
  for (let left = changes; left > 0; left -= 1) {
    state = randomChange(random, state).after;
    all.push(state);
  }
  return all;
}

function objectsOf({ services, endpointSlices }: ClusterManifests): readonly unknown[] {
  return [...services.values(), ...endpointSlices.values()];
}

describe('the cluster generator', () => {
  it('makes the same clusters, changes and packets from the same seed, and others from another', () => {
    const all = (seed: number) =>
      states(seed, 10).map(({ cluster, zone }) => ({
        objects: objectsOf(cluster),
        zone,
        packets: packetsFor(seeded(seed), cluster, 50),
      }));
    expect(all(7)).toEqual(all(7));
    expect(all(7)).not.toEqual(all(8));
  });

  it('writes only objects that are read without a complaint', () => {
    for (let seed = 0; seed < 5; seed += 1) {
      for (const { cluster } of states(seed, 10)) {
        for (const object of objectsOf(cluster))
          expect(readObject(object)).toMatchObject({ outcome: 'object' });
      }
    }
  });

  it('never gives one address, protocol and port to two Services', () => {
    for (let seed = 0; seed < 5; seed += 1) {
      for (const { cluster } of states(seed, 10)) {
        const claims = [...cluster.services.values()].flatMap((service) => {
          const addresses = [...(service.spec.clusterIPs ?? []), ...addressesOutside(service)];
          const distinct = new Set(addresses.filter((ip) => ip !== 'None').map(canonicalAddress));
          const ports = service.spec.ports ?? [];
          return [
            ...[...distinct].flatMap((ip) =>
              ports.map(({ protocol = 'TCP', port }) => `${ip} ${protocol} ${port}`),
            ),
            ...ports.flatMap(({ protocol = 'TCP', nodePort }) =>
              nodePort ? [`${protocol} ${nodePort}`] : [],
            ),
          ];
        });
        expect(claims).toHaveLength(new Set(claims).size);
      }
    }
  });

  it('comes across every feature within a few clusters', () => {
    const seen = JSON.stringify(
      Array.from({ length: 15 }, (_, seed) => states(seed, 10).map(({ cluster }) => objectsOf(cluster))),
    );
    for (const feature of [
      '"type":"ExternalName"',
      '"clusterIP":"None"',
      'service-proxy-name',
      '"sessionAffinity":"ClientIP"',
      '"internalTrafficPolicy":"Local"',
      '"externalTrafficPolicy":"Local"',
      '"ipMode":"Proxy"',
      '"hostname"',
      '"loadBalancerSourceRanges"',
      '"healthCheckNodePort"',
      '"protocol":"SCTP"',
      '"terminating":true',
      '"forZones"',
      '"forNodes"',
      '"endpoints":[]',
      '"name":"no-http"',
    ]) {
      expect(seen).toContain(feature);
    }
    const configs = Array.from({ length: 60 }, (_, seed) => randomNodeConfig(seeded(seed)));
    const modes = new Set(configs.map(({ detectLocal }) => detectLocal.mode));
    expect(modes).toEqual(
      new Set(['ClusterCIDR', 'NodeCIDR', 'BridgeInterface', 'InterfaceNamePrefix', 'none']),
    );
  });

  it('sends packets to every Service that has an address, and near misses', () => {
    const { cluster } = states(3, 0)[0] ?? { cluster: randomCluster(seeded(3)) };
    const packets = packetsFor(seeded(1), cluster, 150);
    expect(packets).toHaveLength(150);
    for (const [name, { spec }] of cluster.services) {
      if (spec.clusterIP === 'None' && addressesOutside({ ...aService, spec }).length === 0) continue;
      expect(packets.some((packet) => packet.name.includes(`→ ${name} `))).toBe(true);
    }
    expect(packets.some(({ name }) => name.includes('→ near '))).toBe(true);
    expect(new Set(packets.map(({ origin }) => origin))).toEqual(
      new Set(['outside', 'pods', 'bridge', 'node']),
    );
  });
});

const aService = { apiVersion: 'v1', kind: 'Service', metadata: { name: 'a', namespace: 'a' } } as const;
