import type { Nftables } from 'nftlink';
import type { Conntrack } from 'nftlink/conntrack';
import { formatCidr, parseCidr } from './kube/cidr.ts';
import type { LocalTraffic } from './layout/detection.ts';
import type { Conflict } from './model/claims.ts';
import { Cluster, type ClusterChanges, type ClusterUpdate } from './model/cluster.ts';
import { FAMILIES, type Family, familyOf } from './model/family.ts';
import type { ServiceState } from './model/frontends.ts';
import { nodePortAddresses } from './node-ports.ts';
import { FamilyProgram } from './sync/family-program.ts';
import type { SetAside } from './sync/quarantine.ts';
import { type SyncListener, SyncLoop } from './sync/sync-loop.ts';
import { endStaleFlows, UdpFlows } from './sync/udp-flows.ts';

/** How traffic of this node's pods is told from other traffic, as kube-proxy's `detectLocalMode`. */
export type DetectLocal =
  | { readonly mode: 'ClusterCIDR' | 'NodeCIDR'; readonly cidrs: readonly string[] }
  | { readonly mode: 'BridgeInterface'; readonly name: string }
  | { readonly mode: 'InterfaceNamePrefix'; readonly prefix: string }
  | { readonly mode: 'none' };

/** What a proxy is told once. */
export interface ProxierConfig {
  readonly nodeName: string;
  /** Canonical text, the primary address of each family first. */
  readonly nodeIPs: readonly string[];
  readonly zone: string | undefined;
  readonly detectLocal: DetectLocal;
  /** Masquerade all traffic to cluster IPs. */
  readonly masqueradeAll: boolean;
  /** The bit of the packet mark that asks for masquerading, 0 to 31. */
  readonly masqueradeBit: number;
  /** `['primary']`, or CIDRs. */
  readonly nodePortAddresses: readonly string[];
  /** Cluster IPs in these that no Service has are dropped. */
  readonly serviceCidrs: readonly string[];
  /** The node's own addresses. */
  readonly interfaceAddresses: () => readonly string[];
  /** An endpoint without a nodeName is on this node when it has one of `nodeIPs`: for slices written by hand. */
  readonly findsByAddress?: boolean;
  /** Clients of sticky Services that are remembered, per family. Default: {@link AFFINITY_SIZE}. */
  readonly affinitySize?: number;
  /** At least so long lies between the starts of two transactions. Default: 0. */
  readonly minSyncPeriodMs?: number;
}

/** 65,536 clients take 1 MB of kernel memory, as many as kube-proxy remembers for each endpoint. */
export const AFFINITY_SIZE = 65_536;

/** What a proxy tells. */
export interface ProxierListener extends SyncListener {
  /** Services want frontends that older ones have, or got them. */
  conflicts(appeared: readonly Conflict[], resolved: readonly Conflict[]): void;
  /** UDP connections to endpoints that are gone were ended. */
  flowsEnded(count: number): void;
  /** Stale UDP connections could not be looked for: they stay until they end by themselves. */
  flowsFailed(error: Error): void;
}

/** A Service proxy: takes Kubernetes' objects, keeps the kernel's tables as they ask. */
export class Proxier {
  readonly cluster: Cluster;
  readonly #loop: SyncLoop;
  readonly #programs: readonly FamilyProgram[];
  readonly #listener: ProxierListener;
  readonly #config: ProxierConfig;
  readonly #conntrack: Conntrack | undefined;
  readonly #udp = new UdpFlows();
  #hasAll = false;

