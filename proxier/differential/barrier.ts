import { setTimeout as sleep } from 'node:timers/promises';
import type { PacketLab } from '../../lab/packets/packet-lab.ts';
import { ADDRESS_PLAN, OTHER_NODE_NAME, ZONES } from '../cluster-generator/address-plan.ts';
import type { EndpointSliceManifest, IPFamily, ServiceManifest } from '../cluster-generator/manifests.ts';
import { DEVICE } from './node-lab.ts';
import { verdictOf } from './verdict.ts';

/**
 * A Service of our own that shows how far kube-proxy has come: with each change its port and its endpoints' ports become another
 * number, in the last event of each watch. When packets follow them, everything before was programmed, too. One endpoint is hinted to
 * each zone, so that the node's zone shows as well.
 */
export interface Barrier {
  readonly service: ServiceManifest;
  readonly endpointSlices: readonly EndpointSliceManifest[];
  /** Where its packets go: one port and the endpoints of the zone, in each family. */
  readonly expected: Readonly<Record<IPFamily, ReadonlySet<string>>>;
  readonly port: number;
}

const NAME = { name: 'barrier', namespace: 'barrier' };
const FAMILIES = ['IPv4', 'IPv6'] as const;
/** Past the addresses that the generated Services and endpoints have. */
const CLUSTER_IP = 60_000;
const FIRST_ENDPOINT = 200;
/** Packets a family; with three endpoints, one of them is not seen once in 150,000 times: then another turn is taken. */
const TRIES = 32;
const TIME_LIMIT_MS = 30_000;

export function barrierAt(version: number, zone: string | undefined): Barrier {
  const port = 10_000 + (version % 50_000);
  const addresses = (family: IPFamily) =>
    ZONES.map((name, n) => ({ name, address: ADDRESS_PLAN[family].remotePod(FIRST_ENDPOINT + n) }));
  const expected = (family: IPFamily) => {
    const used = addresses(family).filter(({ name }) => zone === undefined || name === zone);
    const text = (address: string) => (family === 'IPv6' ? `[${address}]:${port}` : `${address}:${port}`);
    return new Set(used.map(({ address }) => `→ ${text(address)}`));
  };
  const clusterIPs = FAMILIES.map(clusterIP);
  return {
    service: {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: NAME,
      spec: {
        clusterIP: clusterIP('IPv4'),
        clusterIPs,
        ipFamilies: FAMILIES,
        ports: [{ protocol: 'UDP', port }],
      },
    },
    endpointSlices: FAMILIES.map((family) => ({
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: {
        name: `barrier-${family.toLowerCase()}`,
        namespace: NAME.namespace,
        labels: { 'kubernetes.io/service-name': NAME.name },
      },
      addressType: family,
      endpoints: addresses(family).map(({ name, address }) => ({
        addresses: [address],
        nodeName: OTHER_NODE_NAME,
        hints: { forZones: [{ name }] },
      })),
      ports: [{ protocol: 'UDP', port }],
    })),
    expected: { IPv4: expected('IPv4'), IPv6: expected('IPv6') },
    port,
  };
}

/** Waits until packets to the barrier go where they should. `check` may throw when there is no hope. */
export async function reach(barrier: Barrier, lab: PacketLab, check: () => void): Promise<void> {
  const end = performance.now() + TIME_LIMIT_MS;
  for (;;) {
    const instead = await seenInstead(barrier, lab);
    if (instead === undefined) return;
    check();
    if (performance.now() > end) {
      throw new Error(`after ${TIME_LIMIT_MS / 1000} s packets to the barrier are still ${instead}`);
    }
    await sleep(10);
  }
}

/** What became of packets that were not treated as expected; `undefined` when all were. */
async function seenInstead({ expected, port }: Barrier, lab: PacketLab): Promise<string | undefined> {
  for (const family of FAMILIES) {
    const { localClient } = ADDRESS_PLAN[family];
    const probe = {
      from: DEVICE.pods,
      protocol: 'UDP',
      source: localClient(0),
      destination: clusterIP(family),
      port,
    } as const;
    const results = await lab.send(Array.from({ length: TRIES }, () => probe));
    const seen = new Set(results.map((result) => verdictOf(result).replace(/ masqueraded.*/, '')));
    const { [family]: wanted } = expected;
    const isAsExpected = seen.size === wanted.size && [...seen].every((verdict) => wanted.has(verdict));
    if (!isAsExpected) return [...seen].join(', ');
  }
  return undefined;
}

function clusterIP(family: IPFamily): string {
  return ADDRESS_PLAN[family].clusterIP(CLUSTER_IP);
}
