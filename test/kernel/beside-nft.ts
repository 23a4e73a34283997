import { afterAll, expect } from 'vitest';
import { type Host, Lab } from '../../lab/lab.ts';
import { type AnySet, Nftables, type Table } from '../../src/index.ts';
import { rawElements, rawRules, rawSets } from './raw-dump.ts';

/** Two hosts, for as long as the file's tests run: what we write is on one, what nft makes of the same text on the other. */
export function besideNft(label: string) {
  const lab = new Lab(label);
  const [ours, theirs] = [lab.host('ours'), lab.host('theirs')];
  const nft = Nftables.open({ netns: { path: ours.netnsPath } });
  const reference = Nftables.open({ netns: { path: theirs.netnsPath } });
  afterAll(async () => {
    await nft.close();
    await reference.close();
    await lab.close();
  });
  const listing = (host: Host = ours) => lab.run(host, 'nft', '-s', 'list', 'ruleset');

  /** Has nft load its own listing of ours: then it lists the same on both. */
  function reload(): void {
    lab.load(theirs, lab.run(ours, 'nft', 'list', 'ruleset'));
    expect(listing(theirs)).toBe(listing());
  }

  /** The same, and a table's sets, their elements and its rules are the same to the byte. */
  async function reloadAndCompare(of: Table, sets: readonly AnySet[]): Promise<void> {
    reload();
    expect(await rawSets(ours, of)).toEqual(await rawSets(theirs, of));
    expect(await rawRules(nft, of)).toEqual(await rawRules(reference, of));
    for (const each of sets) {
      expect(await rawElements(ours, each), each.name).toEqual(await rawElements(theirs, each));
    }
  }

  async function startAnew(): Promise<void> {
    for (const each of [nft, reference]) {
      const transaction = each.transaction();
      for (const there of await each.listTables()) transaction.delete(there);
      await transaction.commit();
    }
  }

  return { lab, ours, theirs, nft, reference, listing, reload, reloadAndCompare, startAnew };
}
