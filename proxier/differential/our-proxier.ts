import { Nftables } from 'nftlink';
import { Conntrack } from 'nftlink/conntrack';
import { LOCAL_ADDRESSES } from '../cluster-generator/address-plan.ts';
import {
  type ClusterManifests,
  type EndpointSliceManifest,
  NO_MANIFESTS,
  type ServiceManifest,
} from '../cluster-generator/manifests.ts';
import type { NodeConfig } from '../cluster-generator/node-config.ts';
import type { Random } from '../cluster-generator/random.ts';
import type { ClusterState } from '../cluster-generator/random-change.ts';
import type { EndpointSlice, ObjectChanges, Service } from '../src/kube/objects.ts';
import { readObject } from '../src/kube/read-object.ts';
import { Proxier, type ProxierConfig, type ProxierListener } from '../src/proxier.ts';
import { changesBetween } from './object-changes.ts';

/** nft-proxier at work in a network namespace, given generated clusters. What it complains of is an error. */
export class OurProxier implements AsyncDisposable {
  readonly #nft: Nftables;
  readonly #conntrack: Conntrack;
  #proxier: Proxier | undefined;
  #given: ClusterState = { cluster: NO_MANIFESTS, zone: undefined };
  #complain: (error: Error) => void = () => {};

  /** Opens its sockets in the namespace; there is no proxier until {@link start}. */
  constructor(netnsPath: string) {
    const where = { netns: { path: netnsPath } };
    this.#nft = Nftables.open(where);
    this.#conntrack = Conntrack.open(where);
  }

  /**
   * A new proxier, over what the one before it has left. With `random` its objects come bit by bit. Resolves when all is programmed.
   */
  async start(node: NodeConfig, state: ClusterState, random?: Random): Promise<void> {
    await this.stop();
    this.#proxier = new Proxier(
      this.#nft,
      proxierConfig(node, state.zone),
      this.#listener(),
      this.#conntrack,
    );
    this.#given = { cluster: NO_MANIFESTS, zone: state.zone };
    if (random !== undefined) await this.#gather(this.#proxier, state, random);
    await this.change(state);
  }

  /** Resolves when all is programmed; rejects when the kernel refuses anything. */
  async change(state: ClusterState): Promise<void> {
    const proxier = this.#proxier;
    if (proxier === undefined) throw new Error('there is no proxier yet');
    const { cluster, zone } = this.#given;
    this.#given = state;
    const refused = new Promise<never>((_, reject) => {
      this.#complain = reject;
    });
    if (zone !== state.zone) proxier.setZone(state.zone);
    proxier.apply(objectChanges(cluster, state.cluster));
    await Promise.race([proxier.settled(), refused]);
  }

  async #gather(proxier: Proxier, { cluster, zone }: ClusterState, random: Random): Promise<void> {
    if (random.chance(50)) await proxier.prepare();
    for (let bit = 0; bit < BITS; bit += 1) {
      const before = this.#given.cluster;
      const after = {
        services: withSomeMore(before.services, cluster.services, random),
        endpointSlices: withSomeMore(before.endpointSlices, cluster.endpointSlices, random),
      };
      proxier.gather(objectChanges(before, after));
      this.#given = { cluster: after, zone };
    }
  }

  /** Ends the proxier; its rules stay. */
  async stop(): Promise<void> {
    await this.#proxier?.stop();
    this.#proxier = undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    await this.#conntrack.close();
    await this.#nft.close();
  }

  #listener(): ProxierListener {
    const complain = (error: Error): void => this.#complain(error);
    return {
      committed: () => {},
      failed: complain,
      setAside: ({ service, reason }) => complain(new Error(`${service} is set aside: ${reason}`)),
      restored: () => {},
      conflicts: (appeared) => {
        if (appeared.length > 0) complain(new Error(`conflicts: ${JSON.stringify(appeared)}`));
      },
      // Nobody else writes here: there is nothing to repair.
      repaired: () => complain(new Error('the table was not what the proxier had written')),
      deaf: complain,
      flowsEnded: () => {},
      flowsFailed: complain,
    };
  }
}

const BITS = 3;

function withSomeMore<T>(
  has: ReadonlyMap<string, T>,
  all: ReadonlyMap<string, T>,
  random: Random,
): ReadonlyMap<string, T> {
  return new Map([...all].filter(([name]) => has.has(name) || random.chance(40)));
}

/** Five hundred rounds have some 100,000 clients, and one namespace remembers them all. */
const AFFINITY_SIZE = 2 ** 18;

function proxierConfig({ podCidrs: _, ...node }: NodeConfig, zone: string | undefined): ProxierConfig {
  return { ...node, zone, interfaceAddresses: () => LOCAL_ADDRESSES, affinitySize: AFFINITY_SIZE };
}

function objectChanges(before: ClusterManifests, after: ClusterManifests) {
  return {
    services: read<Service>(changesBetween(before.services, after.services)),
    endpointSlices: read<EndpointSlice>(changesBetween(before.endpointSlices, after.endpointSlices)),
  };
}

function read<T extends Service | EndpointSlice>(changes: {
  readonly set: readonly (ServiceManifest | EndpointSliceManifest)[];
  readonly deleted: readonly string[];
}): ObjectChanges<T> {
  return { upserted: changes.set.map((manifest) => readManifest(manifest) as T), deleted: changes.deleted };
}

/** The manifest as the proxier reads it. Throws where it complains: the generator writes none such. */
export function readManifest(manifest: ServiceManifest | EndpointSliceManifest): Service | EndpointSlice {
  const read = readObject(manifest);
  if (read.outcome !== 'object') throw new Error(`${read.outcome}: ${JSON.stringify(manifest)}`);
  return read.object;
}
