import { Nftables } from 'nftlink';
import { familyTable } from './layout/sets.ts';
import { FAMILIES } from './model/family.ts';
import type { CommonOptions } from './options.ts';
import { makeLogger } from './serve/log.ts';

/** Removes the tables, if they are there. */
export async function cleanup(options: CommonOptions): Promise<void> {
  const log = makeLogger(options);
  await using nft = Nftables.open(options.netns === undefined ? {} : { netns: { path: options.netns } });
  const present = await nft.listTables();
  const transaction = nft.transaction();
  for (const table of FAMILIES.map(familyTable)) {
    const isPresent = present.some(({ family, name }) => family === table.family && name === table.name);
    if (isPresent) transaction.delete(table);
    log.info(`table ${table.family} ${table.name}: ${isPresent ? 'removed' : 'was not there'}`);
  }
  await transaction.commit();
}
