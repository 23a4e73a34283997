import type { NativeOutcome } from '../native/contract.ts';
import type { Listening } from './listening.ts';

/**
 * The seam below a transaction: the native socket, or a fake kernel in tests. Buffers are those of
 * docs/packed-format.md.
 */
export interface Transport {
  transact(packed: Uint8Array): Promise<NativeOutcome>;
  transactSync(packed: Uint8Array): NativeOutcome;
  request(message: number, flags: number, family: number, attributes: Uint8Array): Promise<Uint8Array>;
  /** Subscribes to multicast groups (bit n - 1 is group n); a transport without it has no events. */
  listen?(groups: number, options: ListenOptions): Listening;
  close(): Promise<void>;
}

/** How events are waited for. */
export interface ListenOptions {
  /** Ends the iteration: what waits for the next event gets `done`. */
  readonly signal?: AbortSignal;
  /** Whether waiting for an event keeps the process alive. Default: true. */
  readonly keepAlive?: boolean;
  /**
   * The kernel's buffer for events that were not read yet; what does not fit is lost, and a gap says so. Without CAP_NET_ADMIN
   * in the first user namespace it is at most net.core.rmem_max. Default: 8 MiB.
   */
  readonly receiveBufferBytes?: number;
}
