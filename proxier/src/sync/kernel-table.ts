import { constants } from 'node:os';
import {
  type AnySet,
  type Chain,
  type ListedRule,
  type Nftables,
  type PackedValue,
  packValue,
  RequestError,
  type Table,
} from 'nftlink';
import { classOfMark, markOf } from '../layout/numbers.ts';
import { SET_NAMES } from '../layout/set-names.ts';
import { familyTable, TABLE_NAME } from '../layout/sets.ts';
import { packSource } from '../layout/source-key.ts';
import type { Family } from '../model/frontends.ts';

/** A family's table as the kernel has it at one generation. */
export interface KernelTable {
  readonly table: Table;
  readonly chains: readonly Chain[];
  readonly sets: readonly AnySet[];
  /** By chain. */
  readonly rules: ReadonlyMap<string, readonly ListedRule[]>;
  /** Elements by set; only of sets that have the name of one of ours and are not too large to be read. */
  readonly elements: ReadonlyMap<string, SetElements>;
}

export interface SetElements {
  readonly set: AnySet;
  /** As `DesiredState` keeps them; class → chain of a verdict map is in `verdicts`. */
  readonly packed: Map<PackedValue, PackedValue>;
  readonly verdicts: ReadonlyMap<number, string>;
}

/**
 * Sets that are declared larger are not read but written anew: a dump takes time with the square of the size (kernel 6.18: 0.1 s
 * for 100,000 elements, 13 s for 1,000,000), writing does not (0.6 s for 1,000,000).
 */
export const LARGEST_READ = 2 ** 19;

const MAX_ATTEMPTS = 10;

/** What the kernel has under the name of our table; undefined: there is none. */
export async function readKernelTable(nft: Nftables, family: Family): Promise<KernelTable | undefined> {
  for (let attempt = 1; ; attempt++) {
    const before = await nft.generation();
    const read = await readOnce(nft, family).catch((error: unknown) => {
      // A table or set can go between two questions.
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 'changed' as const;
      throw error;
    });
    if (read !== 'changed' && (await nft.generation()) === before) return read;
    if (attempt === MAX_ATTEMPTS) {
      throw new RequestError(
        `reading table ${family} ${TABLE_NAME}, which changes too fast`,
        constants.errno.EINTR,
      );
    }
  }
}

async function readOnce(nft: Nftables, family: Family): Promise<KernelTable | undefined> {
  const { name } = familyTable(family);
  const table = (await nft.listTables(family)).find((listed) => listed.name === name);
  if (table === undefined) return undefined;
  const [chains, sets, listed] = await Promise.all([
    nft.listChains(table),
    nft.listSets(table),
    nft.listRules(table),
  ]);
  const rules = new Map<string, ListedRule[]>();
  for (const rule of listed) {
    const ofChain = rules.get(rule.chain.name);
    if (ofChain === undefined) rules.set(rule.chain.name, [rule]);
    else ofChain.push(rule);
  }
  const readable = sets.filter((set) => isOurs(set) && (set.size ?? 0) < LARGEST_READ);
  // The kernel dumps one while another is decoded.
  const elements = await Promise.all(readable.map((set) => readElements(nft, set)));
  return { table, chains, sets, rules, elements: new Map(elements.map((each) => [each.set.name, each])) };
}

const OUR_NAMES: ReadonlySet<string> = new Set(Object.values(SET_NAMES));

function isOurs({ name }: AnySet): boolean {
  return OUR_NAMES.has(name) || OUR_NAMES.has(name.replace(/-\d+$/, ''));
}

async function readElements(nft: Nftables, set: AnySet): Promise<SetElements> {
  if (set.kind === 'verdict map') return { set, packed: new Map(), verdicts: await readVerdicts(nft, set) };
  if (set.intervals) return { set, packed: await readSources(nft, set), verdicts: new Map() };
  return { set, packed: await nft.listPackedElements(set), verdicts: new Map() };
}

async function readVerdicts(
  nft: Nftables,
  map: Extract<AnySet, { kind: 'verdict map' }>,
): Promise<ReadonlyMap<number, string>> {
  const found = new Map<number, string>();
  for (const { key, value } of await nft.listElements(map)) {
    const number = classOfMark(markOf(packValue(map.key, key as never)));
    const chain = 'chain' in value ? value.chain : undefined;
    if (number !== undefined && chain !== undefined) found.set(number, chain);
  }
  return found;
}

/** Keys as `packSource` makes them. What no proxy of ours writes becomes a key that nothing wants. */
async function readSources(nft: Nftables, set: AnySet): Promise<Map<PackedValue, PackedValue>> {
  const found = new Map<PackedValue, PackedValue>();
  const fields = set.key.fields;
  for (const { key } of await nft.listElements(set)) {
    const parts = key as unknown;
    if (!Array.isArray(parts) || fields === undefined || parts.length !== fields.length) continue;
    const network: unknown = parts[fields.length - 1];
    if (typeof network !== 'string') continue;
    const bits = network.includes(':') ? 128 : 32;
    const frontend = fields
      .slice(0, -1)
      .map((field, i) => packValue(field, parts[i] as never).padEnd(registerLength(field.byteLength), '\0'))
      .join('');
    found.set(packSource(frontend, network.includes('/') ? network : `${network}/${bits}`), '');
  }
  return found;
}

/** Fields of a concatenation begin at multiples of four bytes. */
function registerLength(byteLength: number): number {
  return (byteLength + 3) & ~3;
}
