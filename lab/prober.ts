import type { ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Host, Lab } from './lab.ts';

export interface Probe {
  readonly protocol: 'tcp' | 'udp' | 'sctp';
  readonly host: string;
  readonly port: number;
  /** Connections, each from a port of its own. Default: 1. */
  readonly count?: number;
  /** After this long without an answer the result is `silent`. Default: 3 s. */
  readonly timeoutMs?: number;
}

const program = (name: string) => fileURLToPath(new URL(name, import.meta.url));

/** Opens connections from a host of the lab, by `probe.ts`, or `sctp.py` for SCTP. */
export class Prober {
  readonly #lab: Lab;
  readonly #host: Host;
  readonly #child: ChildProcess;
  readonly #results: AsyncIterator<string>;

  constructor(lab: Lab, host: Host) {
    this.#lab = lab;
    this.#host = host;
    this.#child = lab.start(host, 'node', '--import', 'tsx', program('probe.ts'));
    const { stdout } = this.#child;
    if (stdout === null) throw new Error('the probe has no standard output');
    this.#results = createInterface({ input: stdout })[Symbol.asyncIterator]();
  }

  /** What came of each connection: the answer, `silent`, or an error's code. One call at a time. */
  async probe({ protocol, host, port, count = 1, timeoutMs = 3000 }: Probe): Promise<readonly string[]> {
    if (protocol === 'sctp') {
      const args = [host, port, count, timeoutMs / 1000].map(String);
      return JSON.parse(this.#lab.run(this.#host, 'python3', program('sctp.py'), 'probe', ...args));
    }
    this.#child.stdin?.write(`${JSON.stringify({ protocol, host, port, count, timeoutMs })}\n`);
    const { value, done } = await this.#results.next();
    if (done === true) throw new Error(`the probe on ${this.#host.name} has ended`);
    return JSON.parse(value);
  }
}
