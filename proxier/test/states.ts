import type { Frontend, PortState, ServiceState } from '../src/model/frontends.ts';
import type { ProgramOptions } from '../src/sync/family-program.ts';
import type { SyncListener } from '../src/sync/sync-loop.ts';

/** What a family's table is made from where a test has nothing special in mind. */
export const PROGRAM_OPTIONS: ProgramOptions = {
  localTraffic: undefined,
  masqueradeAll: false,
  masqueradeMark: 0x4000,
  nodePortsEverywhere: false,
  serviceCidrs: [],
  affinitySize: 1024,
};

/** A listener that must not hear of anything going wrong. */
export const UNDISTURBED: SyncListener = {
  committed: () => undefined,
  restored: () => undefined,
  failed: (error) => {
    throw error;
  },
  setAside: ({ service, reason }) => {
    throw new Error(`${service} was set aside: ${reason}`);
  },
  repaired: (operations) => {
    throw new Error(`somebody else changed the tables: ${operations} operations`);
  },
  deaf: (error) => {
    throw error;
  },
};

/** The frontend at a cluster IP. */
export function clusterIP(address: string, port: number, hasEndpoints: boolean): Frontend {
  return {
    kind: 'cluster-ip',
    address,
    port,
    way: hasEndpoints ? 'cluster' : undefined,
    refusal: hasEndpoints ? undefined : 'reject',
    allowedSources: undefined,
  };
}

/** A Service with one TCP port 80 at a cluster IP of IPv4, and endpoints with port 8080 on other nodes. */
export function stateOf(
  service: string,
  address: string,
  endpoints: readonly string[],
  more: Partial<PortState> = {},
): ServiceState {
  const port: PortState = {
    key: service,
    family: 'ip',
    protocol: 'tcp',
    affinityMs: undefined,
    cluster: endpoints.map((endpoint) => ({ address: endpoint, port: 8080, isLocal: false })),
    local: [],
    frontends: [clusterIP(address, 80, endpoints.length > 0)],
    hairpins: [],
    serving: [],
    ...more,
  };
  return { service, ports: [port] };
}

/** The state of a Service that has gone. */
export function gone(service: string): ServiceState {
  return { service, ports: [] };
}
