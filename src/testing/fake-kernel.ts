import { constants } from 'node:os';
import type { NativeOutcome } from '../native/contract.ts';
import type { Transport } from '../netlink/transport.ts';
import type { Family } from '../nft/family.ts';
import { familyNumber } from '../nft/family.ts';
import type { PackedValue } from '../nft/pack/packed-value.ts';
import type { AnySet } from '../nft/set.ts';
import { FakeApplication, type Refusal } from './fake-apply.ts';
import type { FakeTable } from './fake-ruleset.ts';
import { unpack } from './unpack.ts';

/**
 * A kernel in memory, to test programs without root: `new Nftables(new FakeKernel())`. It applies transactions with the
 * kernel's semantics (all or nothing, EEXIST, ENOENT, EBUSY, ENFILE) and shows what it holds; it answers no listings.
 */
export class FakeKernel implements Transport {
  readonly #tables = new Map<string, FakeTable>();
  #nextHandle = 1n;
  #closed = false;
  /** Every transaction that was committed, packed. */
  readonly committed: Uint8Array[] = [];

  transactSync(packed: Uint8Array): NativeOutcome {
    if (this.#closed) throw new Error('the socket is closed');
    const application = new FakeApplication(this.#tables, this.#nextHandle);
    const failures = unpack(packed).flatMap((operation, index) =>
      application.apply(operation).map((refusal) => ({ index, refusal })),
    );
    if (failures.length > 0) {
      application.revert();
      return aborted(failures);
    }
    this.#nextHandle = application.nextHandle;
    this.committed.push(packed.slice());
    return 1000;
  }

  async transact(packed: Uint8Array): Promise<NativeOutcome> {
    return this.transactSync(packed);
  }

  request(): Promise<Uint8Array> {
    const reply = Buffer.alloc(8);
    reply.writeInt32LE(constants.errno.EOPNOTSUPP, 0);
    return Promise.resolve(reply);
  }

  async close(): Promise<void> {
    this.#closed = true;
  }

  /** Names of a table's chains, or undefined when there is no such table. */
  chains(family: Family, table: string): readonly string[] | undefined {
    const found = this.#tables.get(`${familyNumber(family)} ${table}`);
    return found === undefined ? undefined : [...found.chains.keys()];
  }

  /** A set's elements: packed key to packed data, to the chain of a verdict, or to `''`. */
  elements(set: AnySet): ReadonlyMap<PackedValue, PackedValue> {
    const { family, name } = set.table;
    const found = this.#tables.get(`${familyNumber(family)} ${name}`)?.sets.get(set.name);
    if (found === undefined) throw new Error(`no ${set.kind} ${family} ${name} ${set.name}`);
    return new Map([...found.elements].map(([key, { data, chain }]) => [key, data ?? chain ?? '']));
  }
}

const NONE = 0xffffffff;
const ELEMENTS = 3;
const LIST_ELEM = 1;

function aborted(failures: readonly { readonly index: number; readonly refusal: Refusal }[]): Uint8Array {
  const words = [1, 0, 0, failures.length, 0, 0, 0, 0];
  for (const { index, refusal } of failures) {
    const { errno, attribute, element } = refusal;
    const path =
      element === undefined
        ? attribute === undefined
          ? []
          : [attribute]
        : [ELEMENTS, LIST_ELEM | (element << 16)];
    words.push(index, errno, element ?? NONE, path.length, ...path, 0);
  }
  return new Uint8Array(new Uint32Array(words).buffer);
}
