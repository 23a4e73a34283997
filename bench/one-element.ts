import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { ipv4Addr, Nftables, set, table } from 'nftlink';
import type { Host, Lab } from '../lab/lab.ts';
import { floor } from './floor.ts';
import { RecordingTransport } from './recorder.ts';
import { line, median, ratio } from './statistics.ts';

const SYNC_ROUNDS = 20_000;
const ASYNC_ROUNDS = 5_000;
const SPAWN_ROUNDS = 60;
const WARM_UP = 2_000;

const filter = table('ip', 'bench');
const blocked = set(filter, 'blocked', { key: ipv4Addr, size: 65_536 });

/** A commit that adds or deletes one element: from `transaction()` to its end. */
export async function benchOneElement(lab: Lab, host: Host, folder: string): Promise<void> {
  const transport = new RecordingTransport({ path: host.netnsPath });
  const nft = new Nftables(transport);
  const addresses = Array.from({ length: 1000 }, (_, i) => `10.1.${i >> 8}.${i & 255}`);
  const prepare = () =>
    nft.transaction().add(filter).delete(filter).add(filter).add(blocked).addElements(blocked, addresses);

  transport.isRecording = true;
  await prepare().commit();
  transport.isTimed = true;
  for (let i = 0; i < SYNC_ROUNDS; i++) commitOne(nft, i).commitSync();
  const file = join(folder, 'one-element');
  transport.save(file);
  transport.isRecording = false;
  const bare = median(floor(lab, host, file)) / 1e6;

  await prepare().commit();
  const sync: number[] = [];
  for (let i = 0; i < SYNC_ROUNDS + WARM_UP; i++) {
    const start = performance.now();
    commitOne(nft, i).commitSync();
    if (i >= WARM_UP) sync.push(performance.now() - start);
  }
  const inFlight: number[] = [];
  for (let i = 0; i < ASYNC_ROUNDS + WARM_UP; i++) {
    const start = performance.now();
    await commitOne(nft, i).commit();
    if (i >= WARM_UP) inFlight.push(performance.now() - start);
  }
  const spawned: number[] = [];
  for (let i = 0; i < SPAWN_ROUNDS; i++) {
    const verb = i % 2 === 0 ? 'add' : 'delete';
    const start = performance.now();
    execFileSync('nsenter', [
      `--net=${host.netnsPath}`,
      'nft',
      verb,
      'element',
      'ip',
      'bench',
      'blocked',
      '{ 10.9.9.9 }',
    ]);
    spawned.push(performance.now() - start);
  }
  await nft.transaction().delete(filter).commit();
  await nft.close();

  process.stdout.write('\nOne element, added or deleted\n');
  line('bare C, the same bytes (floor)', bare);
  line('commitSync()', median(sync), `${ratio(median(sync), bare)} × floor`);
  line('await commit()', median(inFlight), `${ratio(median(inFlight), bare)} × floor`);
  const times = (ours: number) => `${ratio(median(spawned), ours)} × `;
  line(
    'nft, started for it',
    median(spawned),
    `${times(median(sync))}commitSync(), ${times(median(inFlight))}await commit()`,
  );
}

function commitOne(nft: Nftables, round: number) {
  const transaction = nft.transaction();
  return round % 2 === 0
    ? transaction.addElements(blocked, ['10.9.9.9'])
    : transaction.deleteElements(blocked, ['10.9.9.9']);
}
