import { createRequire } from 'node:module';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type NativeBinding, PACKED_FORMAT_VERSION } from './contract.ts';
import { libc } from './libc.ts';

/** One place where the addon was looked for, and why it could not be taken from there. */
export interface LoadAttempt {
  /** The file. */
  readonly path: string;
  /** Why not, in the words of the loader or of this library. */
  readonly reason: string;
}

/** The native addon cannot be loaded. The message names the machine, every path that was tried, and what mends it. */
export class AddonLoadError extends Error {
  override readonly name = 'AddonLoadError';
  /** The same for every one. */
  readonly code = 'ERR_NFTLINK_ADDON';
  /** Every place that was tried, in order. */
  readonly attempts: readonly LoadAttempt[];

  /** @internal */
  constructor(attempts: readonly LoadAttempt[]) {
    const tried = attempts.map(({ path, reason }) => `  ${path}\n    ${reason}`).join('\n');
    super(`nftlink's native addon cannot be loaded on ${machine()}\n${tried}\n${remedy(attempts)}`);
    this.attempts = attempts;
  }
}

let loaded: NativeBinding | undefined;

/** The addon, loaded once in each thread. Throws {@link AddonLoadError}. */
export function loadNative(): NativeBinding {
  loaded ??= load(candidates());
  return loaded;
}

const NOT_THERE = 'there is no such file';

function load(paths: readonly string[]): NativeBinding {
  const require = createRequire(import.meta.url);
  const attempts: LoadAttempt[] = [];
  for (const path of paths) {
    const result = attempt(require, path);
    if (typeof result !== 'string') return result;
    attempts.push({ path, reason: result });
  }
  throw new AddonLoadError(attempts);
}

function attempt(require: NodeJS.Require, path: string): NativeBinding | string {
  try {
    const binding = require(path) as NativeBinding;
    if (binding.abi === PACKED_FORMAT_VERSION) return binding;
    return `it reads version ${binding.abi} of the packed format, and this library writes ${PACKED_FORMAT_VERSION}`;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    return code === 'MODULE_NOT_FOUND' ? NOT_THERE : message;
  }
}

/** `NFTLINK_ADDON` alone if it is set; else what was built here, then what was published for this machine. */
function candidates(): readonly string[] {
  const override = process.env['NFTLINK_ADDON'];
  if (override !== undefined && override !== '') return [resolve(override)];
  // The package's folder is two levels above this file, in src/native and in dist/native.
  const inPackage = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url));
  const target = `${process.platform}-${process.arch}-${libc()}`;
  return [inPackage('build/Release/nftlink.node'), inPackage(`prebuilds/${target}/nftlink.node`)];
}

function machine(): string {
  return `${process.platform} ${process.arch} (${libc()}), Node.js ${process.version}`;
}

function remedy(attempts: readonly LoadAttempt[]): string {
  if (process.platform !== 'linux') return 'nftables is part of Linux: nftlink runs nowhere else.';
  const reasons = attempts.map(({ reason }) => reason).join('\n');
  const library = /lib(?:nftnl|mnl)\.so[.\d]*/.exec(reasons)?.[0];
  if (library !== undefined) {
    return `${library} is missing. Install it: apt-get install libnftnl11 libmnl0 (Alpine: apk add libnftnl libmnl)`;
  }
  if (attempts.every(({ reason }) => reason === NOT_THERE)) {
    return 'It was not built. Build it: npm run build:addon (in an installed package: npm rebuild nftlink)';
  }
  return 'Build it anew: npm run build:addon (in an installed package: npm rebuild nftlink)';
}
