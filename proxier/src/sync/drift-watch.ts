import type { EventStream, Nftables, TableChanges } from 'nftlink';

/**
 * Tells when somebody else changes our tables. It listens only while we change nothing ourselves: with a listener the kernel takes
 * three times as long for a big transaction, since it describes every element to it. What happens meanwhile shows in the
 * ruleset's generation, which counts commits.
 */
export class DriftWatch {
  readonly #nft: Nftables;
  readonly #table: string;
  readonly #onDrift: () => void;
  readonly #onFailure: (error: Error) => void;
  #stream: EventStream<TableChanges> | undefined;

  /** `onFailure`: listening has failed, and is tried again with the next `resume`. */
  constructor(nft: Nftables, table: string, onDrift: () => void, onFailure: (error: Error) => void) {
    this.#nft = nft;
    this.#table = table;
    this.#onDrift = onDrift;
    this.#onFailure = onFailure;
  }

  /** Begins to listen. What was changed before is not told. */
  resume(): void {
    if (this.#stream !== undefined) return;
    try {
      // What events say is not needed: a small buffer that overflows says as much.
      const stream = this.#nft.tableChanges({ receiveBufferBytes: BUFFER_BYTES });
      this.#stream = stream;
      void this.#listen(stream);
    } catch (error) {
      this.#onFailure(error instanceof Error ? error : new Error(String(error)));
    }
  }

  /** Stops listening: changes of our own follow. Resolves when the kernel has no listener any more. */
  async pause(): Promise<void> {
    const stream = this.#stream;
    this.#stream = undefined;
    await stream?.close();
  }

  async #listen(stream: EventStream<TableChanges>): Promise<void> {
    try {
      for await (const { tables, complete } of stream) {
        if (this.#stream !== stream) return;
        if (!complete || tables.some(({ name }) => name === this.#table)) this.#onDrift();
      }
    } catch (error) {
      if (this.#stream !== stream) return;
      this.#stream = undefined;
      this.#onFailure(error instanceof Error ? error : new Error(String(error)));
    }
  }
}

const BUFFER_BYTES = 64 * 1024;
