import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** What these tests are about; a build with sanitizers can stand in for it, as in src/native/load.ts. */
export const ADDON =
  process.env['NFTLINK_ADDON'] ?? fileURLToPath(new URL('../../build/Release/nftlink.node', import.meta.url));

export interface ChildOptions {
  readonly nodeOptions?: readonly string[];
  /** A command that runs Node.js. */
  readonly command?: readonly string[];
}

export interface ChildResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Runs a script in a Node.js of its own. It finds `native` (the addon) and `packed` (buffers by name) defined; workers
 * that it starts from `workerSource(text)` do too.
 */
export async function runChild(
  script: string,
  packed: Readonly<Record<string, Uint8Array>>,
  { nodeOptions = [], command = [] }: ChildOptions = {},
): Promise<ChildResult> {
  const folder = mkdtempSync(join(tmpdir(), 'nftlink-child-'));
  const entries = Object.entries(packed).map(([name, bytes]) => {
    const path = join(folder, name);
    writeFileSync(path, bytes);
    return `${name}: new Uint8Array(require('node:fs').readFileSync(${JSON.stringify(path)}))`;
  });
  const prelude = `
    const packed = { ${entries.join(', ')} };
    const native = require(${JSON.stringify(ADDON)});
  `;
  const path = join(folder, 'child.cjs');
  writeFileSync(
    path,
    `${prelude}\nconst workerSource = (text) => ${JSON.stringify(prelude)} + text;\n${script}`,
  );
  try {
    return await execute([...command, process.execPath, ...nodeOptions, path]);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** A signal counts as code -1. */
function execute([file = '', ...args]: readonly string[]): Promise<ChildResult> {
  return new Promise((resolve) => {
    execFile(file, args, { timeout: 50_000, maxBuffer: 1 << 24 }, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === 'number' ? error.code : -1;
      resolve({ code, stdout, stderr });
    });
  });
}
