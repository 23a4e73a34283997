import type { NativeBinding, NativeOpenError, NativeOutcome, NativeSocket } from '../native/contract.ts';
import { loadNative } from '../native/load.ts';
import { type Listening, NativeListening } from './listening.ts';
import { type NetworkNamespace, namespacePath, OpenError } from './open-error.ts';
import { socketError } from './socket-error.ts';
import type { ListenOptions, Transport } from './transport.ts';
import { thisTurn } from './turn.ts';

/** NFNL_SUBSYS_* of linux/netfilter/nfnetlink.h. */
export const NFNL_SUBSYS = { ctnetlink: 1, nftables: 10 } as const;

/** A few elements or rules: the kernel takes microseconds for them, and their completion is worth looking out for. */
const SHORT_BYTES = 4096;

/** A netlink socket of the addon. Opened once and kept: closing one after a deletion waits for the kernel's grace period. */
export class NativeTransport implements Transport {
  readonly #native: NativeBinding;
  readonly #socket: NativeSocket;
  readonly #namespace: NetworkNamespace | undefined;
  readonly #subsystem: number;

  /** `subsystem` (NFNL_SUBSYS_*) is whom `request` asks. Throws AddonLoadError or {@link OpenError}. */
  constructor(namespace?: NetworkNamespace, subsystem: number = NFNL_SUBSYS.nftables) {
    this.#native = loadNative();
    this.#namespace = namespace;
    this.#subsystem = subsystem;
    this.#socket = open(namespace, (path) => this.#native.open(path));
  }

  transact(packed: Uint8Array): Promise<NativeOutcome> {
    if (packed.byteLength > SHORT_BYTES) return this.#transact(packed, false);
    const { isOld, next } = thisTurn();
    if (!isOld) return this.#transact(packed, true);
    return this.#transact(packed, false).finally(() => next);
  }

  #transact(packed: Uint8Array, looksOut: boolean): Promise<NativeOutcome> {
    return this.#native.transact(this.#socket, packed, looksOut).catch(rethrow);
  }

  transactSync(packed: Uint8Array): NativeOutcome {
    try {
      return this.#native.transactSync(this.#socket, packed);
    } catch (error) {
      return rethrow(error);
    }
  }

  request(message: number, flags: number, family: number, attributes: Uint8Array): Promise<Uint8Array> {
    return this.#native
      .request(this.#socket, message, flags, family, attributes, this.#subsystem)
      .catch(rethrow);
  }

  /** Sends whole messages, each of which succeeds or fails by itself. */
  send(messages: Uint8Array): Promise<Uint8Array> {
    return this.#native.send(this.#socket, messages).catch(rethrow);
  }

  /** Throws {@link OpenError}. */
  listen(groups: number, options: ListenOptions): Listening {
    const { keepAlive = true, receiveBufferBytes = 8 << 20 } = options;
    const listener = open(this.#namespace, (path) => this.#native.listen(path, groups, receiveBufferBytes));
    return new NativeListening(this.#native, listener, keepAlive);
  }

  close(): Promise<void> {
    return this.#native.close(this.#socket);
  }
}

function rethrow(error: unknown): never {
  throw socketError(error);
}

function open<T>(namespace: NetworkNamespace | undefined, at: (path: string) => T): T {
  try {
    return at(namespace === undefined ? '' : namespacePath(namespace));
  } catch (error) {
    if (error instanceof Error && 'step' in error) throw new OpenError(error as NativeOpenError, namespace);
    throw error;
  }
}
