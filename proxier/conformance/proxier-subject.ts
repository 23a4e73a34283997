import { once } from 'node:events';
import { Nftables } from 'nftlink';
import { Conntrack } from 'nftlink/conntrack';
import { endpointText } from '../src/model/endpoints.ts';
import { Proxier, type ProxierConfig } from '../src/proxier.ts';
import type { MappedEndpoint, ScenarioConfig } from './corpus.ts';
import { localDetection } from './node-config.ts';
import type { Facts, StartSubject } from './subject.ts';

/** The real proxier, with sockets in the namespace. What it reports as failed or set aside makes the scenario fail. */
export const startProxier: StartSubject = async (netnsPath, config, zone) => {
  const where = { netns: { path: netnsPath } };
  const nft = Nftables.open(where);
  const conntrack = Conntrack.open(where);
  const services = new Set<string>();
  const failure = new AbortController();
  const fail = (error: Error) => failure.abort(error);
  const failed = once(failure.signal, 'abort').then(() => failure.signal.throwIfAborted());
  // Nobody may be waiting when it comes.
  failed.catch(() => undefined);
  const proxier = new Proxier(
    nft,
    proxierConfig(config, zone),
    {
      committed: () => undefined,
      restored: () => undefined,
      conflicts: () => undefined,
      flowsEnded: () => undefined,
      failed: fail,
      flowsFailed: fail,
      setAside: (refused) => fail(new Error(`a Service was set aside: ${JSON.stringify(refused)}`)),
    },
    conntrack,
  );
  const settled = () => Promise.race([proxier.settled(), failed]);
  return {
    apply(changes) {
      for (const { metadata } of changes.services.upserted)
        services.add(`${metadata.namespace}/${metadata.name}`);
      for (const name of changes.services.deleted) services.delete(name);
      proxier.apply(changes);
      return settled();
    },
    setZone(next) {
      proxier.setZone(next === '' ? undefined : next);
      return settled();
    },
    facts: () => factsOf(proxier, services),
    async stop() {
      await proxier.stop();
      await Promise.all([nft.close(), conntrack.close()]);
    },
  };
};

function proxierConfig(config: ScenarioConfig, zone: string): ProxierConfig {
  const { nodeName, nodeIPs, masqueradeAll, masqueradeBit, nodePortAddresses, serviceCIDRs } = config;
  return {
    nodeName,
    nodeIPs,
    zone: zone === '' ? undefined : zone,
    detectLocal: localDetection(config),
    masqueradeAll,
    masqueradeBit,
    nodePortAddresses,
    serviceCidrs: serviceCIDRs,
    interfaceAddresses: () => ['127.0.0.1', '::1', ...config.localAddresses],
  };
}

function factsOf({ cluster }: Proxier, services: ReadonlySet<string>): Facts {
  const ports = [...cluster.states()].flatMap((state) => state.ports);
  const names = [...services];
  const endpointMap = new Map<string, readonly MappedEndpoint[]>();
  for (const { key, cluster: endpoints } of ports) {
    const mapped = endpoints.map(({ address, port, isLocal }) => ({
      endpoint: endpointText(address, port),
      isLocal,
    }));
    if (mapped.length > 0) endpointMap.set(key, [...(endpointMap.get(key) ?? []), ...mapped]);
  }
  return {
    servicePortCount: new Set(ports.map(({ key, protocol }) => `${key}/${protocol}`)).size,
    healthCheckPorts: Object.fromEntries(
      names.flatMap((name) => {
        const port = cluster.healthCheckPort(name);
        return port === undefined ? [] : [[name, port]];
      }),
    ),
    localReadyEndpoints: Object.fromEntries(
      names.flatMap((name) => {
        const count = cluster.localReadyEndpoints(name);
        return count === 0 ? [] : [[name, count]];
      }),
    ),
    endpointMap: Object.fromEntries(endpointMap),
  };
}
