import type { DesiredState } from '../layout/desired-state.ts';
import { DISPATCH_MAPS, type DispatchMap } from '../layout/set-names.ts';
import type { Programmed } from './programmed.ts';

/**
 * The classes and chains that the kernel has and nothing needs any more. Kept up to date with what a transaction touched: asking
 * after each of thousands of chains would cost every change.
 */
export class Unused {
  readonly classes: Readonly<Record<DispatchMap, Set<number>>> = {
    dispatch: new Set(),
    dispatchLocal: new Set(),
  };
  readonly chains = new Set<string>();

  get isEmpty(): boolean {
    return this.chains.size === 0 && DISPATCH_MAPS.every((map) => this.classes[map].size === 0);
  }

  /** Looks at what is there and at what is wanted of these classes and chains again. */
  review(
    desired: DesiredState,
    programmed: Programmed,
    classes: Iterable<number>,
    chains: Iterable<string>,
  ): void {
    for (const number of classes) {
      for (const map of DISPATCH_MAPS) {
        const isUnused = programmed.dispatch[map].has(number) && !desired.classes.isUsed(number, map);
        if (isUnused) this.classes[map].add(number);
        else this.classes[map].delete(number);
      }
    }
    for (const name of chains) {
      if (programmed.chains.has(name) && !desired.needsChain(name)) this.chains.add(name);
      else this.chains.delete(name);
    }
  }
}
