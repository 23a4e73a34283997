import type { ChildProcess } from 'node:child_process';
import { createInterface, type Interface } from 'node:readline';

/** The lines that a child prints. */
export function linesOf(child: ChildProcess): Interface {
  if (child.stdout === null) throw new Error('the child has no standard output');
  return createInterface({ input: child.stdout });
}

/** Waits for a line that matches; rejects, with what was printed, when the child ends without one. */
export function lineOf(child: ChildProcess, pattern: RegExp): Promise<string> {
  return new Promise((resolve, reject) => {
    const printed: string[] = [];
    child.stderr?.on('data', (chunk) => printed.push(String(chunk)));
    const lines = linesOf(child);
    lines.on('line', (line) => {
      printed.push(`${line}\n`);
      if (pattern.test(line)) resolve(line);
    });
    child.once('exit', (code, signal) => {
      reject(new Error(`ended (${code ?? signal}) without a line like ${pattern}:\n${printed.join('')}`));
    });
  });
}
