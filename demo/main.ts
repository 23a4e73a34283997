import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { type Host, Lab } from '../lab/lab.ts';
import { lineOf } from '../lab/lines.ts';
import { writeEndpoints, writeService } from './manifests.ts';
import { Spread } from './spread.ts';

/**
 * A client, a node and four backends in network namespaces; nft-proxier on a folder of manifests; real HTTP requests through
 * the Service's cluster IP while its endpoints come and go. Ends with status 1 if a single request failed.
 */
const PHASE_MS = Number(process.env['NFTLINK_DEMO_PHASE_MS'] ?? 3000);
const SERVERS = ['b1', 'b2', 'b3', 'b4'];
const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));
const TSX = ['--import', 'tsx'];

const lab = new Lab('nftlink-demo');
const folder = mkdtempSync(join(tmpdir(), 'nftlink-demo-'));

process.once('exit', () => {
  lab.closeSync();
  rmSync(folder, { recursive: true, force: true });
});
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.once(signal, () => {
    process.stdout.write('\ninterrupted; cleaning up\n');
    process.exit(130);
  });
}

function say(text: string): void {
  process.stdout.write(`\n\x1b[1m${text}\x1b[0m\n`);
}

const addressOf = (server: string) => `10.244.${server.slice(1)}.2`;

async function startBackend(node: Host, server: string): Promise<void> {
  const host = lab.host(server);
  const subnet = `10.244.${server.slice(1)}`;
  lab.connect(host, node, { host: `${subnet}.2/24`, router: `${subnet}.1/24` });
  await lineOf(lab.start(host, 'node', ...TSX, path('../lab/http-server.ts'), server, '8080'), /listening/);
}

/** Starts the proxier and gives the cluster IP that it tells of. */
async function startProxier(node: Host): Promise<string> {
  const proxier = lab.track(
    spawn(
      process.execPath,
      [
        path('../proxier/dist/main.js'),
        'run',
        '--manifests',
        folder,
        '--netns',
        node.netnsPath,
        '--cluster-cidr',
        '10.244.0.0/16',
      ],
      { stdio: ['ignore', 'ignore', 'pipe'] },
    ),
  );
  const log = proxier.stderr;
  if (log === null) throw new Error('the proxier has no standard error');
  return new Promise((resolve, reject) => {
    let printed = '';
    log.setEncoding('utf8').on('data', (chunk: string) => {
      printed += chunk;
      for (const line of isHurried ? [] : chunk.trimEnd().split('\n')) {
        spread?.endLine();
        process.stdout.write(`  nft-proxier  ${line}\n`);
      }
      const address = /it (?:gets|keeps) (\S+)/.exec(printed)?.[1];
      if (address !== undefined && printed.includes('programmed')) resolve(address);
    });
    proxier.once('exit', (code) => reject(new Error(`nft-proxier ended with status ${code}:\n${printed}`)));
  });
}

let spread: Spread | undefined;
/** While changes come too fast to be read, the proxier's log is not shown. */
let isHurried = false;

say('A node with four backends (b1 to b4) and a client, each in a network namespace of its own');
const node = lab.host('node', { 'net.ipv4.ip_forward': 1 });
await Promise.all(SERVERS.map((server) => startBackend(node, server)));
const client = lab.host('client');
lab.connect(client, node, { host: '192.0.2.2/24', router: '192.0.2.1/24' });

say(`nft-proxier run --manifests ${folder} --netns ${node.netnsPath}`);
writeService(folder);
writeEndpoints(folder, ['b1', 'b2', 'b3'].map(addressOf));
const clusterIP = await startProxier(node);

say(`Requests to http://${clusterIP}/, each on a new connection, without a pause`);
const requests = lab.start(
  client,
  'node',
  ...TSX,
  path('../lab/http-client.ts'),
  `http://${clusterIP}/`,
  '8',
);
spread = new Spread(requests, SERVERS);
const phases: readonly (readonly [string, readonly string[]])[] = [
  ['b4 is added to the EndpointSlice', ['b1', 'b2', 'b3', 'b4']],
  ['b1 and b2 are taken out', ['b3', 'b4']],
  ['only b2 is left', ['b2']],
  ['all four are back', ['b1', 'b2', 'b3', 'b4']],
];
await sleep(PHASE_MS);
for (const [what, servers] of phases) {
  spread.endLine();
  say(what);
  writeEndpoints(folder, servers.map(addressOf));
  await sleep(PHASE_MS);
}
spread.endLine();
say('Endpoints change 50 times, as fast as the folder is read');
isHurried = true;
for (let i = 0; i < 50; i++) {
  writeEndpoints(folder, SERVERS.filter((_, j) => j === i % 4 || (i >> 1) % 3 !== j % 3).map(addressOf));
  await sleep(PHASE_MS / 50);
}
requests.stdin?.end();
await once(requests, 'exit');
spread.endLine();

say('What nft shows of it');
process.stdout.write(lab.run(node, 'nft', 'list', 'map', 'ip', 'kube-proxy', 'services'));
process.stdout.write(lab.run(node, 'nft', 'list', 'map', 'ip', 'kube-proxy', 'endpoints'));

const { total, failures } = spread;
say(`${total} requests, ${failures.length} failed`);
for (const failure of new Set(failures)) process.stdout.write(`  ${failure}\n`);
process.exit(failures.length === 0 && total > 0 ? 0 : 1);
