import { setTimeout as sleep } from 'node:timers/promises';
import { DEFAULT_NODE } from '../../proxier/cluster-generator/node-config.ts';
import { endpointSliceObject, serviceObject } from '../../proxier/differential/api-objects.ts';
import { RealKubeProxy } from '../../proxier/differential/real-kube-proxy.ts';
import { type ClusterSize, serviceManifest, sliceManifests } from './cluster.ts';

/** How long the real kube-proxy takes, by its own log: the duration of its syncs of IPv4. Waiting and decoding are not counted. */
export interface KubeProxyFindings {
  readonly fullMs: number;
  readonly changeMs: readonly number[];
}

const TIME_LIMIT_MS = 600_000;
const NODE = { ...DEFAULT_NODE, serviceCidrs: ['10.0.0.0/8'] };

/** A real kube-proxy with the same cluster: its first sync, and one endpoint replaced so many times. */
export async function measureKubeProxy(
  netnsPath: string,
  size: ClusterSize,
  changes: number,
): Promise<KubeProxyFindings> {
  await using kubeProxy = await RealKubeProxy.open(netnsPath);
  const numbers = Array.from({ length: size.services }, (_, i) => i);
  await kubeProxy.apply(
    { resource: 'services', set: numbers.map((i) => serviceObject(serviceManifest(i))), deleted: [] },
    {
      resource: 'endpointSlices',
      set: numbers.flatMap((i) => sliceManifests(i, size.endpoints).map(endpointSliceObject)),
      deleted: [],
    },
  );
  await kubeProxy.start(NODE, undefined);
  await until(kubeProxy, () => syncs(kubeProxy, 'IPv4').length > 0 && syncs(kubeProxy, 'IPv6').length > 0);
  const fullMs = syncs(kubeProxy, 'IPv4')[0] ?? Number.NaN;
  const changeMs: number[] = [];
  for (let n = 1; n <= changes; n++) {
    const before = syncs(kubeProxy, 'IPv4').length;
    const set = sliceManifests((n * 7919) % size.services, size.endpoints, n).slice(-1);
    await kubeProxy.apply({ resource: 'endpointSlices', set: set.map(endpointSliceObject), deleted: [] });
    await until(kubeProxy, () => syncs(kubeProxy, 'IPv4').length > before);
    changeMs.push(syncs(kubeProxy, 'IPv4')[before] ?? Number.NaN);
  }
  return { fullMs, changeMs };
}

const SYNC = /"SyncProxyRules complete" ipFamily="(IPv[46])" elapsed="([^"]+)"/g;

function syncs({ log }: RealKubeProxy, family: 'IPv4' | 'IPv6'): readonly number[] {
  return [...log.matchAll(SYNC)].flatMap(([, of, elapsed = '']) =>
    of === family ? [milliseconds(elapsed)] : [],
  );
}

const UNIT_MS: Readonly<Record<string, number>> = {
  h: 3_600_000,
  m: 60_000,
  s: 1_000,
  ms: 1,
  µs: 1e-3,
  ns: 1e-6,
};

/** As Go prints a duration: `1m2.5s`, `55.1ms`. */
function milliseconds(text: string): number {
  const parts = [...text.matchAll(/([\d.]+)(ms|µs|ns|h|m|s)/g)];
  return parts.reduce((sum, [, value, unit = '']) => sum + Number(value) * (UNIT_MS[unit] ?? Number.NaN), 0);
}

async function until(kubeProxy: RealKubeProxy, isSo: () => boolean): Promise<void> {
  const end = performance.now() + TIME_LIMIT_MS;
  while (!isSo()) {
    kubeProxy.check();
    if (performance.now() > end)
      throw new Error(`kube-proxy does not follow:\n${kubeProxy.log.slice(-4_000)}`);
    await sleep(20);
  }
}
