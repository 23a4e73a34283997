import { ask } from '../netlink/request.ts';
import type { Transport } from '../netlink/transport.ts';
import { NFT_MSG, NLM_F } from '../nft/pack/uapi.ts';
import type { AnySet } from '../nft/set.ts';
import type { Table } from '../nft/table.ts';
import { readSet } from '../read/objects.ts';
import { tableOf } from './table-of.ts';

/** The sets that there are, by name: an event about an element says the name of its set and not the types. */
export class KnownSets {
  readonly #tables = new Map<string, Map<string, AnySet>>();

  /** In place of all that was known. */
  replace(sets: readonly AnySet[]): void {
    this.#tables.clear();
    for (const set of sets) this.add(set);
  }

  add(set: AnySet): void {
    const key = keyOf(set.table);
    const sets = this.#tables.get(key) ?? new Map<string, AnySet>();
    this.#tables.set(key, sets.set(set.name, set));
  }

  find(table: Table, name: string): AnySet | undefined {
    return this.#tables.get(keyOf(table))?.get(name);
  }

  /** The set, which is no longer known afterwards. */
  forget(table: Table, name: string): AnySet | undefined {
    const set = this.find(table, name);
    this.#tables.get(keyOf(table))?.delete(name);
    return set;
  }

  forgetTable(table: Table): void {
    this.#tables.delete(keyOf(table));
  }
}

function keyOf({ family, name }: Table): string {
  return `${family} ${name}`;
}

/** The sets of all tables. Rejects with RequestError. */
export async function listAllSets(transport: Transport): Promise<readonly AnySet[]> {
  const replies = await ask(transport, 'listing all sets', NFT_MSG.getSet, NLM_F.dump, 0, new Uint8Array(0));
  return replies.flatMap((message) => {
    const table = tableOf(message);
    const set = table === undefined ? undefined : readSet(message, table);
    return set === undefined ? [] : [set];
  });
}
