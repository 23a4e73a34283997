import type { ChildProcess } from 'node:child_process';
import { linesOf } from '../lab/lines.ts';

/** What one line of the client says: answers by server since the line before, and errors. */
interface ClientReport {
  readonly answers: Readonly<Record<string, number>>;
  readonly errors: readonly string[];
}

const BAR_WIDTH = 30;

/** Counts the client's answers and shows how they spread over the servers: a line that is drawn anew, or one a second. */
export class Spread {
  readonly #servers: readonly string[];
  readonly #isTerminal = process.stdout.isTTY === true;
  #window: ClientReport[] = [];
  #reports = 0;
  total = 0;
  readonly failures: string[] = [];

  constructor(client: ChildProcess, servers: readonly string[]) {
    this.#servers = servers;
    linesOf(client).on('line', (line) => this.#take(JSON.parse(line) as ClientReport));
  }

  #take(report: ClientReport): void {
    this.total += Object.values(report.answers).reduce((sum, count) => sum + count, 0);
    this.failures.push(...report.errors);
    this.#window = [...this.#window.slice(-4), report];
    this.#reports++;
    if (this.#isTerminal) process.stdout.write(`\r\x1b[K${this.#line()}`);
    else if (this.#reports % 5 === 0) process.stdout.write(`${this.#line()}\n`);
  }

  /** Ends the line that is drawn anew, so that something else can be printed. */
  endLine(): void {
    if (this.#isTerminal) process.stdout.write('\n');
    this.#window = [];
  }

  #line(): string {
    const counts = this.#servers.map((server) =>
      this.#window.reduce((sum, { answers }) => sum + (answers[server] ?? 0), 0),
    );
    const all = counts.reduce((sum, count) => sum + count, 0);
    const bars = this.#servers.map((server, i) => {
      const share = all === 0 ? 0 : (counts[i] ?? 0) / all;
      const filled = Math.round((share * BAR_WIDTH) / 2);
      return `${server} ${'█'.repeat(filled)}${'·'.repeat(BAR_WIDTH / 2 - filled)} ${String(Math.round(share * 100)).padStart(3)} %`;
    });
    return `  ${bars.join('  ')}   ${this.total} answers, ${this.failures.length} failed`;
  }
}
