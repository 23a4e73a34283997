/**
 * The addon's typed contract. `docs/packed-format.md` describes the buffers.
 */

/** The version of the packed format that this library writes; the addon exports the one it reads. */
export const PACKED_FORMAT_VERSION = 1;

/** An open netlink socket inside the addon. Opaque, and tagged so that nothing else is taken for one. */
export interface NativeSocket {
  readonly __nativeSocket: unique symbol;
}

/** A socket subscribed to multicast groups, with a thread that reads it. Opaque, like {@link NativeSocket}. */
export interface NativeListener {
  readonly __nativeListener: unique symbol;
}

/** What the addon throws when a socket cannot be opened: `step` says how far it came. */
export interface NativeOpenError extends Error {
  readonly errno: number;
  readonly step: 'open-netns' | 'setns' | 'socket' | 'bind' | 'subscribe' | 'thread';
}

/** Nanoseconds inside `sendmsg` when the kernel committed; otherwise a packed outcome. @inline */
export type NativeOutcome = number | Uint8Array;

export interface NativeBinding {
  /** Version of the packed format, see {@link PACKED_FORMAT_VERSION}. */
  readonly abi: number;
  /** Versions that the addon was built with, for error reports. */
  readonly libnftnlVersion: string;

  /** Opens a netfilter socket, in the network namespace at `netnsPath` (`''`: this one). Throws {@link NativeOpenError}. */
  open(netnsPath: string): NativeSocket;

  /**
   * Sends a packed transaction on the socket's worker thread. The caller hands `packed` over until the promise settles. `looksOut`: this
   * thread may look for its completion for some microseconds before it goes on.
   */
  transact(socket: NativeSocket, packed: Uint8Array, looksOut?: boolean): Promise<NativeOutcome>;

  /** The same on the calling thread. Throws when a request is pending on this socket. */
  transactSync(socket: NativeSocket, packed: Uint8Array): NativeOutcome;

  /** Sends one request on the worker thread and collects its replies. `subsystem` is NFNL_SUBSYS_*; default: nftables. */
  request(
    socket: NativeSocket,
    message: number,
    flags: number,
    family: number,
    attributes: Uint8Array,
    subsystem?: number,
  ): Promise<Uint8Array>;

  /** Sends whole netlink messages that are no transaction on the worker thread; the answer has a result for each. */
  send(socket: NativeSocket, messages: Uint8Array): Promise<Uint8Array>;

  /**
   * Subscribes a netfilter socket to multicast groups (bit n - 1 is group n) and starts reading. Throws
   * {@link NativeOpenError}.
   */
  listen(netnsPath: string, groups: number, receiveBufferBytes: number): NativeListener;

  /**
   * What has arrived since the last call, or arrives next; undefined once the listener is stopped. Rejects when somebody
   * waits already. While the promise is pending the process stays alive if `keepAlive` says so.
   */
  receive(listener: NativeListener, keepAlive: boolean): Promise<Uint8Array | undefined>;

  /** Ends a pending `receive`, then closes; resolves when the descriptor is gone. Stopping twice is stopping once. */
  stopListening(listener: NativeListener): Promise<void>;

  /** The netlink bytes that `transact` would send, sequence numbers counted from 1. Needs no socket and no privilege. */
  encode(packed: Uint8Array): Uint8Array;

  /** Lets pending requests settle, then closes; resolves when the descriptor is gone. Closing twice is closing once. */
  close(socket: NativeSocket): Promise<void>;
}
