import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('../../dist/main.js', import.meta.url));

export interface Ended {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** The daemon as users start it, and what it logs. */
export class ProxierProcess {
  readonly child: ChildProcess;
  readonly #lines: string[] = [];
  readonly #exited: Promise<unknown>;
  /** The first line that `line` has not looked at yet. */
  #next = 0;
  #wake = () => {};
  #hasEnded = false;

  /** `argv`: what stands before `node` (`ip netns exec …`), if anything, and the arguments. */
  constructor(args: readonly string[], before: readonly string[] = []) {
    const [command = '', ...rest] = [...before, process.execPath, MAIN, ...args];
    this.child = spawn(command, rest, { stdio: ['ignore', 'ignore', 'pipe'] });
    const { stderr } = this.child;
    if (stderr === null) throw new Error('the proxier has no standard error');
    createInterface({ input: stderr }).on('line', (line) => {
      this.#lines.push(line);
      this.#wake();
    });
    this.#exited = once(this.child, 'close').then(() => {
      this.#hasEnded = true;
      this.#wake();
    });
  }

  /** All that was logged up to now. */
  get log(): string {
    return this.#lines.join('\n');
  }

  /** Waits for a line that matches, after those that were waited for before. */
  async line(pattern: RegExp): Promise<string> {
    for (;;) {
      for (; this.#next < this.#lines.length; this.#next++) {
        const line = this.#lines[this.#next] ?? '';
        if (!pattern.test(line)) continue;
        this.#next++;
        return line;
      }
      if (this.#hasEnded) throw new Error(`nft-proxier ended without a line like ${pattern}:\n${this.log}`);
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /** Waits until changed Services are in the kernel, and gives how many operations it took. */
  async programmed(): Promise<number> {
    const line = await this.line(/programmed/);
    return Number(/of (\d+) operations?:/.exec(line)?.[1] ?? 0);
  }

  /** Ends it and gives its exit status, null when the signal killed it. */
  async end(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
    if (this.child.exitCode === null) this.child.kill(signal);
    await this.#exited;
    return this.child.exitCode;
  }
}

/** Runs the proxier to its end. */
export async function runProxier(
  args: readonly string[],
  { before = [], cwd }: { readonly before?: readonly string[]; readonly cwd?: string } = {},
): Promise<Ended> {
  const [command = '', ...rest] = [...before, process.execPath, MAIN, ...args];
  const child = spawn(command, rest, {
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(cwd === undefined ? {} : { cwd }),
  });
  const printed = { stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    printed.stdout += chunk;
  });
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    printed.stderr += chunk;
  });
  const [status] = (await once(child, 'close')) as [number | null];
  return { status, ...printed };
}
