// Makes a commit and reads it back, on the main thread and on another: for scripts/node-matrix.sh, in a network namespace of its own.
import assert from 'node:assert/strict';
import { isMainThread, Worker } from 'node:worker_threads';
import { ipv4Addr, Nftables, set, table } from '../dist/index.js';

const t = table('inet', isMainThread ? 'main' : 'worker');
const s = set(t, 'addresses', { key: ipv4Addr });
const nft = Nftables.open();
await nft.transaction().add(t).add(s).addElements(s, ['10.0.0.1']).commit();
const elements = await nft.listElements(s);
assert.deepEqual(
  elements.map(({ key }) => key),
  ['10.0.0.1'],
);
await nft.transaction().delete(t).commit();
await nft.close();

if (isMainThread) {
  const worker = new Worker(new URL(import.meta.url));
  const code = await new Promise((resolve) => worker.once('exit', resolve));
  assert.equal(code, 0);
  console.log(`Node.js ${process.version}: loads the addon, commits and lists, in a worker too`);
}
