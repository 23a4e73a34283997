// Builds the native addon into build/Release: `npm run build:addon`; building again compiles only what has changed.
// `npm install` runs it with --unless-prebuilt: in a package that has an addon for this machine nothing is built.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

const PROGRAMS = ['pkg-config', 'g++', 'make', 'python3'];
const LIBRARIES = { libnftnl: 'libnftnl-dev', libmnl: 'libmnl-dev' };

/** A library's version, or undefined when pkg-config does not find it. */
function versionOf(library) {
  const { status, stdout } = spawnSync('pkg-config', ['--modversion', library], { encoding: 'utf8' });
  return status === 0 ? stdout.trim() : undefined;
}

/** Whether an addon that was published for some machine loads on this one. */
function hasPrebuilt() {
  const folder = resolve(root, 'prebuilds');
  if (!existsSync(folder)) return false;
  const require = createRequire(import.meta.url);
  return readdirSync(folder)
    .filter((target) => target.startsWith(`${process.platform}-${process.arch}-`))
    .some((target) => loads(require, resolve(folder, target, 'nftlink.node')));
}

function loads(require, path) {
  try {
    require(path);
    return true;
  } catch {
    return false;
  }
}

function isThere(program) {
  return spawnSync(program, ['--version'], { stdio: 'ignore' }).error === undefined;
}

function checkRequirements() {
  const missingPrograms = PROGRAMS.filter((program) => !isThere(program));
  const missingLibraries = Object.keys(LIBRARIES).filter((library) => versionOf(library) === undefined);
  if (missingPrograms.length + missingLibraries.length === 0) return;
  const packages = [...Object.values(LIBRARIES), 'pkg-config', ...missingPrograms];
  fail(
    [
      `Looked for the programs ${PROGRAMS.join(', ')} and, by pkg-config, for the libraries`,
      `${Object.keys(LIBRARIES).join(', ')}. Missing: ${[...missingPrograms, ...missingLibraries].join(', ')}.`,
      `On Debian and Ubuntu this installs them: apt-get install ${[...new Set(packages)].join(' ')}`,
    ].join('\n'),
  );
}

/** Headers that came with this Node.js: node-gyp need not fetch any then. */
function headerOptions() {
  const nodedir = resolve(dirname(process.execPath), '..');
  return existsSync(resolve(nodedir, 'include/node/node_api.h')) ? [`--nodedir=${nodedir}`] : [];
}

/** node-gyp of this repository, or the one inside npm. */
function findNodeGyp() {
  try {
    return createRequire(import.meta.url).resolve('node-gyp/bin/node-gyp.js');
  } catch {
    const bundled = process.env.npm_config_node_gyp;
    if (bundled !== undefined && existsSync(bundled)) return bundled;
    return fail('node-gyp was not found: run this by npm (npm run build:addon), which brings one along.');
  }
}

function fail(text) {
  console.error(`nftlink: the native addon was not built.\n${text}`);
  process.exit(1);
}

if (process.platform !== 'linux') fail('nftables is part of Linux: nftlink runs nowhere else.');
// npm install --build-from-source, as node-gyp-build has it.
const wanted =
  process.env.npm_config_build_from_source !== undefined || !process.argv.includes('--unless-prebuilt');
if (!wanted && hasPrebuilt()) process.exit(0);
checkRequirements();
const headers = process.env.npm_config_nodedir === undefined ? headerOptions() : [];
const options = ['--loglevel=error', `--jobs=${availableParallelism()}`, ...headers];
const { status } = spawnSync(process.execPath, [findNodeGyp(), 'configure', 'build', ...options], {
  cwd: root,
  stdio: 'inherit',
});
if (status !== 0) {
  const fetched = headers.length === 0 && process.env.npm_config_nodedir === undefined;
  fail(
    fetched
      ? 'node-gyp failed; see above. If it could not fetch the headers of Node.js, name the folder above include/node:\n' +
          'npm_config_nodedir=/usr npm run build:addon'
      : 'node-gyp failed; see above.',
  );
}
