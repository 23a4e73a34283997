import { vi } from 'vitest';

/**
 * The most work that was done between two turns of the event loop; `work` calls `count` for each piece. The clock goes on by
 * 10 ms whenever somebody looks at it, so that whoever works in slices pauses at every look, on a fast machine and on a slow one.
 */
export async function workBetweenTurns(work: (count: () => void) => Promise<unknown>): Promise<number> {
  let [now, most, done, isRunning] = [performance.now(), 0, 0, true];
  const turn = () => {
    most = Math.max(most, done);
    done = 0;
    if (isRunning) setImmediate(turn);
  };
  const clock = vi.spyOn(performance, 'now').mockImplementation(() => {
    now += 10;
    return now;
  });
  try {
    setImmediate(turn);
    await work(() => done++);
  } finally {
    isRunning = false;
    clock.mockRestore();
  }
  return Math.max(most, done);
}
