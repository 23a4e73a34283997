import { NO_MANIFESTS } from '../cluster-generator/manifests.ts';
import { type Counter, compareSides, type Difference } from './compare.ts';
import { type Counterexample, simpler } from './counterexample.ts';
import type { Side } from './side.ts';

export interface Shrunk {
  readonly example: Counterexample;
  /** `undefined`: it did not show again, not even with everything as it was. */
  readonly difference: Difference | undefined;
  readonly attempts: number;
}

const MAX_ATTEMPTS = 250;

/** Leaves out of a counterexample what is not needed for the sides to differ. */
export async function shrink(
  sides: readonly [Side, Side],
  found: Counterexample,
  counter: Counter,
): Promise<Shrunk> {
  let example = found;
  let difference = await differenceIn(sides, example, counter);
  let attempts = 1;
  if (difference === undefined) return { example, difference, attempts };
  for (let isSimpler = true; isSimpler && attempts < MAX_ATTEMPTS; ) {
    isSimpler = false;
    for (const candidate of simpler(example)) {
      if (++attempts > MAX_ATTEMPTS) break;
      const still = await differenceIn(sides, candidate, counter);
      if (still === undefined) continue;
      [example, difference, isSimpler] = [candidate, still, true];
      break;
    }
  }
  return { example, difference, attempts };
}

/** Plays the steps from an empty cluster on, then tries the packet. */
async function differenceIn(
  sides: readonly [Side, Side],
  { node, steps, packet }: Counterexample,
  counter: Counter,
): Promise<Difference | undefined> {
  const [ours, reference] = sides;
  const empty = { cluster: NO_MANIFESTS, zone: undefined };
  await Promise.all([ours.start(node, empty), reference.start(node, empty)]);
  for (const { state, restart } of steps) {
    await Promise.all([restart ? ours.start(node, state) : ours.change(state), reference.change(state)]);
  }
  const [difference] = await compareSides(sides, [packet], counter);
  return difference;
}