  /** Both sockets must be of the node's network namespace; without `conntrack` UDP connections are left alone. */
  constructor(nft: Nftables, config: ProxierConfig, listener: ProxierListener, conntrack?: Conntrack) {
    const { nodeName, nodeIPs, zone, findsByAddress = false, minSyncPeriodMs = 0 } = config;
    this.#config = config;
    this.#listener = listener;
    this.#conntrack = conntrack;
    this.cluster = new Cluster({ nodeName, nodeIPs, zone, findsByAddress });
    this.#programs = FAMILIES.map((family) => this.#program(family));
    this.#loop = new SyncLoop(nft, this.#programs, listener, {
      minSyncPeriodMs,
      stateOf: (service) => this.cluster.state(service),
      afterCommit: (states) => this.#endFlows(states),
    });
  }

  /** Reads what the kernel has already. Worth calling at once where the objects have yet to come; `apply` need not wait for it. */
  prepare(): Promise<void> {
    return this.#loop.prepare();
  }

  /**
   * Takes some of the objects that there are at the start, in any order, while the others are still to come: what can be done about
   * them is done, and nothing is programmed before the first `apply`. After it this is the same as `apply`.
   */
  gather(changes: ClusterChanges): void {
    this.#take(this.#hasAll ? this.cluster.apply(changes) : this.cluster.gather(changes));
  }

  /** Takes changed objects. By the first call everything there is must have come, with it or gathered before: what has not goes. */
  apply(changes: ClusterChanges): void {
    this.#hasAll = true;
    this.#take(this.cluster.apply(changes));
  }

  /** The node is in another zone now. */
  setZone(zone: string | undefined): void {
    this.#take(this.cluster.setZone(zone));
  }

  /** Reads what the kernel has, and mends what differs. */
  verify(): void {
    this.#loop.verify();
  }

  /** Services that the kernel refuses. */
  setAside(): readonly SetAside[] {
    return this.#loop.setAside();
  }

  /** Resolves when everything that was applied is in the kernel, leftovers deleted. */
  settled(): Promise<void> {
    return this.#loop.settled();
  }

  /** Lets the transaction under way end, and starts no other. The rules stay. */
  stop(): Promise<void> {
    return this.#loop.stop();
  }

  #take({ states, conflicts }: ClusterUpdate): void {
    const { appeared, resolved } = conflicts;
    if (appeared.length + resolved.length > 0) this.#listener.conflicts(appeared, resolved);
    if (this.#hasAll) this.#loop.apply(states);
    else this.#loop.gather(states);
  }

  #program(family: Family): FamilyProgram {
    const config = this.#config;
    const { everywhere, addresses } = nodePortAddresses(
      family,
      config.nodePortAddresses,
      config.nodeIPs,
      config.interfaceAddresses(),
    );
    const program = new FamilyProgram(family, {
      localTraffic: localTraffic(family, config.detectLocal),
      masqueradeAll: config.masqueradeAll,
      masqueradeMark: 2 ** config.masqueradeBit,
      nodePortsEverywhere: everywhere,
      serviceCidrs: ofFamily(family, config.serviceCidrs),
      affinitySize: config.affinitySize ?? AFFINITY_SIZE,
    });
    program.desired.setNodePortAddresses(addresses);
    return program;
  }

  async #endFlows(states: readonly ServiceState[]): Promise<void> {
    const work = this.#udp.note(states);
    if (work.length === 0 || this.#conntrack === undefined) return;
    try {
      const ended = await endStaleFlows(this.#conntrack, work);
      if (ended > 0) this.#listener.flowsEnded(ended);
    } catch (error) {
      this.#listener.flowsFailed(error instanceof Error ? error : new Error(String(error)));
    }
  }
}

function localTraffic(family: Family, detect: DetectLocal): LocalTraffic | undefined {
  switch (detect.mode) {
    case 'BridgeInterface':
      return { kind: 'interface', name: detect.name };
    case 'InterfaceNamePrefix':
      return { kind: 'interface prefix', prefix: detect.prefix };
    case 'none':
      return undefined;
    default: {
      const [cidr] = ofFamily(family, detect.cidrs);
      return cidr === undefined ? undefined : { kind: 'network', cidr };
    }
  }
}

function ofFamily(family: Family, cidrs: readonly string[]): readonly string[] {
  return cidrs.flatMap((text) => {
    const cidr = parseCidr(text);
    return cidr !== undefined && familyOf(text) === family ? [formatCidr(cidr)] : [];
  });
}
