// Not the global one, which tests replace.
import { setImmediate } from 'node:timers';

/**
 * A turn of the event loop in which there were commits. Node settles the promises of commits that complete meanwhile one after another,
 * up to a thousand, before it turns to anything else: a loop that awaits quick commits would keep timers and sockets waiting.
 */
export interface Turn {
  /** It has lasted long enough: nothing else should be settled in it. */
  readonly isOld: boolean;
  /** Resolves in the next one. */
  readonly next: Promise<void>;
}

const LONGEST_MS = 5;

let current: { readonly startedMs: number; readonly next: Promise<void> } | undefined;

/** The turn that there is, as old as its first commit. */
export function thisTurn(): Turn {
  if (current !== undefined) {
    return { isOld: performance.now() - current.startedMs >= LONGEST_MS, next: current.next };
  }
  const next = new Promise<void>((resolve) => {
    setImmediate(() => {
      current = undefined;
      resolve();
    });
  });
  current = { startedMs: performance.now(), next };
  return { isOld: false, next };
}
