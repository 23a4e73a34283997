import type { NativeBinding, NativeOutcome, NativeSocket } from '../native/contract.ts';
import { loadNative } from '../native/load.ts';
import type { Transport } from './transport.ts';

/** Which network namespace: this one, or the one at a path, of a process, or behind a descriptor. */
export type NetworkNamespace = { readonly path: string } | { readonly pid: number } | { readonly fd: number };

/** A netlink socket of the addon. Opened once and kept: closing one after a deletion waits for the kernel's grace period. */
export class NativeTransport implements Transport {
  readonly #native: NativeBinding;
  readonly #socket: NativeSocket;

  constructor(namespace?: NetworkNamespace) {
    this.#native = loadNative();
    this.#socket = this.#native.open(namespacePath(namespace));
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

function namespacePath(namespace: NetworkNamespace | undefined): string {
  if (namespace === undefined) return '';
  if ('path' in namespace) return namespace.path;
  return 'pid' in namespace ? `/proc/${namespace.pid}/ns/net` : `/proc/self/fd/${namespace.fd}`;
}
