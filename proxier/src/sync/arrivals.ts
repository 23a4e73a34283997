import type { ServiceState } from '../model/frontends.ts';
import type { FamilyProgram } from './family-program.ts';

/** States on their way into the kernel: those that wait, and those that the programs have and no transaction yet. */
export class Arrivals {
  #waiting = new Map<string, ServiceState>();
  #taken = new Map<string, ServiceState>();
  /** Of those that wait: what could be taken early, and has not been tried. */
  #untried: ServiceState[] = [];

  /** Whether none waits. */
  get isEmpty(): boolean {
    return this.#waiting.size === 0;
  }

  add(state: ServiceState): void {
    this.#waiting.set(state.service, state);
  }

  /** Services that wait. */
  services(): ReadonlySet<string> {
    return new Set(this.#waiting.keys());
  }

  /** Takes a state that others are to follow before anything is written. */
  gather(state: ServiceState): void {
    this.add(state);
    this.#untried.push(state);
  }

  /**
   * Gives the programs what they can take while there is more to come. Where an earlier process gave numbers out, that is only what the
   * kernel has just so: of a Service that is not whole yet, the endpoints that are missing would lose their numbers.
   */
  giveEarly(programs: readonly FamilyProgram[]): void {
    if (!programs.every(({ isLoaded }) => isLoaded)) return;
    const untried = this.#untried;
    this.#untried = [];
    if (!programs.some(({ desired }) => desired.hasAdopted)) {
      this.#give(programs);
      return;
    }
    for (const state of untried) this.#recognize(state, programs);
  }

  /** Gives the programs everything; what they have that no transaction had. */
  give(programs: readonly FamilyProgram[]): ReadonlyMap<string, ServiceState> {
    this.#untried = [];
    this.#give(programs);
    const taken = this.#taken;
    this.#taken = new Map();
    return taken;
  }

  /** What was not committed comes again, unless there is newer. */
  giveBack(states: Iterable<ServiceState>): void {
    for (const state of states) if (!this.#waiting.has(state.service)) this.add(state);
  }

  drop(service: string): void {
    this.#waiting.delete(service);
  }

  #give(programs: readonly FamilyProgram[]): void {
    for (const program of programs) program.update(this.#waiting.values());
    if (this.#taken.size === 0) this.#taken = this.#waiting;
    else for (const [service, state] of this.#waiting) this.#taken.set(service, state);
    this.#waiting = new Map();
  }

  #recognize(state: ServiceState, programs: readonly FamilyProgram[]): void {
    const isNewest = this.#waiting.get(state.service) === state;
    if (!isNewest || !programs.every(({ desired }) => desired.recognize(state))) return;
    this.#waiting.delete(state.service);
    this.#taken.set(state.service, state);
  }
}
