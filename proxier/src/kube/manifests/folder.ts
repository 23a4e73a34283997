import { type FSWatcher, watch } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Problem } from '../problem.ts';
import { Catalogue, type ManifestBatch, wholeFile } from './catalogue.ts';
import { parseManifest } from './parse.ts';
import { Settling } from './settling.ts';
import { errorCode, examine, type Snapshot, takeSnapshot, versionOf } from './snapshot.ts';

export interface ManifestFolderOptions {
  /** How often the whole folder is looked through, whatever the kernel's file events say. */
  readonly rescanMs?: number;
  /** How long a file's size and time must stay the same before it is read. */
  readonly settleMs?: number;
  /** The same for a file that became empty: it is probably just being written anew. */
  readonly emptySettleMs?: number;
}

/** A folder with many files is not looked through more often than its scans take, times this. */
const SCAN_PAUSE_FACTOR = 20;
/** Files read at once. */
const PARALLEL = 16;
/** How long other files' changes wait for one that is still being written: at the start, and later. */
const OPEN_PATIENCE_MS = 10_000;
const PATIENCE_MS = 1_000;

/**
 * A folder of manifests under watch. `open()` gives everything there is, then `changes()` gives what changes. File
 * events are only hints where to look; what counts is what a scan finds.
 */
export class ManifestFolder {
  readonly #path: string;
  readonly #rescanMs: number;
  readonly #settleMs: number;
  readonly #catalogue = new Catalogue();
  readonly #settling: Settling;
  /** Files that could not be read: tried again at each look. */
  readonly #failed = new Set<string>();
  /** Names that events mentioned; `undefined`: anything may have changed. */
  #hints: Set<string> | undefined = new Set();
  #folderProblems: readonly Problem[] = [];
  #watcher: FSWatcher | undefined;
  #watched = '';
  #scanMs = 0;
  #closed = false;
  #wake: (() => void) | undefined;

  constructor(path: string, options: ManifestFolderOptions = {}) {
    this.#path = path;
    this.#rescanMs = options.rescanMs ?? 3_000;
    this.#settleMs = options.settleMs ?? 20;
    this.#settling = new Settling(this.#settleMs, options.emptySettleMs ?? 500);
  }

