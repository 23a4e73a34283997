import { isDeepStrictEqual } from 'node:util';
import type { Conntrack, Flow } from 'nftlink/conntrack';
import { endpointText } from '../model/endpoints.ts';
import type { Family, PortState, ServiceState } from '../model/frontends.ts';

/** What conntrack may know of a UDP Service port: connections to these frontends, from these endpoints. */
interface UdpPort {
  readonly family: Family;
  /** `ip:port` of cluster, external and load balancer IPs; `:port` of node ports, on any address. */
  readonly frontends: readonly string[];
  readonly serving: readonly string[];
}

/**
 * Ends UDP connections to endpoints that are gone. One that goes on sending would be forwarded to its old endpoint for ever, or to
 * none if it began before there was one: its entry in conntrack never gets old. TCP notices by itself. As kube-proxy does, the
 * entries of deleted Service ports go too.
 */
export class UdpFlows {
  readonly #ports = new Map<string, UdpPort>();
  readonly #portsOfService = new Map<string, readonly string[]>();

  /** Takes Services' new states; gives what must be looked for. */
  note(states: Iterable<ServiceState>): readonly UdpPort[] {
    return [...states].flatMap((state) => this.#noteService(state));
  }

  #noteService({ service, ports }: ServiceState): readonly UdpPort[] {
    if (!this.#portsOfService.has(service) && !ports.some(({ protocol }) => protocol === 'udp')) return [];
    const now = new Map<string, UdpPort>();
    for (const port of ports)
      if (port.protocol === 'udp') now.set(`${port.key} ${port.family}`, udpPort(port));
    const gone = (this.#portsOfService.get(service) ?? []).filter((key) => !now.has(key));
    const ended = gone.flatMap((key) => this.#ports.get(key) ?? []).map((port) => ({ ...port, serving: [] }));
    const changed = [...now].filter(
      ([key, { serving }]) => !isDeepStrictEqual(this.#ports.get(key)?.serving, serving),
    );
    for (const key of gone) this.#ports.delete(key);
    for (const [key, port] of now) this.#ports.set(key, port);
    if (now.size > 0) this.#portsOfService.set(service, [...now.keys()]);
    else this.#portsOfService.delete(service);
    return [...ended, ...changed.map(([, port]) => port)];
  }
}

function udpPort({ family, frontends, serving }: PortState): UdpPort {
  return {
    family,
    frontends: frontends.map(({ address, port }) =>
      address === undefined ? `:${port}` : endpointText(address, port),
    ),
    serving: serving.map(({ address, port }) => endpointText(address, port)),
  };
}

/** Deletes the connections that go to no serving endpoint: one listing and one batch. Gives how many there were. */
export async function endStaleFlows(conntrack: Conntrack, work: readonly UdpPort[]): Promise<number> {
  let deleted = 0;
  for (const family of ['ip', 'ip6'] as const) {
    const serving = new Map<string, ReadonlySet<string>>();
    for (const port of work) {
      if (port.family !== family) continue;
      for (const frontend of port.frontends) serving.set(frontend, new Set(port.serving));
    }
    if (serving.size === 0) continue;
    const flows = await conntrack.list({ family, protocol: 'udp' });
    const stale = flows.filter((flow) => isStale(flow, serving));
    if (stale.length > 0) deleted += (await conntrack.delete(stale)).deleted;
  }
  return deleted;
}

function isStale({ original, reply }: Flow, serving: ReadonlyMap<string, ReadonlySet<string>>): boolean {
  const { destination, destinationPort = 0 } = original;
  const endpoints =
    serving.get(endpointText(destination, destinationPort)) ?? serving.get(`:${destinationPort}`);
  return endpoints !== undefined && !endpoints.has(endpointText(reply.source, reply.sourcePort ?? 0));
}
