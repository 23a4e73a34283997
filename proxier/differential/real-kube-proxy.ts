import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { NodeConfig } from '../cluster-generator/node-config.ts';
import { nodeObject, serviceCidrObject } from './api-objects.ts';
import type { ApiChanges } from './api-server.ts';
import { kubeconfig, kubeProxyConfig } from './kube-proxy-config.ts';
import { kubeProxyProgram } from './kube-proxy-program.ts';

const API_SERVER = fileURLToPath(new URL('api-server.ts', import.meta.url));

/** A real kube-proxy in nftables mode in a network namespace, and the API server that it follows. */
export class RealKubeProxy implements AsyncDisposable {
  readonly #netnsPath: string;
  readonly #folder = mkdtempSync(join(tmpdir(), 'nftlink-kube-proxy-'));
  readonly #apiServer: ChildProcess;
  readonly #answers: AsyncIterator<string>;
  #kubeProxy: ChildProcess | undefined;
  #log = '';

  private constructor(netnsPath: string) {
    this.#netnsPath = netnsPath;
    this.#apiServer = this.#spawn(process.execPath, '--import', import.meta.resolve('tsx'), API_SERVER);
    this.#answers = linesOf(this.#apiServer)[Symbol.asyncIterator]();
  }

  /** Starts the API server in the namespace, with nothing in it, and kube-proxy as soon as a node is {@link start}ed. */
  static async open(netnsPath: string): Promise<RealKubeProxy> {
    const peer = new RealKubeProxy(netnsPath);
    const port = Number(await peer.#answer());
    writeFileSync(join(peer.#folder, 'kubeconfig'), kubeconfig(port));
    return peer;
  }

  /** What kube-proxy logged since it was last started. */
  get log(): string {
    return this.#log;
  }

  /** Starts kube-proxy with these settings; ends the one that runs. What that one programmed is still there. */
  async start(node: NodeConfig, zone: string | undefined): Promise<void> {
    await this.stop();
    await this.setZone(node, zone);
    await this.apply({ resource: 'serviceCidrs', set: [serviceCidrObject(node.serviceCidrs)], deleted: [] });
    const config = join(this.#folder, 'config');
    writeFileSync(config, kubeProxyConfig(node, join(this.#folder, 'kubeconfig')));
    this.#log = '';
    const child = this.#spawn(kubeProxyProgram(), `--config=${config}`, '-v=2');
    this.#kubeProxy = child;
    child.stdout?.resume();
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#log += text;
    });
  }

  async setZone(node: NodeConfig, zone: string | undefined): Promise<void> {
    const set = [nodeObject({ name: node.nodeName, addresses: node.nodeIPs, podCidrs: node.podCidrs, zone })];
    await this.apply({ resource: 'nodes', set, deleted: [] });
  }

  /** Changes objects of the API server. Resolves when it has told its watchers, which is before kube-proxy has done anything. */
  async apply(...changes: readonly ApiChanges[]): Promise<void> {
    this.#apiServer.stdin?.write(`${JSON.stringify(changes)}\n`);
    await this.#answer();
  }

  /** Throws, with the log, when kube-proxy is not running any more. */
  check(): void {
    if (this.#kubeProxy === undefined || hasEnded(this.#kubeProxy)) {
      throw new Error(`kube-proxy has ended:\n${this.#log}`);
    }
  }

  async stop(): Promise<void> {
    const child = this.#kubeProxy;
    this.#kubeProxy = undefined;
    if (child !== undefined) await end(child);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    await end(this.#apiServer);
    rmSync(this.#folder, { recursive: true });
  }

  async #answer(): Promise<string> {
    const { value, done } = await this.#answers.next();
    if (done) throw new Error('the API server has ended');
    return value;
  }

  /** A process that ends with this one, whatever ends this one. */
  #spawn(program: string, ...args: readonly string[]): ChildProcess {
    const inNamespace = ['--pdeathsig', 'KILL', 'nsenter', `--net=${this.#netnsPath}`, program, ...args];
    return spawn('setpriv', inNamespace, { stdio: ['pipe', 'pipe', 'pipe'] });
  }
}

function linesOf(child: ChildProcess): AsyncIterable<string> {
  if (child.stdout === null) throw new Error('the API server has no standard output');
  child.stderr?.pipe(process.stderr);
  return createInterface({ input: child.stdout });
}

function hasEnded({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode !== null || signalCode !== null;
}

async function end(child: ChildProcess): Promise<void> {
  if (hasEnded(child)) return;
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
}
