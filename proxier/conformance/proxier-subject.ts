import { once } from 'node:events';
import { Nftables } from 'nftlink';
import { Conntrack } from 'nftlink/conntrack';
import { endpointText } from '../src/model/endpoints.ts';
import { Proxier, type ProxierConfig, type ProxierListener } from '../src/proxier.ts';
import type { MappedEndpoint, ScenarioConfig } from './corpus.ts';
import { localDetection } from './node-config.ts';
import type { Facts, StartSubject, Subject } from './subject.ts';

/** The real proxier on a scenario's node. */
export const startProxier: StartSubject = async (netnsPath, config, zone) =>
  startWith(netnsPath, proxierConfig(config, zone));

/** The real proxier, with sockets in the namespace. What it reports as failed or set aside makes the next `apply` reject. */
export async function startWith(netnsPath: string, config: ProxierConfig): Promise<Subject> {
  const where = { netns: { path: netnsPath } };
  const nft = Nftables.open(where);
  const conntrack = Conntrack.open(where);
  const services = new Set<string>();
  const failure = new AbortController();
  const fail = (error: Error) => failure.abort(error);
  const failed = once(failure.signal, 'abort').then(() => failure.signal.throwIfAborted());
  // Nobody may be waiting when it comes.
  failed.catch(() => undefined);
  const listener: ProxierListener = {
    committed: () => undefined,
    conflicts: () => undefined,
    restored: () => undefined,
    flowsEnded: () => undefined,
    failed: fail,
    flowsFailed: fail,
    deaf: fail,
    setAside: (refused) => fail(new Error(`a Service was set aside: ${JSON.stringify(refused)}`)),
    // Nobody else is in the namespace.
    repaired: (operations) => fail(new Error(`${operations} operations were a repair`)),
  };
  const proxier = new Proxier(nft, config, listener, conntrack);
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
}

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
