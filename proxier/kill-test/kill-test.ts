import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Nftables } from 'nftlink';
import { type Random, seeded } from '../cluster-generator/random.ts';
import { Pictures } from '../random-walk/pictures.ts';
import { pictureDifference } from '../random-walk/table-picture.ts';
import { type ClientReport, KillTestNetwork } from './network.ts';
import { crowd, NODE_IP, objectsOf, SERVICES } from './objects.ts';

export interface KillTestResult {
  readonly kills: number;
  readonly clients: readonly ClientReport[];
  /** How the last process left the tables, against a build from nothing; empty: alike. */
  readonly differences: readonly string[];
}

const MAIN = fileURLToPath(new URL('../dist/main.js', import.meta.url));
/** A process is killed at any moment from its start to some time after it has programmed everything. */
const LONGEST_LIFE_MS = 1_200;
const CHANGE_EVERY_MS = 15;

/** Kills and starts nft-proxier again and again while clients open connections and endpoints come and go. */
export async function killTest(seed: number, kills: number): Promise<KillTestResult> {
  const random = seeded(seed);
  const network = new KillTestNetwork();
  const manifests = mkdtempSync(join(tmpdir(), 'nftlink-kill-'));
  try {
    await network.open();
    write(manifests, 'crowd', crowd());
    for (const name of Object.keys(SERVICES)) write(manifests, name, objectsOf(random, name));
    await settle(manifests, network.node.netnsPath);
    await network.startClients();
    for (let kill = 0; kill < kills; kill++) await liveAndDie(random, manifests, network.node.netnsPath);
    await settle(manifests, network.node.netnsPath);
    const clients = await network.endClients();
    return { kills, clients, differences: await differences(network, manifests) };
  } finally {
    await network.lab.close();
    rmSync(manifests, { recursive: true, force: true });
  }
}

/** One process: it starts, Services change under it, it is killed. */
async function liveAndDie(random: Random, manifests: string, netnsPath: string): Promise<void> {
  const child = start(manifests, netnsPath);
  const exited = once(child, 'exit');
  const endMs = performance.now() + random.below(LONGEST_LIFE_MS);
  while (performance.now() < endMs) {
    const name = random.pick(Object.keys(SERVICES));
    write(manifests, name, objectsOf(random, name));
    await sleep(random.below(2 * CHANGE_EVERY_MS));
  }
  child.kill('SIGKILL');
  const [status] = await exited;
  if (status !== null) throw new Error(`nft-proxier ended by itself with status ${status}`);
}

/** Runs it to its end. */
async function settle(manifests: string, netnsPath: string): Promise<void> {
  const child = start(manifests, netnsPath, '--once');
  let log = '';
  child.stderr?.on('data', (chunk) => {
    log += String(chunk);
  });
  const [status] = await once(child, 'close');
  if (status !== 0) throw new Error(`nft-proxier ended with status ${status}:\n${log}`);
}

function start(manifests: string, netnsPath: string, ...more: readonly string[]): ChildProcess {
  const options = ['--netns', netnsPath, '--node-name', 'here', '--node-ip', NODE_IP];
  const args = [MAIN, 'run', '--manifests', manifests, ...options, ...more];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  child.stderr?.resume();
  return child;
}

/** As a whole, as editors do. */
function write(folder: string, file: string, objects: readonly object[]): void {
  const path = join(folder, `${file}.json`);
  writeFileSync(`${path}.new~`, JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects }));
  renameSync(`${path}.new~`, path);
}

/** Compares what is there with what a process makes in a namespace without tables. */
async function differences(network: KillTestNetwork, manifests: string): Promise<readonly string[]> {
  const fresh = network.lab.host('fresh');
  await settle(manifests, fresh.netnsPath);
  const pictures = [];
  for (const { netnsPath } of [network.node, fresh]) {
    await using nft = Nftables.open({ netns: { path: netnsPath } });
    pictures.push(await new Pictures(nft).take());
  }
  const [left = [], right = []] = pictures;
  return pictureDifference(left, right);
}
