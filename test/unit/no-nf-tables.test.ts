import { constants } from 'node:os';
import { expect, test } from 'vitest';
import { Nftables, OpenError, table } from '../../src/index.ts';
import { fakeTransport } from './fake-transport.ts';

/** Kernels without nf_tables, which no test machine has: their answers, given by hand. */

const NONE = 0xffffffff;

test('a transaction is refused as a whole, and the message says what the kernel lacks', async () => {
  // nfnetlink_rcv_batch: the begin of the batch is answered by EOPNOTSUPP.
  const words = [1, 0, 0, 1, 0, 0, 0, 0, NONE, constants.errno.EOPNOTSUPP, NONE, 0, 0];
  const outcome = new Uint8Array(Uint32Array.from(words).buffer);
  const nft = new Nftables({ ...fakeTransport().transport, transact: async () => outcome });
  const commit = nft.transaction().add(table('ip', 't')).commit();
  await expect(commit).rejects.toMatchObject({
    name: 'TransactionError',
    outcome: 'aborted',
    code: 'EOPNOTSUPP',
  });
  await expect(commit).rejects.toThrow(
    'the transaction: EOPNOTSUPP, this kernel has no nf_tables (CONFIG_NF_TABLES)',
  );
});

test('without nfnetlink no socket can be opened', () => {
  const errno = constants.errno.EPROTONOSUPPORT;
  const error = new OpenError(
    Object.assign(new Error('socket'), { errno, step: 'socket' as const }),
    undefined,
  );
  expect(error).toMatchObject({ code: 'EPROTONOSUPPORT', step: 'socket' });
  expect(error.message).toContain('this kernel has no nfnetlink (CONFIG_NETFILTER_NETLINK)');
});
