/** A Service that the kernel refuses. */
export interface SetAside {
  readonly service: string;
  /** What the kernel said of it. */
  readonly reason: string;
  /** When it is tried again (`performance.now()`). */
  readonly retryAtMs: number;
}

const FIRST_RETRY_MS = 1_000;
const LAST_RETRY_MS = 300_000;

interface Entry extends SetAside {
  readonly delayMs: number;
  /** It is in the transaction under way. */
  readonly onTrial: boolean;
}

/** The Services that are kept out because the kernel refuses them, so that all others can be programmed. */
export class Quarantine {
  readonly #entries = new Map<string, Entry>();

  /** Sets a Service aside, each time for twice as long. */
  add(service: string, reason: string, nowMs: number): SetAside {
    const before = this.#entries.get(service);
    const delayMs = before === undefined ? FIRST_RETRY_MS : Math.min(2 * before.delayMs, LAST_RETRY_MS);
    const entry = { service, reason, retryAtMs: nowMs + delayMs, delayMs, onTrial: false };
    this.#entries.set(service, entry);
    return entry;
  }

  /** Lets out for a trial those whose time has come. */
  release(nowMs: number): readonly string[] {
    const due = [...this.#entries.values()].filter(
      ({ onTrial, retryAtMs }) => !onTrial && retryAtMs <= nowMs,
    );
    for (const { service } of due) this.try(service);
    return due.map(({ service }) => service);
  }

  /** Lets a Service out for a trial: it has changed. */
  try(service: string): void {
    const entry = this.#entries.get(service);
    if (entry !== undefined) this.#entries.set(service, { ...entry, onTrial: true });
  }

  /** A transaction with all that were on trial was committed; gives them. */
  acquit(): readonly string[] {
    const acquitted = [...this.#entries.values()].filter(({ onTrial }) => onTrial);
    for (const { service } of acquitted) this.#entries.delete(service);
    return acquitted.map(({ service }) => service);
  }

  has(service: string): boolean {
    return this.#entries.has(service);
  }

  list(): readonly SetAside[] {
    return [...this.#entries.values()];
  }

  /** When the next one is to be tried; undefined: none is set aside. */
  get nextTrialMs(): number | undefined {
    const times = [...this.#entries.values()]
      .filter(({ onTrial }) => !onTrial)
      .map(({ retryAtMs }) => retryAtMs);
    return times.length === 0 ? undefined : Math.min(...times);
  }
}
