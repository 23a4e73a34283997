import type { Listening } from '../netlink/listening.ts';

const NLMSG_OVERRUN = 4;

/** A subscription: what was told and not received yet, up to the size of its buffer. */
export class FakeListening implements Listening {
  readonly #limitBytes: number;
  readonly #onStop: (listening: FakeListening) => void;
  #waiting: Uint8Array[] = [];
  #waitingBytes = 0;
  #hasGap = false;
  #reader: ((batch: Uint8Array | undefined) => void) | undefined;
  #isStopped = false;

  constructor(limitBytes: number, onStop: (listening: FakeListening) => void) {
    this.#limitBytes = limitBytes;
    this.#onStop = onStop;
  }

  /** A message that the kernel sends to the group. What does not fit is lost, and a gap says so. */
  tell(message: Uint8Array): void {
    if (this.#waitingBytes + message.length > this.#limitBytes) {
      if (!this.#hasGap) this.#waiting.push(overrun());
      this.#hasGap = true;
    } else {
      this.#waiting.push(message);
      this.#waitingBytes += message.length;
    }
  }

  /** Hands over what was told: a transaction is told as a whole. */
  flush(): void {
    const reader = this.#reader;
    if (reader === undefined || this.#waiting.length === 0) return;
    this.#reader = undefined;
    reader(this.#take());
  }

  async receive(): Promise<Uint8Array | undefined> {
    if (this.#reader !== undefined) throw new Error('somebody waits for this listener');
    if (this.#isStopped) return undefined;
    if (this.#waiting.length > 0) return this.#take();
    return new Promise((resolve) => {
      this.#reader = resolve;
    });
  }

  async stop(): Promise<void> {
    if (this.#isStopped) return;
    this.#isStopped = true;
    this.#onStop(this);
    this.#reader?.(undefined);
    this.#reader = undefined;
  }

  #take(): Uint8Array {
    const batch = Buffer.concat(this.#waiting);
    this.#waiting = [];
    this.#waitingBytes = 0;
    this.#hasGap = false;
    return batch;
  }
}

/** docs/packed-format.md, "Listening". */
function overrun(): Uint8Array {
  const message = Buffer.alloc(20);
  message.writeUInt32LE(20, 0);
  message.writeUInt16LE(NLMSG_OVERRUN, 4);
  return message;
}
