import type { Nftables } from 'nftlink';
import { DriftWatch } from './drift-watch.ts';

/** While we don't listen, the generation is looked at so often. */
const LOOK_EVERY_MS = 50;
/** So many times in a row the kernel's state is verified at once; then only as often as takes one part in ten of our time. */
const BURST = 5;
const VERIFY_SHARE = 10;
const MAX_GENERATION = 0xffff_ffff;
/** The kernel describes each element to a listener, whose buffer so many fit into. From so many on it costs less to stop listening. */
const LARGEST_HEARD = 1_000;

/**
 * Whether somebody else may have changed what we have in the kernel. Each transaction makes the next generation of the ruleset, so
 * after our own and those that are heard of and leave our tables alone we know which one there is: what changes our tables and
 * makes a later one is somebody else's.
 */
export class Drift {
  readonly #nft: Nftables;
  readonly #watch: DriftWatch;
  readonly #wake: () => void;
  /** The generation that there is if nobody has touched our tables. */
  #expected: number | undefined;
  /** Up to this one, what others did is counted in. */
  #lookedAt = 0;
  #lookedAtMs = 0;
  /** The last generation that is known to have come with a change of our tables, by whomever. */
  #touched: number | undefined;
  #isSuspected = false;
  /** How many times it may be verified now, and when (`performance.now()`) that was counted. */
  #allowance = BURST;
  #countedAtMs = 0;
  #verifyBeganMs = 0;
  #verifyTookMs = 0;

  /** `wake` is called when there is reason to look; `onFailure` when listening fails. */
  constructor(nft: Nftables, table: string, wake: () => void, onFailure: (error: Error) => void) {
    this.#nft = nft;
    this.#wake = wake;
    this.#watch = new DriftWatch(nft, table, {
      heard: (generation, isOurTable) => this.#heard(generation, isOurTable),
      lost: () => this.#suspect(),
      failed: (error) => {
        onFailure(error);
        wake();
      },
    });
  }

  /** What the kernel has is about to be read. */
  async beginReading(): Promise<void> {
    this.#isSuspected = false;
    this.#verifyBeganMs = performance.now();
    this.#count();
    this.#allowance = Math.max(0, this.#allowance - 1);
    this.#accept(await this.#nft.generation());
  }

  /** It was read, and what differed was mended. */
  endReading(): void {
    this.#verifyTookMs = performance.now() - this.#verifyBeganMs;
  }

  /** A transaction of ours is about to be sent, with so many elements. */
  async begin(elements: number): Promise<void> {
    if (elements > LARGEST_HEARD) await this.#watch.pause();
  }

  /** It was committed. */
  committed(): void {
    if (this.#expected !== undefined) this.#expected = next(this.#expected);
  }

  /** We are at rest: from now on changes are heard of, and what happened before is looked for. */
  async rest(): Promise<void> {
    if (this.#watch.isListening) return;
    this.#watch.resume();
    await this.#look();
  }

  /** Looks at the generation while we don't listen, unless it was looked at just now. */
  async lookSometimes(): Promise<void> {
    if (this.#watch.isListening || performance.now() - this.#lookedAtMs < LOOK_EVERY_MS) return;
    await this.#look();
  }

  /** In how many ms the kernel's state is to be verified, 0: now; undefined: there is no reason to. Not while a commit is under way. */
  get dueInMs(): number | undefined {
    if (!this.#isSuspected && !this.#wasTouched) return undefined;
    this.#count();
    return this.#allowance >= 1 ? 0 : Math.ceil((1 - this.#allowance) * this.#perVerificationMs);
  }

  async close(): Promise<void> {
    await this.#watch.pause();
  }

  /** By somebody else: our own transactions made no generation that is newer than what we expect. */
  get #wasTouched(): boolean {
    return (
      this.#touched !== undefined && this.#expected !== undefined && isNewer(this.#touched, this.#expected)
    );
  }

  #heard(generation: number, isOurTable: boolean): void {
    if (!isNewer(generation, this.#lookedAt)) return;
    if (isOurTable) this.#touched = generation;
    else if (this.#expected !== undefined) this.#expected = next(this.#expected);
    if (this.#wasTouched) this.#wake();
  }

  #suspect(): void {
    this.#isSuspected = true;
    this.#wake();
  }

  async #look(): Promise<void> {
    const before = this.#expected;
    const generation = await this.#nft.generation();
    if (before !== undefined && generation !== before) this.#isSuspected = true;
    this.#accept(generation);
  }

  /** All that was done up to this generation is accounted for. */
  #accept(generation: number): void {
    this.#expected = generation;
    this.#lookedAt = generation;
    this.#lookedAtMs = performance.now();
    if (this.#touched !== undefined && !isNewer(this.#touched, generation)) this.#touched = undefined;
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
}

/** Generations wrap at 32 bits, and leave out 0. */
function next(generation: number): number {
  return (generation % MAX_GENERATION) + 1;
}

function isNewer(generation: number, than: number): boolean {
  return ((generation - than) | 0) > 0;
}
