import { chainsOfClass } from './class-chains.ts';
import { MAX_CLASS } from './numbers.ts';
import type { ClusterSet, DispatchMap } from './set-names.ts';

/** The maps whose data are classes, and where each class is turned into a chain. */
export const CLASS_MAPS: ReadonlyMap<ClusterSet, DispatchMap> = new Map<ClusterSet, DispatchMap>([
  ['services', 'dispatch'],
  ['nodeports', 'dispatch'],
  ['localServices', 'dispatchLocal'],
  ['shortCircuits', 'dispatchLocal'],
  ['localNodeports', 'dispatchLocal'],
  ['nodeportShortCircuits', 'dispatchLocal'],
]);

interface Class {
  readonly name: string;
  /** Class chains that it needs. */
  readonly chains: readonly string[];
  readonly users: Record<DispatchMap, number>;
}

/** The classes in use, by number: each leads to the chain it is named after. */
export class Classes {
  readonly #numbers = new Map<string, number>();
  readonly #classes = new Map<number, Class>();
  readonly #free: number[] = [];
  #highest = 0;
  /** Class chains and the classes that need them. */
  readonly #needed = new Map<string, number>();

  /** The number of a class, given out at its first use. */
  numberOf(name: string): number {
    const known = this.#numbers.get(name);
    if (known !== undefined) return known;
    const number = this.#free.pop() ?? ++this.#highest;
    if (number > MAX_CLASS) throw new Error(`more than ${MAX_CLASS} different classes`);
    this.#know(number, name);
    return number;
  }

  /** Takes over numbers that the kernel has already. */
  adopt(numbers: ReadonlyMap<number, string>): void {
    for (const [number, name] of numbers) {
      if (!this.#numbers.has(name)) this.#know(number, name);
    }
    this.#highest = Math.max(this.#highest, ...numbers.keys());
    for (let number = 1; number < this.#highest; number++) {
      if (!this.#classes.has(number)) this.#free.push(number);
    }
  }

  nameOf(number: number): string | undefined {
    return this.#classes.get(number)?.name;
  }

  /** The class chains that a class needs. */
  chainsOf(number: number): readonly string[] {
    return this.#classes.get(number)?.chains ?? [];
  }

  /** Counts one frontend in. */
  enter(number: number, map: DispatchMap): void {
    const entry = this.#classes.get(number);
    if (entry === undefined) throw new Error(`class ${number} was never given out`);
    if (total(entry) === 0) this.#need(entry, 1);
    entry.users[map]++;
  }

  /** Counts one frontend out. */
  leave(number: number, map: DispatchMap): void {
    const entry = this.#classes.get(number);
    if (entry === undefined) throw new Error(`class ${number} was never given out`);
    entry.users[map]--;
    if (total(entry) === 0) this.#need(entry, -1);
  }

  isUsed(number: number, map: DispatchMap): boolean {
    return (this.#classes.get(number)?.users[map] ?? 0) > 0;
  }

  /** The classes that frontends are in. */
  used(map: DispatchMap): readonly number[] {
    return [...this.#classes].filter(([, { users }]) => users[map] > 0).map(([number]) => number);
  }

  /** Whether a class chain is needed: its class is in use, or one that leads to it. */
  needsChain(name: string): boolean {
    return (this.#needed.get(name) ?? 0) > 0;
  }

  /** The class chains that are needed. */
  neededChains(): readonly string[] {
    return [...this.#needed.keys()];
  }

  /** Nothing in the kernel leads from the number to a chain any more: it may be given out again. */
  retire(number: number): void {
    const entry = this.#classes.get(number);
    if (entry === undefined || total(entry) > 0) return;
    this.#classes.delete(number);
    this.#numbers.delete(entry.name);
    this.#free.push(number);
  }

  #know(number: number, name: string): void {
    this.#numbers.set(name, number);
    this.#classes.set(number, {
      name,
      chains: chainsOfClass(name),
      users: { dispatch: 0, dispatchLocal: 0 },
    });
  }

  #need({ chains }: Class, change: 1 | -1): void {
    for (const chain of chains) {
      const count = (this.#needed.get(chain) ?? 0) + change;
      if (count > 0) this.#needed.set(chain, count);
      else this.#needed.delete(chain);
    }
  }
}

function total({ users }: Class): number {
  return users.dispatch + users.dispatchLocal;
}
