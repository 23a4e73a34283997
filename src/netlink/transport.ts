import type { NativeOutcome } from '../native/contract.ts';

/**
 * The seam below a transaction: the native socket, or a fake kernel in tests. Buffers are those of
 * docs/packed-format.md.
 */
export interface Transport {
  transact(packed: Uint8Array): Promise<NativeOutcome>;
  transactSync(packed: Uint8Array): NativeOutcome;
  request(message: number, flags: number, family: number, attributes: Uint8Array): Promise<Uint8Array>;
  close(): Promise<void>;
}
