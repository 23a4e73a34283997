import type { NativeBinding, NativeOpenError, NativeOutcome, NativeSocket } from '../native/contract.ts';
import { loadNative } from '../native/load.ts';
import { type NetworkNamespace, namespacePath, OpenError } from './open-error.ts';
import type { Transport } from './transport.ts';

/** A netlink socket of the addon. Opened once and kept: closing one after a deletion waits for the kernel's grace period. */
export class NativeTransport implements Transport {
  readonly #native: NativeBinding;
  readonly #socket: NativeSocket;

  /** Throws AddonLoadError or {@link OpenError}. */
  constructor(namespace?: NetworkNamespace) {
    this.#native = loadNative();
    this.#socket = open(this.#native, namespace);
  }

  transact(packed: Uint8Array): Promise<NativeOutcome> {
    return this.#native.transact(this.#socket, packed);
  }

  transactSync(packed: Uint8Array): NativeOutcome {
    return this.#native.transactSync(this.#socket, packed);
  }

  request(message: number, flags: number, family: number, attributes: Uint8Array): Promise<Uint8Array> {
    return this.#native.request(this.#socket, message, flags, family, attributes);
  }

  close(): Promise<void> {
    return this.#native.close(this.#socket);
  }
}

function open(native: NativeBinding, namespace: NetworkNamespace | undefined): NativeSocket {
  try {
    return native.open(namespace === undefined ? '' : namespacePath(namespace));
  } catch (error) {
    if (error instanceof Error && 'step' in error) throw new OpenError(error as NativeOpenError, namespace);
    throw error;
  }
}
