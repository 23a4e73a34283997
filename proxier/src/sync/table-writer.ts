import { type AnySet, type Chain, goto, type PackedValue, type Transaction } from 'nftlink';
import type { ChainSpec } from '../layout/chain-spec.ts';
import type { ChainPlace } from '../layout/class-chains.ts';
import { chainName } from '../layout/fixed-chains.ts';
import { classMark } from '../layout/numbers.ts';
import { type ClusterSet, DISPATCH_MAPS, type OwnSet } from '../layout/set-names.ts';
import { anySet } from '../layout/sets.ts';
import { unpackSource } from '../layout/source-key.ts';
import type { Difference } from './diff.ts';
import type { Leftovers, Programmed } from './programmed.ts';

/** Which elements an operation of a transaction is about: what the kernel refuses is found by it. */
export interface ElementNote {
  /** Which call on the transaction it is. */
  readonly operation: number;
  readonly set: ClusterSet;
  readonly keys: readonly PackedValue[];
}

/** Which chain an operation is about. */
export interface ChainNote {
  readonly operation: number;
  /** Without its epoch. */
  readonly chain: string;
}

/** What a transaction is to make of a table's frame. */
export interface Frame {
  readonly createTable: boolean;
  readonly missingSets: readonly OwnSet[];
  readonly foreignBases: readonly Chain[];
  /** Fixed chains whose rules are to be written, and which of them are there already. */
  readonly fixed: readonly ChainSpec[];
  readonly presentFixed: ReadonlySet<string>;
}

/** Puts what is to be done to one family's table into a transaction. */
export class TableWriter {
  readonly elementNotes: ElementNote[] = [];
  readonly chainNotes: ChainNote[] = [];
  readonly #transaction: Transaction;
  readonly #place: ChainPlace;

  constructor(transaction: Transaction, place: ChainPlace) {
    this.#transaction = transaction;
    this.#place = place;
  }

  /** The table, its sets and its fixed chains, empty. */
  writeFrame(frame: Frame): void {
    const transaction = this.#transaction;
    const { sets } = this.#place;
    if (frame.createTable) transaction.add(sets.table);
    for (const chain of frame.foreignBases) transaction.flush(chain).delete(chain);
    for (const { chain } of frame.fixed) if (!frame.presentFixed.has(chain.name)) transaction.add(chain);
    for (const set of frame.missingSets) transaction.add(anySet(sets, set));
  }

  /** What nothing leads to any more: rules first, then sets, whose elements may lead to chains. */
  deleteLeftovers({ chains, sets }: Leftovers): void {
    for (const chain of chains) this.#transaction.flush(chain);
    for (const set of sets) this.#transaction.delete(set);
    for (const chain of chains) this.#transaction.delete(chain);
  }

  writeChains({ writtenChains, removedChains }: Difference, programmed: Programmed): void {
    const removed = removedChains.map((name) => this.#chainNamed(name));
    for (const chain of removed) this.#transaction.flush(chain);
    for (const chain of removed) this.#transaction.delete(chain);
    for (const { name, spec } of writtenChains) {
      this.#noteChain(name);
      if (programmed.chains.has(name)) this.#transaction.flush(spec.chain);
      else this.#transaction.add(spec.chain);
    }
    for (const { name, spec } of writtenChains) {
      for (const rule of spec.rules()) {
        this.#noteChain(name);
        this.#transaction.add(rule);
      }
    }
  }

  writeFixedRules({ fixed, presentFixed }: Frame): void {
    for (const { chain } of fixed) if (presentFixed.has(chain.name)) this.#transaction.flush(chain);
    for (const { rules } of fixed) for (const rule of rules()) this.#transaction.add(rule);
  }

  writeDispatch({ dispatched, undispatched }: Difference, programmed: Programmed): void {
    const { sets } = this.#place;
    for (const map of DISPATCH_MAPS) {
      if (dispatched[map].size + undispatched[map].length === 0) continue;
      // One that leads elsewhere must go before it may come.
      const wrong = [...dispatched[map].keys()].filter((number) => programmed.dispatch[map].has(number));
      this.#transaction.deleteElements(sets[map], [...undispatched[map], ...wrong].map(classMark));
      const added = [...dispatched[map]].map(
        ([number, name]) => [classMark(number), goto(this.#chainNamed(name))] as const,
      );
      this.#transaction.addElements(sets[map], added);
    }
  }

  /** Deletions and additions of one set. */
  writeElements(set: ClusterSet, { added, deleted }: Difference): void {
    const { sets } = this.#place;
    if (deleted[set].length > 0) {
      this.#noteElements(set, deleted[set]);
      if (set === 'allowedSources') {
        this.#transaction.deleteElements(
          sets.allowedSources,
          deleted[set].map((key) => unpackSource(sets, key)),
        );
      } else {
        this.#transaction.deletePackedElements(anySet(sets, set), deleted[set]);
      }
    }
    if (added[set].size === 0) return;
    const keys = [...added[set].keys()];
    this.#noteElements(set, keys);
    if (set === 'allowedSources') {
      this.#transaction.addElements(
        sets.allowedSources,
        keys.map((key) => unpackSource(sets, key)),
      );
      return;
    }
    const target: AnySet = anySet(sets, set);
    this.#transaction.addPackedElements(
      target,
      keys,
      target.kind === 'map' ? [...added[set].values()] : undefined,
    );
  }

  #noteElements(set: ClusterSet, keys: readonly PackedValue[]): void {
    this.elementNotes.push({ operation: this.#transaction.size, set, keys });
  }

  #noteChain(chain: string): void {
    this.chainNotes.push({ operation: this.#transaction.size, chain });
  }

  /** A class chain, a sticky one, or one of the fixed chains that classes lead to. */
  #chainNamed(name: string): Chain {
    const { sets, epoch } = this.#place;
    return { kind: 'chain', table: sets.table, name: chainName(name, epoch) };
  }
}
