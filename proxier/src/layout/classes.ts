import { MAX_CLASS } from './numbers.ts';

/**
 * A class is what frontends have in common: here, how many endpoints they choose from. Each has a chain, a number that
 * leads there, and a count of the frontends in it.
 */
export class Classes {
  readonly #numbers = new Map<number, number>();
  readonly #users = new Map<number, number>();
  readonly #free: number[] = [];
  #highest = 0;

  /** The number of the class with n endpoints, given out at its first use. */
  numberOf(endpoints: number): number {
    const known = this.#numbers.get(endpoints);
    if (known !== undefined) return known;
    const number = this.#free.pop() ?? ++this.#highest;
    if (number > MAX_CLASS) throw new Error(`more than ${MAX_CLASS} different endpoint counts`);
    this.#numbers.set(endpoints, number);
    return number;
  }

  /** Counts one frontend in. True when it is the first. */
  enter(endpoints: number): boolean {
    const users = this.#users.get(endpoints) ?? 0;
    this.#users.set(endpoints, users + 1);
    return users === 0;
  }

  /** Counts one frontend out. True when it was the last. */
  leave(endpoints: number): boolean {
    const users = (this.#users.get(endpoints) ?? 1) - 1;
    this.#users.set(endpoints, users);
    return users === 0;
  }

  isUsed(endpoints: number): boolean {
    return (this.#users.get(endpoints) ?? 0) > 0;
  }

  /** The classes that frontends are in. */
  used(): readonly number[] {
    return [...this.#users].filter(([, users]) => users > 0).map(([endpoints]) => endpoints);
  }

  /** The chain of an unused class is gone: its number may be given out again. */
  retire(endpoints: number): void {
    const number = this.#numbers.get(endpoints);
    if (number === undefined || this.isUsed(endpoints)) return;
    this.#numbers.delete(endpoints);
    this.#users.delete(endpoints);
    this.#free.push(number);
  }
}
