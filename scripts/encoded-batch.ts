import { Nftables, type Transaction, type Transport } from '../src/index.ts';
import { loadNative } from '../src/native/load.ts';

/** The netlink messages that a transaction would send: nothing is sent. */
export async function encodedBatch(fill: (transaction: Transaction) => unknown): Promise<Buffer> {
  let packed: Uint8Array | undefined;
  const transport: Transport = {
    transact: async (bytes) => {
      packed = bytes;
      return 1;
    },
    transactSync: () => 1,
    request: async () => new Uint8Array(8),
    close: async () => undefined,
  };
  const transaction = new Nftables(transport).transaction();
  fill(transaction);
  await transaction.commit();
  if (packed === undefined) throw new Error('nothing was sent');
  return Buffer.from(loadNative().encode(packed));
}
