import { Nftables } from 'nftlink';
import { Lab } from '../../lab/lab.ts';
import type { PacketLab } from '../../lab/packets/packet-lab.ts';
import { type NodeConfig, randomNodeConfig } from '../cluster-generator/node-config.ts';
import { packetsFor } from '../cluster-generator/packets.ts';
import { type Random, seeded } from '../cluster-generator/random.ts';
import { type Change, type ClusterState, randomChange } from '../cluster-generator/random-change.ts';
import { randomCluster } from '../cluster-generator/random-cluster.ts';
import { probeOf } from '../differential/compare.ts';
import { openNodeLab } from '../differential/node-lab.ts';
import { OurProxier } from '../differential/our-proxier.ts';
import { contradiction, worldOf } from './against-model.ts';
import { FreshBuild } from './fresh-build.ts';
import { Pictures } from './pictures.ts';
import { pictureDifference } from './table-picture.ts';

export interface WalkOptions {
  readonly seed: number;
  readonly steps: number;
  /** Packets are sent after every step that this divides. */
  readonly packetsEvery: number;
  /** Ends the walk after the step under way. */
  readonly signal: AbortSignal;
}

/** Where a walk went wrong. */
interface Misstep {
  readonly seed: number;
  readonly step: number;
  /** The last changes, the one that showed it at the end. */
  readonly changes: readonly string[];
  readonly problems: readonly string[];
}

export interface WalkResult {
  readonly steps: number;
  readonly packets: number;
  readonly misstep: Misstep | undefined;
}

/** Few Services, many steps: a change concerns one or a few of them, and every step reads all. */
const SERVICES = 12;
const BOUNDS = { fewest: 8, most: 16 };
const PACKETS = 60;
const CHANGES_SHOWN = 5;

/**
 * Changes a cluster at random, again and again. After every change the kernel must look as if the cluster had been built from nothing, and
 * now and then packets must meet what the packet model says. Ends with the first step after which something is wrong.
 */
export async function walk(options: WalkOptions): Promise<WalkResult> {
  await using walker = await Walker.open(options.seed);
  const changes: string[] = [];
  const misstep = await firstMisstep(walker, changes, options).catch((error: unknown) => {
    // A terminal's signal goes to the programs of the lab, too.
    if (!options.signal.aborted) throw error;
    return undefined;
  });
  return { steps: changes.length, packets: walker.packets, misstep };
}

async function firstMisstep(
  walker: Walker,
  changes: string[],
  { seed, steps, packetsEvery, signal }: WalkOptions,
): Promise<Misstep | undefined> {
  for (let step = 1; step <= steps && !signal.aborted; step += 1) {
    const name = await walker.step();
    changes.push(name);
    const problems = [
      ...(await walker.checkKernel()),
      ...(step % packetsEvery === 0 ? await walker.checkPackets() : []),
    ];
    if (problems.length > 0) {
      const shown = changes.slice(-CHANGES_SHOWN);
      return { seed, step, changes: shown, problems };
    }
  }
  return undefined;
}

class Walker implements AsyncDisposable {
  readonly #random: Random;
  readonly #packetLab: PacketLab;
  readonly #freshLab = new Lab('walk-fresh');
  readonly #nft: Nftables;
  readonly #pictures: Pictures;
  readonly #proxier: OurProxier;
  readonly #fresh: FreshBuild;
  #node: NodeConfig;
  #state: ClusterState;
  #isStarted = false;
  packets = 0;

  private constructor(seed: number, packetLab: PacketLab) {
    this.#random = seeded(seed);
    this.#packetLab = packetLab;
    const { netnsPath } = packetLab.host;
    this.#nft = Nftables.open({ netns: { path: netnsPath } });
    this.#pictures = new Pictures(this.#nft);
    this.#proxier = new OurProxier(netnsPath);
    this.#fresh = new FreshBuild(this.#freshLab);
    this.#node = randomNodeConfig(this.#random);
    this.#state = { cluster: randomCluster(this.#random, SERVICES), zone: undefined };
  }

  static async open(seed: number): Promise<Walker> {
    return new Walker(seed, await openNodeLab('walk'));
  }

  /** Makes a change; gives its name. */
  async step(): Promise<string> {
    if (!this.#isStarted) {
      this.#isStarted = true;
      await this.#proxier.start(this.#node, this.#state, this.#random);
      return 'start';
    }
    const change = randomChange(this.#random, this.#state, BOUNDS);
    this.#state = change.after;
    if (!change.restart) {
      await this.#proxier.change(change.after);
      return change.name;
    }
    return this.#restart(change);
  }

  /** Lines that a fresh build lacks, or has besides. */
  async checkKernel(): Promise<readonly string[]> {
    const [fresh, kernel] = await Promise.all([
      this.#fresh.of(this.#node, this.#state),
      this.#pictures.take(),
    ]);
    return pictureDifference(fresh, kernel);
  }

  async checkPackets(): Promise<readonly string[]> {
    const world = worldOf(this.#node, this.#state);
    const packets = packetsFor(this.#random, this.#state.cluster, PACKETS);
    const first = this.packets;
    this.packets += packets.length;
    const results = await this.#packetLab.send(packets.map((packet, i) => probeOf(packet, first + i)));
    return results.flatMap((result, i) => {
      const packet = packets[i];
      return (packet && contradiction(world, packet, first + i, result)) ?? [];
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#proxier[Symbol.asyncDispose]();
    await this.#fresh[Symbol.asyncDispose]();
    await this.#nft.close();
    await this.#packetLab.close();
    await this.#freshLab.close();
  }

  /** Some proxiers are given other settings than the one before them had. */
  async #restart({ name, after }: Change): Promise<string> {
    const isOther = this.#random.chance(40);
    if (isOther) this.#node = randomNodeConfig(this.#random);
    const how = isOther ? 'restarted with other settings' : 'restarted';
    if (!this.#random.chance(30)) {
      await this.#proxier.start(this.#node, after, this.#random);
      return `${name}, ${how}`;
    }
    // What it does not know of at first it takes for gone, and cleans away.
    const known = new Map([...after.cluster.services].filter(() => this.#random.chance(50)));
    await this.#proxier.start(this.#node, { ...after, cluster: { ...after.cluster, services: known } });
    await this.#proxier.change(after);
    return `${name}, ${how}, some Services came late`;
  }
}
