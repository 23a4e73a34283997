import type { Nftables } from 'nftlink';
import { chainName, type FixedName, fixedChains } from '../layout/fixed-chains.ts';
import { markOf, stickyMark } from '../layout/numbers.ts';
import { eachClusterSet, setNamed } from '../layout/set-names.ts';
import { type FamilySets, familySets } from '../layout/sets.ts';
import type { StickyPort } from '../layout/sticky-chains.ts';
import type { Family } from '../model/family.ts';
import { parseStickies } from '../sync/adopted-stickies.ts';
import { adopt, ownEpoch } from '../sync/adoption.ts';
import { type KernelTable, readKernelTable } from '../sync/kernel-table.ts';
import { type Counts, countsOf } from './counts.ts';
import { danglingElements } from './dangling.ts';
import { differences } from './differences.ts';
import { ruleOptionsOf } from './rule-options.ts';

/** One family's table, as it is in the kernel. */
export interface TableStatus {
  readonly family: Family;
  /** The layout's version; undefined: none of nft-proxier's (kube-proxy uses the same name). */
  readonly layout: number | undefined;
  /** Undefined where the layout is not this version's: what its elements mean is not known. */
  readonly counts: Counts | undefined;
  readonly stickies: readonly StickyStatus[];
  readonly sets: readonly SetStatus[];
  /** Chains and sets that nothing uses any more: the daemon deletes them. */
  readonly leftovers: readonly string[];
  /** Where the table is not as this version writes it, and elements that are missing: a sentence for each. */
  readonly problems: readonly string[];
}

/** A Service port with session affinity. */
interface StickyStatus {
  /** `shop/login:http` */
  readonly service: string;
  readonly timeoutMs: number;
  readonly endpoints: number;
  /** Clients that are remembered. */
  readonly clients: number;
}

interface SetStatus {
  /** The kernel's name. A number behind it tells how many times the set was replaced by a larger one. */
  readonly name: string;
  /** Undefined: it is declared too large to be counted quickly. */
  readonly elements: number | undefined;
  /** How many it can hold; undefined: any number. */
  readonly size: number | undefined;
}

/** Reads a family's table; undefined: there is none. Rejects with RequestError. */
export async function tableStatus(nft: Nftables, family: Family): Promise<TableStatus | undefined> {
  const kernel = await readKernelTable(nft, family);
  if (kernel === undefined) return undefined;
  const epoch = ownEpoch(kernel);
  const common = { family, layout: layoutOf(kernel), sets: setsOf(kernel) };
  if (epoch === undefined) {
    const problem =
      'the table is not of this version of nft-proxier: the next start of the daemon replaces what is in it';
    return { ...common, counts: undefined, stickies: [], leftovers: [], problems: [problem] };
  }
  const options = ruleOptionsOf(family, (name) => rulesOf(kernel, name, epoch));
  const sizes = { ...eachClusterSet(() => 0), affinity: affinitySize(kernel) };
  const adoption = await adopt(family, kernel, options, sizes, 0);
  const { programmed, names } = adoption;
  const sets = familySets(family, names.instances, epoch);
  const fixed = Object.values(fixedChains(sets, epoch)).map(({ name }) => name);
  const stickies = parseStickies(kernel, epoch);
  const { chains, sets: unused } = programmed.leftovers;
  return {
    ...common,
    counts: countsOf(programmed, fixed.length),
    stickies: stickyStatuses(kernel, sets, stickies),
    leftovers: [...chains, ...unused].map(({ kind, name }) => `${kind} ${name}`),
    problems: [...differences(adoption, fixed), ...danglingElements(sets, programmed, stickies)],
  };
}

function layoutOf({ chains }: KernelTable): number | undefined {
  for (const { comment = '' } of chains) {
    const version = /^nft-proxier, layout (\d+)$/.exec(comment)?.[1];
    if (version !== undefined) return Number(version);
  }
  return undefined;
}

function rulesOf(kernel: KernelTable, name: FixedName, epoch: number) {
  // Base chains have no epoch.
  return kernel.rules.get(chainName(name, epoch)) ?? kernel.rules.get(name) ?? [];
}

function setsOf(kernel: KernelTable): readonly SetStatus[] {
  return kernel.sets
    .filter(({ name }) => setNamed(name) !== undefined)
    .map(({ name, size }) => {
      const { packed, verdicts } = kernel.elements.get(name) ?? {};
      const elements =
        packed === undefined || verdicts === undefined ? undefined : packed.size + verdicts.size;
      return { name, elements, size };
    });
}

function affinitySize({ sets }: KernelTable): number {
  return sets.findLast(({ name }) => setNamed(name) === 'affinity')?.size ?? 0;
}

const CLASSID_BYTES = 4;

function stickyStatuses(
  kernel: KernelTable,
  sets: FamilySets,
  ports: readonly StickyPort[],
): readonly StickyStatus[] {
  const clients = new Map<number, number>();
  for (const key of kernel.elements.get(sets.affinity.name)?.packed.keys() ?? []) {
    const mark = markOf(key.slice(-CLASSID_BYTES));
    clients.set(mark, (clients.get(mark) ?? 0) + 1);
  }
  return ports.map(({ key, number, timeoutMs, cluster, local }) => ({
    service: key,
    timeoutMs,
    endpoints: Math.max(cluster?.count ?? 0, local?.count ?? 0),
    clients: clients.get(stickyMark(number)) ?? 0,
  }));
}
