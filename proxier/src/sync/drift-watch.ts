import type { EventStream, Nftables, TableChanges } from 'nftlink';

/** What is heard of others' and our own transactions. */
export interface DriftListener {
  /** A transaction made this generation of the ruleset; whether it changed a table of ours. */
  heard(generation: number, isOurTable: boolean): void;
  /** The kernel had to drop events. */
  lost(): void;
  /** Listening has failed, and is tried again with the next `resume`. */
  failed(error: Error): void;
}

/**
 * Listens to who changes which tables. It stays open between our own changes: closing such a socket waits for a grace period of the
 * kernel after each deletion (docs/decisions/0010-noticing-changes-by-others.md).
 */
export class DriftWatch {
  readonly #nft: Nftables;
  readonly #table: string;
  readonly #listener: DriftListener;
  #stream: EventStream<TableChanges> | undefined;

  constructor(nft: Nftables, table: string, listener: DriftListener) {
    this.#nft = nft;
    this.#table = table;
    this.#listener = listener;
  }

  get isListening(): boolean {
    return this.#stream !== undefined;
  }

  /** Begins to listen. What was changed before is not told. */
  resume(): void {
    if (this.#stream !== undefined) return;
    try {
      const stream = this.#nft.tableChanges({ receiveBufferBytes: BUFFER_BYTES });
      this.#stream = stream;
      void this.#listen(stream);
    } catch (error) {
      this.#listener.failed(error instanceof Error ? error : new Error(String(error)));
    }
  }

  /** Stops listening. Resolves when the kernel has no listener any more. */
  async pause(): Promise<void> {
    const stream = this.#stream;
    this.#stream = undefined;
    await stream?.close();
  }

  async #listen(stream: EventStream<TableChanges>): Promise<void> {
    try {
      for await (const { generation, tables } of stream) {
        if (this.#stream !== stream) return;
        if (generation === undefined) this.#listener.lost();
        else
          this.#listener.heard(
            generation,
            tables.some(({ name }) => name === this.#table),
          );
      }
    } catch (error) {
      if (this.#stream !== stream) return;
      this.#stream = undefined;
      this.#listener.failed(error instanceof Error ? error : new Error(String(error)));
    }
  }
}

/** Takes several of the largest transactions of ours that are listened to. */
const BUFFER_BYTES = 1024 * 1024;
