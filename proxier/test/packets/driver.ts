import { Nftables } from 'nftlink';
import type { Family, ServiceState } from '../../src/model/frontends.ts';
import { FamilyProgram, type ProgramOptions } from '../../src/sync/family-program.ts';
import type { Surroundings } from './machine.ts';
import { RecordingKernel } from './table.ts';
import { type Client, outcomes, type Target } from './walk.ts';

/** As in the sync loop: how long what became stale stays. */
const GRACE_MS = 10;

/** One family's program on a kernel that remembers every moment, with a clock that the test moves. */
export class Driver {
  nowMs = 1000;
  readonly kernel: RecordingKernel;
  program: FamilyProgram;
  readonly #family: Family;
  readonly #options: ProgramOptions;
  readonly #own: (address: Uint8Array) => boolean;
  readonly #remembered: Surroundings['remembered'] = new Map();

  constructor(family: Family, options: ProgramOptions, ownAddress: Uint8Array) {
    this.#family = family;
    this.#options = options;
    this.kernel = new RecordingKernel(family, () => this.nowMs);
    this.program = new FamilyProgram(family, options);
    this.#own = (address) => Buffer.from(ownAddress).equals(address);
  }

  /** The process ends as if it were killed, and another one begins. What clients were given meanwhile is in the kernel. */
  async restart(): Promise<void> {
    const affinity = [...(this.kernel.moments.at(-1)?.sets.values() ?? [])].find(({ set }) => set.dynamic);
    const transaction = new Nftables(this.kernel).transaction();
    let client = 0;
    for (const [mark, ids] of this.#remembered) {
      for (const id of ids) {
        const key = Buffer.alloc(affinity?.set.key.byteLength ?? 0);
        key.writeUInt32BE(++client);
        key.writeUInt32LE(mark, key.length - 4);
        if (affinity !== undefined && !affinity.elements.has(key.toString('latin1')))
          transaction.addPackedElements(affinity.set, [key.toString('latin1')], [id]);
      }
    }
    await transaction.commit();
    this.program = new FamilyProgram(this.#family, this.#options);
  }

  /** One transaction; gives the number of its operations. */
  async commit(states: Iterable<ServiceState>, retireClasses = false): Promise<number> {
    const nft = new Nftables(this.kernel);
    if (!this.program.isLoaded) await this.program.load(nft, this.nowMs);
    this.program.update(states);
    const transaction = nft.transaction();
    const options = { nowMs: this.nowMs, graceMs: GRACE_MS, retireClasses };
    await this.program.write(transaction, options, () => Promise.resolve());
    await transaction.commit();
    this.program.committed(this.nowMs);
    return transaction.size;
  }

  /** Deletes all that had to wait. */
  async clean(): Promise<void> {
    while (this.program.hasLeftovers) {
      this.nowMs += 50;
      await this.commit([], true);
    }
  }

  get latest(): number {
    return this.kernel.moments.length - 1;
  }

  /** The last moment that a packet may meet that started at `first`, if it takes less than the grace. */
  lastFrom(first: number): number {
    const { moments } = this.kernel;
    const startedMs = moments[first + 1]?.sinceMs ?? 0;
    const last = moments.findLastIndex(({ sinceMs }) => sinceMs - startedMs < GRACE_MS);
    return Math.max(first, last);
  }

  /** What may become of a connection that starts at a moment and sees others up to `last`. */
  outcomes(client: Client, target: Target, first = this.latest, last = first): ReadonlySet<string> {
    const around = {
      moments: this.kernel.moments,
      last,
      isOwnAddress: this.#own,
      remembered: this.#remembered,
    };
    return outcomes(client, target, first, around);
  }
}
