import { Nftables } from 'nftlink';
import type { Host, Lab } from '../../lab/lab.ts';
import type { NodeConfig } from '../cluster-generator/node-config.ts';
import type { ClusterState } from '../cluster-generator/random-change.ts';
import { OurProxier } from '../differential/our-proxier.ts';
import { familyTable } from '../src/layout/sets.ts';
import { FAMILIES } from '../src/model/family.ts';
import { type Picture, Pictures } from './pictures.ts';

/** Builds clusters from nothing, each time, in a network namespace of its own: what a kernel should look like. */
export class FreshBuild implements AsyncDisposable {
  readonly #nft: Nftables;
  readonly #proxier: OurProxier;
  readonly #pictures: Pictures;

  constructor(lab: Lab) {
    const host: Host = lab.host('fresh');
    this.#nft = Nftables.open({ netns: { path: host.netnsPath } });
    this.#proxier = new OurProxier(host.netnsPath);
    this.#pictures = new Pictures(this.#nft);
  }

  async of(node: NodeConfig, state: ClusterState): Promise<Picture> {
    await this.#proxier.stop();
    const transaction = this.#nft.transaction();
    // Adding before deleting: the first time there is none.
    for (const family of FAMILIES) transaction.add(familyTable(family)).delete(familyTable(family));
    await transaction.commit();
    await this.#proxier.start(node, state);
    return this.#pictures.take();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#proxier[Symbol.asyncDispose]();
    await this.#nft.close();
  }
}
