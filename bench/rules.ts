import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { accept, chain, counter, eq, ip, Nftables, rule, table, tcp } from 'nftlink';
import type { Host, Lab } from '../lab/lab.ts';
import { floor } from './floor.ts';
import { googleNftables } from './peers.ts';
import { RecordingTransport } from './recorder.ts';
import { line, median, ratio } from './statistics.ts';

const RULES = 100;
const ROUNDS = 30;
const WARM_UP = 30;

const owner = table('ip', 'bench');
const target = chain(owner, 'rules');

/** A transaction of rules of the form `ip saddr X tcp dport Y counter accept`, from values in memory to the commit. */
export async function benchRules(lab: Lab, host: Host, folder: string): Promise<void> {
  const transport = new RecordingTransport({ path: host.netnsPath });
  const nft = new Nftables(transport);
  const prepare = () => nft.transaction().add(owner).delete(owner).add(owner).add(target).commit();
  const file = join(folder, 'rules');
  const script = join(folder, 'rules.nft');
  writeFileSync(
    script,
    Array.from({ length: RULES }, (_, i) => `add rule ip bench rules ${text(i)}\n`).join(''),
  );

  const add = () => {
    const transaction = nft.transaction();
    for (let i = 0; i < RULES; i++) {
      transaction.add(rule(target, [eq(ip.saddr, address(i)), eq(tcp.dport, 1 + i), counter, accept]));
    }
    return transaction.commit();
  };
  // The first rounds are the compiler's.
  for (let round = 0; round < WARM_UP; round++) {
    await prepare();
    await add();
  }

  const ours: number[] = [];
  const bare: number[] = [];
  const spawned: number[] = [];
  const google: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    transport.isRecording = round === 0;
    transport.isTimed = false;
    await prepare();
    transport.isTimed = true;
    const start = performance.now();
    await add();
    ours.push(performance.now() - start);
    if (round === 0) transport.save(file);
    bare.push(...floor(lab, host, file).map((ns) => ns / 1e6));
    await prepare();
    const spawn = performance.now();
    execFileSync('nsenter', [`--net=${host.netnsPath}`, 'nft', '-f', script]);
    spawned.push(performance.now() - spawn);
    await nft.transaction().delete(owner).commit();
    google.push(googleNftables(lab, host, 'rules', RULES));
  }
  await nft.transaction().delete(owner).commit();
  await nft.close();
  process.stdout.write(`\n${RULES} rules in one transaction\n`);
  line('bare C, the same bytes (floor)', median(bare));
  line('await commit()', median(ours), `${ratio(median(ours), median(bare))} × floor`);
  line('google/nftables (Go)', median(google), `${ratio(median(google), median(ours))} × ours`);
  line('nft -f, started for it', median(spawned), `${ratio(median(spawned), median(ours))} × ours`);
}

function address(i: number): string {
  return `10.0.${i >> 8}.${i & 255}`;
}

function text(i: number): string {
  return `ip saddr ${address(i)} tcp dport ${1 + i} counter accept`;
}
