import type { Batch } from './fake-batch.ts';
import type { FakeChain, FakeTable } from './fake-ruleset.ts';

/** NFT_JUMP_STACK_SIZE of net/netfilter/nf_tables.h. */
const MAX_DEPTH = 16;

/** Whether jumps lead too deep in a table where they are followed behind each message. */
export function leadsTooDeep({ toValidate, made, way }: Batch, table: FakeTable): boolean {
  const isFollowed = way.followed !== undefined && (way.followed.has(table) || made.has(table));
  return isFollowed && toValidate.has(table) && !canBeFollowed(table);
}

/**
 * The tables that the kernel looks through at the end, up to the first in which jumps lead too deep: those are followed when
 * it does all of it again (nf_tables_validate). Undefined: nowhere do they.
 */
export function tablesToFollow({ ruleset, toValidate }: Batch): ReadonlySet<FakeTable> | undefined {
  const seen = new Set<FakeTable>();
  for (const table of ruleset.tables.values()) {
    if (!toValidate.has(table)) continue;
    seen.add(table);
    if (!canBeFollowed(table)) return seen;
  }
  return undefined;
}

/**
 * Whether a packet can go from every base chain of a table to wherever rules and verdict maps lead, without jumping too
 * deep: what nft_table_validate looks for. A loop is too deep.
 */
function canBeFollowed(table: FakeTable): boolean {
  /** The greatest depth at which a chain was followed to its end already. */
  const followed = new Map<FakeChain, number>();
  const follow = (chain: FakeChain, depth: number): boolean => {
    if (depth === MAX_DEPTH) return false;
    if ((followed.get(chain) ?? -1) >= depth) return true;
    for (const target of targetsOf(chain)) if (!follow(target, depth + 1)) return false;
    followed.set(chain, depth);
    return true;
  };
  return [...table.chains.values()].every(({ base }, index, chains) => {
    const chain = chains[index];
    return base === undefined || chain === undefined || follow(chain, 0);
  });
}

function* targetsOf({ rules }: FakeChain): Generator<FakeChain> {
  for (const { references } of rules) {
    yield* references.chains;
    for (const { elements } of references.sets) {
      for (const { chain } of elements.values()) if (chain !== undefined) yield chain;
    }
  }
}
