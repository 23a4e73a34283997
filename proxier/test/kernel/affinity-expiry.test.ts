import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { ADDRESS_PLAN } from '../../cluster-generator/address-plan.ts';
import { DEFAULT_NODE } from '../../cluster-generator/node-config.ts';
import { startWith } from '../../conformance/proxier-subject.ts';
import { verdictOf, verdictText } from '../../conformance/verdict.ts';
import { openNodeLab } from '../../differential/node-lab.ts';
import { readObject } from '../../src/kube/read-object.ts';

/** The corpus shows that clients keep their endpoint; that they may get another one when their time is over it can't. */

const { IPv4 } = ADDRESS_PLAN;
const AFFINITY_MS = 200;
const CLIENTS = Array.from({ length: 120 }, (_, n) => IPv4.remoteClient(n + 1));

function objects() {
  const service = readObject({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { namespace: 'shop', name: 'login' },
    spec: { clusterIP: IPv4.clusterIP(1), sessionAffinity: 'ClientIP', ports: [{ port: 80 }] },
  });
  const slice = readObject({
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { namespace: 'shop', name: 'login-1', labels: { 'kubernetes.io/service-name': 'login' } },
    addressType: 'IPv4',
    endpoints: [1, 2, 3, 4].map((n) => ({ addresses: [IPv4.remotePod(n)] })),
    ports: [{ port: 8080 }],
  });
  if (service.outcome !== 'object' || service.object.kind !== 'Service') throw new Error('no Service');
  if (slice.outcome !== 'object' || slice.object.kind !== 'EndpointSlice')
    throw new Error('no EndpointSlice');
  const { object } = service;
  // Kubernetes' shortest time is a second.
  const spec = { ...object.spec, sessionAffinitySeconds: AFFINITY_MS / 1000 };
  return {
    services: { upserted: [{ ...object, spec }], deleted: [] },
    endpointSlices: { upserted: [slice.object], deleted: [] },
  };
}

test('a client may get another endpoint when its time is over', async () => {
  await using lab = await openNodeLab('affinity');
  const proxier = await startWith(lab.host.netnsPath, {
    ...DEFAULT_NODE,
    zone: undefined,
    interfaceAddresses: () => [IPv4.nodeIP],
  });
  try {
    await proxier.apply(objects());
    const connect = async () => {
      const destination = IPv4.clusterIP(1);
      const results = await lab.send(
        CLIENTS.map((source) => ({ from: 'out0', protocol: 'TCP', source, destination, port: 80 })),
      );
      return results.map((result) => verdictText(verdictOf(result)));
    };
    const endpoints = [1, 2, 3, 4].map((n) => `${IPv4.remotePod(n)}:8080`);
    const first = await connect();
    expect([...new Set(first)].sort()).toEqual(endpoints);
    await sleep(2 * AFFINITY_MS);
    // That all of them get the same of four endpoints again happens once in 10^72 times.
    expect(await connect()).not.toEqual(first);
  } finally {
    await proxier.stop();
  }
});
