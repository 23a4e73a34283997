import type { PacketLab, Probe, ProbeResult } from '../../lab/packets/packet-lab.ts';
import type { NodeConfig } from '../cluster-generator/node-config.ts';
import type { ClusterState } from '../cluster-generator/random-change.ts';
import { openNodeLab } from './node-lab.ts';
import { OurProxier } from './our-proxier.ts';
import type { Side } from './side.ts';

/** nft-proxier on a node of its own. */
export class OurSide implements Side {
  readonly name = 'nft-proxier';
  readonly #lab: PacketLab;
  readonly #proxier: OurProxier;

  private constructor(lab: PacketLab) {
    this.#lab = lab;
    this.#proxier = new OurProxier(lab.host.netnsPath);
  }

  static async open(label: string): Promise<OurSide> {
    return new OurSide(await openNodeLab(label));
  }

  start(node: NodeConfig, state: ClusterState): Promise<void> {
    return this.#proxier.start(node, state);
  }

  change(state: ClusterState): Promise<void> {
    return this.#proxier.change(state);
  }

  send(probes: readonly Probe[]): Promise<readonly ProbeResult[]> {
    return this.#lab.send(probes);
  }

  forgetConnections(): void {
    this.#lab.forgetConnections();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#proxier[Symbol.asyncDispose]();
    await this.#lab.close();
  }
}
