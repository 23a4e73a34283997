import { closeSync, openSync, readSync } from 'node:fs';

/**
 * Measures for how long the event loop was not reached: the longest gap between two of its turns. Time in which this thread
 * was ready and other programs had the CPUs is not the loop's and does not count; the scheduler keeps it apart (schedstat).
 */
export class StallMeter {
  readonly #schedstat = openSync(`/proc/self/task/${process.pid}/schedstat`, 'r');
  readonly #buffer = Buffer.alloc(64);
  #last = performance.now();
  #lastWaited = this.#waitedMs();
  #longest = 0;
  #running = true;

  constructor() {
    const turn = () => {
      this.#look();
      if (this.#running) setImmediate(turn);
      else closeSync(this.#schedstat);
    };
    setImmediate(turn);
  }

  /** The longest gap in milliseconds; ends the measurement. */
  stop(): number {
    this.#look();
    this.#running = false;
    return this.#longest;
  }

  #look(): void {
    const [now, waited] = [performance.now(), this.#waitedMs()];
    this.#longest = Math.max(this.#longest, now - this.#last - (waited - this.#lastWaited));
    [this.#last, this.#lastWaited] = [now, waited];
  }

  /** How long this thread has waited for a CPU since it began: the second number of its schedstat, in ns. */
  #waitedMs(): number {
    const length = readSync(this.#schedstat, this.#buffer, 0, this.#buffer.length, 0);
    return Number(this.#buffer.toString('latin1', 0, length).split(' ')[1]) / 1e6;
  }
}
