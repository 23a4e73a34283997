import type { ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { type Host, Lab } from '../../lab/lab.ts';
import { lineOf } from '../../lab/lines.ts';
import { NODE_IP, SERVERS, SERVICES } from './objects.ts';

/** What one client saw. */
export interface ClientReport {
  readonly answered: number;
  /** By frontend and reason. */
  readonly failures: Readonly<Record<string, number>>;
}

const CLIENTS = 4;
const program = (name: string) => fileURLToPath(new URL(`../../lab/${name}`, import.meta.url));

/** A node with servers behind it and clients in front of it. */
export class KillTestNetwork {
  readonly lab = new Lab('nftlink-kill');
  readonly node: Host;
  readonly #clients: ChildProcess[] = [];

  constructor() {
    this.node = this.lab.host('node', { 'net.ipv4.ip_forward': 1 });
    this.lab.configure(this.node, [`addr add ${NODE_IP}/32 dev lo`]);
  }

  async open(): Promise<void> {
    for (const [n, address] of SERVERS.entries()) {
      const host = this.lab.host(`server${n}`);
      this.lab.connect(host, this.node, { host: `${address}/24`, router: `10.244.${n}.1/24` });
      const command = ['--import', 'tsx', program('tcp-server.ts'), `s${n}`, '8080', 'client-closes'];
      const server = this.lab.start(host, 'node', ...command);
      await lineOf(server, /listening/);
    }
  }

  /** The clients begin; each asks for all frontends in turn, and begins with another one. */
  async startClients(): Promise<void> {
    const frontends = Object.values(SERVICES).flatMap(({ clients }) => clients);
    for (let n = 0; n < CLIENTS; n++) {
      const host = this.lab.host(`client${n}`);
      this.lab.connect(host, this.node, {
        host: `192.0.2.${4 * n + 18}/30`,
        router: `192.0.2.${4 * n + 17}/30`,
      });
      const turned = [...frontends.slice(n), ...frontends.slice(0, n)];
      const client = this.lab.start(host, 'node', '--import', 'tsx', program('steady-client.ts'), ...turned);
      await lineOf(client, /asking/);
      this.#clients.push(client);
    }
  }

  /** The clients end, and say what they saw. */
  async endClients(): Promise<readonly ClientReport[]> {
    const reports = this.#clients.map(async (client) => {
      const line = lineOf(client, /answered/);
      client.stdin?.end();
      return JSON.parse(await line) as ClientReport;
    });
    return Promise.all(reports);
  }
}