  /** Reads the whole folder. Throws when it doesn't exist or can't be listed; problems of files are in the batch. */
  async open(): Promise<ManifestBatch> {
    try {
      await takeSnapshot(this.#path, undefined);
    } catch (error) {
      throw new Error(`cannot read the manifest folder ${this.#path}: ${reason(error)}`, { cause: error });
    }
    return this.#look(undefined, OPEN_PATIENCE_MS);
  }

  /** Batches of changes until `close()`. None is made before it is asked for: changes gather in the folder. */
  async *changes(): AsyncGenerator<ManifestBatch, void, undefined> {
    while (!this.#closed) {
      if (this.#hints?.size === 0) {
        await this.#sleep(Math.max(this.#rescanMs, this.#scanMs * SCAN_PAUSE_FACTOR), 'or until a hint');
      }
      // Woken by nobody: time to look at everything.
      const only = this.#hints?.size === 0 ? undefined : this.#hints;
      const batch = await this.#look(only, PATIENCE_MS);
      if (!this.#closed && !isEmpty(batch)) yield batch;
    }
  }

  /** The file and line of an object in use, by `Service shop/cart`. */
  place(id: string): { readonly file: string; readonly line: number; readonly column: number } | undefined {
    return this.#catalogue.place(id);
  }

  /** Ends `changes()`. Closing twice is closing once. */
  close(): void {
    this.#closed = true;
    this.#watcher?.close();
    this.#watcher = undefined;
    this.#wake?.();
  }

  /** Takes what changed, when it has settled: what was changed together comes together. */
  async #look(only: ReadonlySet<string> | undefined, patienceMs: number): Promise<ManifestBatch> {
    await this.#watch();
    const deadline = performance.now() + patienceMs;
    this.#settling.retry(this.#failed);
    let names = only && this.#hints && new Set([...only, ...this.#hints, ...this.#failed]);
    this.#failed.clear();
    do {
      this.#hints = new Set();
      await this.#scan(names);
      if (this.#settling.waiting.size === 0) break;
      await this.#sleep(this.#settleMs);
      // Typed wider than what the compiler knows: events change it while we sleep.
      const hints = this.#hints as Set<string> | undefined;
      names = names && hints && new Set([...this.#settling.waiting, ...hints]);
    } while (!this.#closed && performance.now() < deadline);
    for (const name of this.#settling.waiting) this.#hints?.add(name);
    return this.#catalogue.takeBatch(this.#folderProblems);
  }

  async #scan(only: ReadonlySet<string> | undefined): Promise<void> {
    const start = performance.now();
    let snapshot: Snapshot;
    try {
      snapshot = await takeSnapshot(this.#path, only);
      this.#folderProblems = [];
    } catch (error) {
      this.#settling.forgetWaiting();
      const message = `the manifest folder cannot be read: ${reason(error)}; what it held stays in use`;
      this.#folderProblems = [wholeFile(this.#path, message)];
      return;
    }
    if (only === undefined) this.#scanMs = performance.now() - start;
    const holdsObjects = (name: string) => this.#catalogue.held(name).size > 0;
    const settled = this.#settling.settled(snapshot, only, holdsObjects);
    for (let start = 0; start < settled.length && !this.#closed; start += PARALLEL) {
      await Promise.all(settled.slice(start, start + PARALLEL).map((name) => this.#take(name, snapshot)));
    }
  }

  async #take(name: string, snapshot: Snapshot): Promise<void> {
    const entry = snapshot.get(name);
    const path = join(this.#path, name);
    const version = versionOf(entry);
    if (entry === undefined) {
      this.#catalogue.remove(name);
      this.#settling.take(name, version);
      return;
    }
    try {
      if ('failure' in entry) throw new Error(entry.failure);
      const text = await readFile(path, 'utf8');
      // Written to while it was read: the next scan sees another version.
      if (versionOf(await examine(path)) !== version) return;
      const held = this.#catalogue.held(name);
      const pieces = this.#catalogue.parsed(name)?.pieces ?? new Map();
      const parsed = await parseManifest(name, text, { pieces, object: (id) => held.get(id)?.object });
      this.#catalogue.put(parsed, name);
    } catch (error) {
      // Vanished since the scan: the next one sees it.
      if (errorCode(error) === 'ENOENT') return;
      this.#catalogue.unreadable(name, `cannot be read: ${reason(error)}; what it held stays in use`);
      this.#failed.add(name);
    }
    this.#settling.take(name, version);
  }

  /** Watches the folder that is there now; where watching fails, the rescans have to do. */
  async #watch(): Promise<void> {
    const stats = await stat(this.#path).catch(() => undefined);
    const identity = stats === undefined ? '' : `${stats.dev} ${stats.ino}`;
    if (identity === this.#watched || this.#closed) return;
    this.#watcher?.close();
    this.#watcher = undefined;
    this.#watched = identity;
    if (identity === '') return;
    try {
      this.#watcher = watch(this.#path, { persistent: false }, (_event, name) => this.#hint(name));
      this.#watcher.on('error', () => this.#hint(null));
    } catch {
      // No inotify watch to be had (ENOSPC): try again at the next look.
      this.#watched = '';
    }
  }

  /** Hidden files are not ours, except the link that a ConfigMap mount turns over. */
  #hint(name: string | null): void {
    if (name?.startsWith('.') && name !== '..data') return;
    if (name === null || name === '..data') this.#hints = undefined;
    else this.#hints?.add(name);
    this.#wake?.();
  }

  async #sleep(ms: number, wakes?: 'or until a hint'): Promise<void> {
    await new Promise<void>((resolve) => {
      const end = () => {
        clearTimeout(timer);
        this.#wake = undefined;
        resolve();
      };
      const timer = setTimeout(end, ms);
      this.#wake = () => {
        if (wakes !== undefined || this.#closed) end();
      };
      if (this.#closed) end();
    });
  }
}

function reason(error: unknown): string {
  const code = errorCode(error);
  if (code === 'ENOENT') return 'it does not exist (ENOENT)';
  if (code === 'EACCES') return 'permission denied (EACCES)';
  if (code === 'ENOTDIR') return 'it is not a folder (ENOTDIR)';
  return code;
}

function isEmpty({ services, endpointSlices, problems }: ManifestBatch): boolean {
  const changes = [services, endpointSlices].every(
    (part) => part.upserted.length + part.deleted.length === 0,
  );
  return changes && problems.appeared.length + problems.resolved.length === 0;
}
