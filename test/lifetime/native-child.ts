import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export const ADDON = fileURLToPath(new URL('../../build/Release/nftlink.node', import.meta.url));

export interface ChildOptions {
  readonly nodeOptions?: readonly string[];
  /** A command that runs Node.js. */
  readonly command?: readonly string[];
  /** For standard input. */
  readonly input?: Uint8Array;
}

export interface ChildResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Runs a script in a Node.js of its own. It finds `native` (the addon), `addonPath` and `packed` (buffers by name)
 * defined; workers that it starts from `workerSource(text)` do too.
 */
export function runChild(
  script: string,
  packed: Readonly<Record<string, Uint8Array>>,
  options: ChildOptions = {},
): Promise<ChildResult> {
  const literals = Object.entries(packed).map(
    ([name, bytes]) =>
      `${name}: new Uint8Array(Buffer.from('${Buffer.from(bytes).toString('base64')}', 'base64'))`,
  );
  const prelude = `
    const addonPath = ${JSON.stringify(ADDON)};
    const packed = { ${literals.join(', ')} };
    const native = require(addonPath);
  `;
  const whole = `
    ${prelude}
    const workerSource = (text) => ${JSON.stringify(prelude)} + text;
    ${script}
  `;
  const { nodeOptions = [], command = [] } = options;
  const [file, ...args] = [...command, process.execPath, ...nodeOptions, '-e', whole];
  return new Promise((resolve) => {
    const child = execFile(
      file ?? process.execPath,
      args,
      { timeout: 50_000, maxBuffer: 1 << 24 },
      (error, stdout, stderr) => {
        const code = error === null ? 0 : typeof error.code === 'number' ? error.code : -1;
        resolve({ code, stdout, stderr });
      },
    );
    child.stdin?.end(options.input ?? '');
  });
}
