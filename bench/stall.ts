/** Measures for how long the event loop was not reached: the longest gap between two of its turns. */
export class StallMeter {
  #last = performance.now();
  #longest = 0;
  #running = true;

  constructor() {
    const turn = () => {
      this.#look();
      if (this.#running) setImmediate(turn);
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
    const now = performance.now();
    this.#longest = Math.max(this.#longest, now - this.#last);
    this.#last = now;
  }
}
