import type { NativeOutcome } from '../native/contract.ts';
import type { Listening } from './listening.ts';

/**
 * The seam below a transaction: the native socket, or a fake kernel in tests. Buffers are those of
 * docs/packed-format.md.
 */
export interface Transport {
  /** Sends a packed transaction without waiting; gives nanoseconds in the kernel, or a packed outcome. */
  transact(packed: Uint8Array): Promise<NativeOutcome>;
  /** The same, waiting. Throws PendingError while something asynchronous is under way. */
  transactSync(packed: Uint8Array): NativeOutcome;
  /** Asks one question (NFT_MSG_*, NLM_F_*, NFPROTO_*, attributes as on the wire) and gives the packed answer. */
  request(message: number, flags: number, family: number, attributes: Uint8Array): Promise<Uint8Array>;
  /** Subscribes to multicast groups (bit n - 1 is group n); a transport without it has no events. */
  listen?(groups: number, options: ListenOptions): Listening;
  /** Lets what is under way settle, then closes. Closing twice is closing once. */
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
