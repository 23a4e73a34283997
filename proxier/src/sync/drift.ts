import type { Nftables } from 'nftlink';
import { DriftWatch } from './drift-watch.ts';

/** While we are busy, the generation is looked at so often. */
const LOOK_EVERY_MS = 50;
/** So many times in a row the kernel's state is verified at once; then only as often as takes one part in ten of our time. */
const BURST = 5;
const VERIFY_SHARE = 10;
const MAX_GENERATION = 0xffff_ffff;

/**
 * Whether somebody else may have changed what we have in the kernel. A listener tells at once while we are at rest; while we
 * change things ourselves, the generation tells: it must have grown by our own commits and no others.
 */
export class Drift {
  readonly #nft: Nftables;
  readonly #watch: DriftWatch;
  #expected: number | undefined;
  #lookedAtMs = 0;
  #isSuspected = false;
  /** How many times it may be verified now, and when (`performance.now()`) that was counted. */
  #allowance = BURST;
  #countedAtMs = 0;
  #verifyBeganMs = 0;
  #verifyTookMs = 0;

  /** `wake` is called when there is reason to look; `onFailure` when listening fails. */
  constructor(nft: Nftables, table: string, wake: () => void, onFailure: (error: Error) => void) {
    this.#nft = nft;
    this.#watch = new DriftWatch(
      nft,
      table,
      () => {
        this.#isSuspected = true;
        wake();
      },
      onFailure,
    );
  }

  /** What the kernel has is about to be read. */
  async beginReading(): Promise<void> {
    this.#isSuspected = false;
    this.#verifyBeganMs = performance.now();
    this.#count();
    this.#allowance = Math.max(0, this.#allowance - 1);
    this.#expected = await this.#nft.generation();
  }

  /** It was read, and what differed was mended. */
  endReading(): void {
    this.#verifyTookMs = performance.now() - this.#verifyBeganMs;
  }

  /** A transaction of ours was committed. */
  committed(): void {
    if (this.#expected !== undefined) this.#expected = (this.#expected % MAX_GENERATION) + 1;
  }

  /** We are about to change things ourselves. */
  begin(): void {
    void this.#watch.pause();
  }

  /** We are at rest: from now on changes are heard of. */
  async rest(): Promise<void> {
    this.#watch.resume();
    await this.look();
  }

  /** Looks at the generation, unless it was looked at just now. */
  async lookSometimes(): Promise<void> {
    if (performance.now() - this.#lookedAtMs >= LOOK_EVERY_MS) await this.look();
  }

  async look(): Promise<void> {
    const generation = await this.#nft.generation();
    this.#lookedAtMs = performance.now();
    if (generation === this.#expected) return;
    if (this.#expected !== undefined) this.#isSuspected = true;
    this.#expected = generation;
  }

  /** In how many ms the kernel's state is to be verified, 0: now; undefined: there is no reason to. */
  get dueInMs(): number | undefined {
    if (!this.#isSuspected) return undefined;
    this.#count();
    return this.#allowance >= 1 ? 0 : Math.ceil((1 - this.#allowance) * this.#perVerificationMs);
  }

  get #perVerificationMs(): number {
    return VERIFY_SHARE * Math.max(1, this.#verifyTookMs);
  }

  #count(): void {
    const nowMs = performance.now();
    const gained = (nowMs - this.#countedAtMs) / this.#perVerificationMs;
    this.#allowance = Math.min(BURST, this.#allowance + gained);
    this.#countedAtMs = nowMs;
  }

  async close(): Promise<void> {
    await this.#watch.pause();
  }
}
