import type { Transport } from '../../src/netlink/transport.ts';

/** A transport that keeps what is sent and says that it was committed. */
export function fakeTransport(): { readonly transport: Transport; readonly sent: readonly Uint8Array[] } {
  const sent: Uint8Array[] = [];
  const transact = (packed: Uint8Array) => {
    sent.push(packed.slice());
    return 1000;
  };
  const transport: Transport = {
    transact: async (packed) => transact(packed),
    transactSync: transact,
    request: () => Promise.reject(new Error('not asked for')),
    close: () => Promise.resolve(),
  };
  return { transport, sent };
}
