import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';

/** A host of the lab: a network namespace with a name of its own. */
export interface Host {
  readonly name: string;
  /** For `Nftables.open({ netns: { path } })` and `nft-proxier --netns`. */
  readonly netnsPath: string;
}

let labs = 0;
/** A process that ends without closing its labs (an error, `process.exit`) leaves no namespace behind. */
const unclosed = new Set<Lab>();
process.once('exit', () => {
  for (const lab of unclosed) lab.closeSync();
});

/**
 * Hosts in network namespaces, for tests, the demonstration and the benchmark. Nothing outside them is touched; `close` (or
 * `await using`) ends their processes and deletes them.
 */
export class Lab implements AsyncDisposable {
  readonly #prefix: string;
  readonly #hosts: Host[] = [];
  readonly #processes: ChildProcess[] = [];
  #links = 0;

  /** `label` shows in the namespaces' names, so that a left-over can be told. */
  constructor(label: string) {
    this.#prefix = `${label}-${process.pid}-${++labs}`;
    unclosed.add(this);
  }

  /** Makes a host, with its loopback up and the sysctls given as `{ 'net.ipv4.ip_forward': 1 }`. */
  host(name: string, sysctls: Readonly<Record<string, number | string>> = {}): Host {
    const full = `${this.#prefix}-${name}`;
    ip('netns', 'add', full);
    const host = { name: full, netnsPath: `/run/netns/${full}` };
    this.#hosts.push(host);
    this.run(host, 'ip', 'link', 'set', 'lo', 'up');
    const settings = Object.entries(sysctls).map(([key, value]) => `${key}=${value}`);
    if (settings.length > 0) this.run(host, 'sysctl', '-qw', ...settings);
    return host;
  }

  /** Connects a host to a router by a cable of its own; addresses with prefix length, the router's is the host's gateway. */
  connect(host: Host, router: Host, cable: { readonly host: string; readonly router: string }): void {
    const n = ++this.#links;
    const [near, far] = [`e${n}`, `r${n}`];
    ip('link', 'add', near, 'netns', host.name, 'type', 'veth', 'peer', 'name', far, 'netns', router.name);
    const v6 = cable.host.includes(':');
    // Without duplicate address detection an IPv6 address can be used at once.
    const nodad = v6 ? ['nodad'] : [];
    this.run(host, 'ip', 'addr', 'add', cable.host, 'dev', near, ...nodad);
    this.run(router, 'ip', 'addr', 'add', cable.router, 'dev', far, ...nodad);
    this.run(host, 'ip', 'link', 'set', near, 'up');
    this.run(router, 'ip', 'link', 'set', far, 'up');
    const gateway = cable.router.split('/')[0] ?? '';
    this.run(host, 'ip', ...(v6 ? ['-6'] : []), 'route', 'add', 'default', 'via', gateway);
  }

  /** Runs a command on a host and gives its output; throws with what it printed when it fails. */
  run(host: Host, command: string, ...args: readonly string[]): string {
    return execFileSync('ip', ['netns', 'exec', host.name, command, ...args], {
      encoding: 'utf8',
      maxBuffer: 1 << 28,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  }

  /** Runs commands of `ip` in one process. */
  configure(host: Host, commands: readonly string[]): void {
    execFileSync('ip', ['-netns', host.name, '-batch', '-'], {
      input: commands.join('\n'),
      stdio: ['pipe', 'ignore', 'pipe'],
    });
  }

  /** Loads a ruleset's text with nft. */
  load(host: Host, ruleset: string): void {
    execFileSync('ip', ['netns', 'exec', host.name, 'nft', '-f', '-'], {
      input: ruleset,
      stdio: ['pipe', 'pipe', 'pipe'],
    });
  }

  /** Starts a program on a host. It is ended with the lab. */
  start(host: Host, command: string, ...args: readonly string[]): ChildProcess {
    return this.track(
      spawn('ip', ['netns', 'exec', host.name, command, ...args], { stdio: ['pipe', 'pipe', 'pipe'] }),
    );
  }

  /** Ends the process with the lab. */
  track(child: ChildProcess): ChildProcess {
    this.#processes.push(child);
    return child;
  }

  async close(): Promise<void> {
    const running = this.#processes.filter(
      ({ exitCode, signalCode }) => exitCode === null && signalCode === null,
    );
    const ended = running.map((child) => once(child, 'exit'));
    for (const child of running) child.kill('SIGKILL');
    await Promise.all(ended);
    this.closeSync();
  }

  /** Deletes the namespaces without waiting for processes: for the end of this process. */
  closeSync(): void {
    for (const child of this.#processes) if (child.exitCode === null) child.kill('SIGKILL');
    for (const host of this.#hosts.splice(0)) ip('netns', 'delete', host.name);
    unclosed.delete(this);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

function ip(...args: readonly string[]): void {
  execFileSync('ip', args, { stdio: ['ignore', 'ignore', 'pipe'] });
}
