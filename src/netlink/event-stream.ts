import type { Listening } from './listening.ts';

/**
 * Events as `for await` takes them. It ends when the loop is left, by `close()`, `await using` or the AbortSignal, also while
 * somebody waits for the next event; and with an error when the socket fails.
 */
export class EventStream<T> implements AsyncIterableIterator<T>, AsyncDisposable {
  readonly #listening: Listening;
  readonly #events: AsyncGenerator<T>;
  readonly #signal: AbortSignal | undefined;
  readonly #onAbort = () => void this.close();
  /** Resolves when the iteration has ended and the socket is closed. */
  readonly closed: Promise<void>;
  #resolveClosed: (end: Promise<void>) => void = () => undefined;
  #closing = false;

  /** `events` reads what `listening` receives, and ends when that is stopped. */
  constructor(listening: Listening, events: AsyncGenerator<T>, signal?: AbortSignal) {
    this.#listening = listening;
    this.#events = events;
    this.#signal = signal;
    this.closed = new Promise((resolve) => {
      this.#resolveClosed = resolve;
    });
    if (signal?.aborted === true) this.#onAbort();
    else signal?.addEventListener('abort', this.#onAbort, { once: true });
  }

  /** The next event. Several calls may wait; they are answered in order. */
  async next(): Promise<IteratorResult<T, undefined>> {
    if (this.#closing) return DONE;
    try {
      const result = await this.#events.next();
      if (result.done !== true) return result;
    } catch (error) {
      await this.close();
      throw error;
    }
    await this.close();
    return DONE;
  }

  /** Called by `for await` when the loop is left. */
  async return(): Promise<IteratorResult<T, undefined>> {
    await this.close();
    return DONE;
  }

  /** Ends the iteration; resolves when the socket is closed. Closing twice is closing once. */
  close(): Promise<void> {
    if (!this.#closing) {
      this.#closing = true;
      this.#signal?.removeEventListener('abort', this.#onAbort);
      this.#resolveClosed(this.#end());
    }
    return this.closed;
  }

  /** Itself: it can be iterated once. */
  [Symbol.asyncIterator](): this {
    return this;
  }

  /** The same as `close`, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #end(): Promise<void> {
    await this.#listening.stop();
    await this.#events.return(undefined);
  }
}

const DONE: IteratorReturnResult<undefined> = { done: true, value: undefined };
