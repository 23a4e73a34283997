import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';

/** What tells two states of a file apart. */
export interface FileState {
  readonly size: number;
  /** `size mtime inode`, the time in ns. */
  readonly version: string;
}

/** The manifests of a folder. A file that can't be examined has an error (its code) in place of its state. */
export type Snapshot = ReadonlyMap<string, FileState | { readonly failure: string }>;

/** Files examined at once. */
const PARALLEL = 32;

/**
 * Examines `*.yaml`, `*.yml` and `*.json`, through symbolic links; no hidden files, nothing in subfolders. With `only`,
 * just these, if all of them are there. Throws when the folder can't be listed.
 */
export async function takeSnapshot(folder: string, only?: Iterable<string>): Promise<Snapshot> {
  if (only !== undefined) {
    const names = [...only].filter(isManifest);
    const snapshot = await examineAll(folder, names);
    // One that is missing may mean that the folder is: list it.
    if (snapshot.size === names.length) return snapshot;
  }
  return examineAll(folder, (await readdir(folder)).filter(isManifest));
}

function isManifest(name: string): boolean {
  return /^[^.].*\.(?:ya?ml|json)$/i.test(name);
}

async function examineAll(folder: string, names: readonly string[]): Promise<Snapshot> {
  const snapshot = new Map<string, FileState | { failure: string }>();
  for (let start = 0; start < names.length; start += PARALLEL) {
    const group = names.slice(start, start + PARALLEL);
    const states = await Promise.all(group.map((name) => examine(join(folder, name))));
    for (const [index, name] of group.entries()) {
      const state = states[index];
      if (state !== undefined) snapshot.set(name, state);
    }
  }
  return snapshot;
}

/** `undefined` when there is no such file, or it is a folder or something stranger. */
export async function examine(path: string): Promise<FileState | { readonly failure: string } | undefined> {
  try {
    const stats = await stat(path, { bigint: true });
    if (!stats.isFile()) return undefined;
    return { size: Number(stats.size), version: `${stats.size} ${stats.mtimeNs} ${stats.ino}` };
  } catch (error) {
    const code = errorCode(error);
    return code === 'ENOENT' || code === 'ENOTDIR' ? undefined : { failure: code };
  }
}

/** `EACCES` and so on; for an error without a code its message. */
export function errorCode(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return 'code' in error && typeof error.code === 'string' ? error.code : error.message;
}

/** One text for equal states. */
export function versionOf(entry: FileState | { readonly failure: string } | undefined): string {
  if (entry === undefined) return 'absent';
  return 'failure' in entry ? `failure ${entry.failure}` : entry.version;
}
