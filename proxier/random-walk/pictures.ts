import type { Nftables } from 'nftlink';
import { FAMILIES } from '../src/model/family.ts';
import { readKernelTable } from '../src/sync/kernel-table.ts';
import { pictureOf } from './table-picture.ts';

/** Both families' tables, as {@link pictureOf} describes each. */
export type Picture = readonly string[];

/** Takes pictures of what the kernel has. */
export class Pictures {
  readonly #nft: Nftables;

  constructor(nft: Nftables) {
    this.#nft = nft;
  }

  async take(): Promise<Picture> {
    const lines: string[] = [];
    for (const family of FAMILIES) {
      const table = await readKernelTable(this.#nft, family);
      lines.push(...pictureOf(table).map((line) => `${family} ${line}`));
    }
    return lines;
  }
}
