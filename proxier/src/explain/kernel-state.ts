import {
  type AnySet,
  type Chain,
  type Hook,
  type ListedRule,
  type Nftables,
  type PackedValue,
  packValue,
  type Table,
} from 'nftlink';
import { setNamed } from '../layout/set-names.ts';
import { familyTable } from '../layout/sets.ts';
import type { Family } from '../model/family.ts';
import { CannotTellError } from './facts.ts';

/** An element as a packet finds it. */
export interface Found {
  /** The data's bytes; undefined in sets and verdict maps. */
  readonly data: Buffer | undefined;
  /** The data, or the range of a set with intervals, as nft writes it. */
  readonly text: string | undefined;
  readonly chain: string | undefined;
  readonly expiresMs: number | undefined;
}

/**
 * A family's table in the kernel, as far as a packet asks for it: names of chains and sets at once, rules of a chain and single
 * elements when they are needed. What was read is kept: one answer is of one moment, as far as `generation` says.
 */
export class KernelState {
  readonly table: Table;
  readonly chains: ReadonlyMap<string, Chain>;
  readonly #nft: Nftables;
  readonly #sets: ReadonlyMap<string, AnySet>;
  readonly #rules = new Map<string, Promise<readonly ListedRule[]>>();
  readonly #elements = new Map<string, Promise<Found | undefined>>();

  private constructor(nft: Nftables, table: Table, chains: readonly Chain[], sets: readonly AnySet[]) {
    this.#nft = nft;
    this.table = table;
    this.chains = new Map(chains.map((chain) => [chain.name, chain]));
    this.#sets = new Map(sets.map((set) => [set.name, set]));
  }

  /** Undefined: there is no such table. Rejects with RequestError. */
  static async read(nft: Nftables, family: Family): Promise<KernelState | undefined> {
    const { name } = familyTable(family);
    const table = (await nft.listTables(family)).find((listed) => listed.name === name);
    if (table === undefined) return undefined;
    const [chains, sets] = await Promise.all([nft.listChains(table), nft.listSets(table)]);
    return new KernelState(nft, table, chains, sets);
  }

  /** The chains that a hook calls, in its order. */
  baseChains(hook: Hook): readonly Chain[] {
    const called = [...this.chains.values()].filter(({ base }) => base?.hook === hook);
    return called.sort((a, b) => (a.base?.priority ?? 0) - (b.base?.priority ?? 0));
  }

  /** The rules of a chain; undefined: there is no such chain. */
  rules(name: string): Promise<readonly ListedRule[]> | undefined {
    const chain = this.chains.get(name);
    if (chain === undefined) return undefined;
    const known = this.#rules.get(name);
    if (known !== undefined) return known;
    const asked = this.#nft.listRules(chain);
    this.#rules.set(name, asked);
    return asked;
  }

  /** Throws CannotTellError when there is no such set. */
  set(name: string): AnySet {
    const set = this.#sets.get(name);
    if (set === undefined) throw new CannotTellError(`a lookup in set ${name}, which is not there`);
    return set;
  }

  /** The addresses that node ports are on, where a set has them. */
  async nodePortAddresses(): Promise<readonly string[]> {
    const sets = [...this.#sets.values()].filter(({ name }) => setNamed(name) === 'nodeportIps');
    const listed = await Promise.all(sets.map((set) => this.#nft.listElements(set)));
    return listed.flat().map(({ key }: { readonly key: unknown }) => String(key));
  }

  /** The element that a key finds. */
  element(set: AnySet, key: Buffer): Promise<Found | undefined> {
    const id = `${set.name} ${key.toString('latin1')}`;
    const known = this.#elements.get(id);
    if (known !== undefined) return known;
    const asked = this.#ask(set, key);
    this.#elements.set(id, asked);
    return asked;
  }

  async #ask(set: AnySet, key: Buffer): Promise<Found | undefined> {
    const element: Element | undefined = await this.#nft.set(set).get(set.key.read(key, 0) as never);
    if (element === undefined) return undefined;
    const { value, expiresMs } = element;
    if (set.kind === 'map') {
      const packed: PackedValue = packValue(set.data, value as never);
      return { data: Buffer.from(packed, 'latin1'), text: textOf(value), chain: undefined, expiresMs };
    }
    const chain = set.kind === 'verdict map' ? (value as { readonly chain?: string }).chain : undefined;
    return { data: undefined, text: set.kind === 'set' ? textOf(element.key) : chain, chain, expiresMs };
  }
}

interface Element {
  readonly key: unknown;
  readonly value: unknown;
  readonly expiresMs?: number;
}

/** A value as nft writes it. */
export function textOf(value: unknown): string {
  if (Array.isArray(value)) return value.map(textOf).join(' . ');
  if (value instanceof Uint8Array) return `0x${Buffer.from(value).toString('hex')}`;
  if (typeof value === 'object' && value !== null && 'from' in value && 'to' in value) {
    return `${textOf(value.from)}-${textOf(value.to)}`;
  }
  return String(value);
}
