import { type Snapshot, versionOf } from './snapshot.ts';

const ABSENT = versionOf(undefined);

/** Tells which files changed since they were taken, and have then stayed the same for a while. */
export class Settling {
  readonly #settleMs: number;
  readonly #emptySettleMs: number;
  readonly #taken = new Map<string, string>();
  readonly #waiting = new Map<string, { readonly version: string; readonly since: number }>();

  constructor(settleMs: number, emptySettleMs: number) {
    this.#settleMs = settleMs;
    this.#emptySettleMs = emptySettleMs;
  }

  /** Changed files that have not been taken yet. */
  get waiting(): ReadonlySet<string> {
    return new Set(this.#waiting.keys());
  }

  /** The file was read in this version, or is gone. */
  take(name: string, version: string): void {
    this.#waiting.delete(name);
    if (version === ABSENT) this.#taken.delete(name);
    else this.#taken.set(name, version);
  }

  /** These files count as changed, whatever their version. */
  retry(names: Iterable<string>): void {
    for (const name of names) this.#taken.set(name, 'to be read again');
  }

  forgetWaiting(): void {
    this.#waiting.clear();
  }

  /** Compares with the files as they are now; `only` when the snapshot is not of all. */
  settled(
    snapshot: Snapshot,
    only: ReadonlySet<string> | undefined,
    holdsObjects: (name: string) => boolean,
  ): readonly string[] {
    const now = performance.now();
    const names = only === undefined ? [...this.#taken.keys(), ...this.#waiting.keys()] : only;
    const settled: string[] = [];
    for (const name of new Set([...snapshot.keys(), ...names])) {
      const entry = snapshot.get(name);
      const version = versionOf(entry);
      const seen = this.#waiting.get(name);
      if (version === (this.#taken.get(name) ?? ABSENT)) {
        this.#waiting.delete(name);
      } else if (seen?.version !== version) {
        this.#waiting.set(name, { version, since: now });
      } else {
        const becameEmpty = entry !== undefined && 'size' in entry && entry.size === 0 && holdsObjects(name);
        const neededMs = becameEmpty ? this.#emptySettleMs : this.#settleMs;
        // Timers fire up to a millisecond early.
        if (now - seen.since >= neededMs - 1) settled.push(name);
      }
    }
    return settled;
  }
}
