import { type AnySet, type ListedRule, Nftables, type PackedValue } from 'nftlink';
import { FakeKernel } from 'nftlink/testing';
import { familyTable } from '../../src/layout/sets.ts';
import type { Family } from '../../src/model/frontends.ts';

/** A set as packets see it: packed key to packed data, or to the chain that a verdict leads to. */
export interface Looked {
  readonly set: AnySet;
  readonly elements: ReadonlyMap<PackedValue, PackedValue>;
}

/** All that packets meet in one family's table between two transactions. */
export interface Moment {
  /** When it began, by the kernel's clock. */
  readonly sinceMs: number;
  /** By chain. */
  readonly rules: ReadonlyMap<string, readonly ListedRule[]>;
  readonly sets: ReadonlyMap<string, Looked>;
}

/** A fake kernel that remembers what packets would have met after each transaction. */
export class RecordingKernel extends FakeKernel {
  readonly moments: Moment[] = [];
  readonly #family: Family;
  readonly #nowMs: () => number;

  constructor(family: Family, nowMs: () => number) {
    super({ nowMs });
    this.#family = family;
    this.#nowMs = nowMs;
  }

  override async transact(packed: Uint8Array): ReturnType<FakeKernel['transact']> {
    const before = this.generation;
    const outcome = await super.transact(packed);
    const sinceMs = this.#nowMs();
    if (this.generation !== before) this.moments.push(await readMoment(this, this.#family, sinceMs));
    return outcome;
  }
}

/** What the kernel has now. */
export async function readMoment(kernel: FakeKernel, family: Family, sinceMs: number): Promise<Moment> {
  const nft = new Nftables(kernel);
  const { name } = familyTable(family);
  const table = (await nft.listTables(family)).find((listed) => listed.name === name);
  if (table === undefined) return { sinceMs, rules: new Map(), sets: new Map() };
  const [chains, rules, sets] = await Promise.all([
    nft.listChains(table),
    nft.listRules(table),
    nft.listSets(table),
  ]);
  const byChain = new Map<string, ListedRule[]>(chains.map((chain) => [chain.name, []]));
  for (const rule of rules) byChain.get(rule.chain.name)?.push(rule);
  return {
    sinceMs,
    rules: byChain,
    sets: new Map(sets.map((set) => [set.name, { set, elements: kernel.elements(set) }])),
  };
}

/** The element that a key meets; in a set of ranges, one that it lies in. */
export function lookUp({ set, elements }: Looked, key: PackedValue): PackedValue | undefined {
  const found = elements.get(key);
  if (found !== undefined || !set.intervals) return found;
  const ranges = [...elements.keys()].filter((text) => text.length > set.key.byteLength);
  const isIn = (text: string) => {
    const [from, to] = [text.slice(0, set.key.byteLength), text.slice(-set.key.byteLength)];
    return from <= key && key <= to;
  };
  return ranges.some(isIn) ? '' : undefined;
}
