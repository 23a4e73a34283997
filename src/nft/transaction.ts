import { InvalidArgumentError } from '../invalid-argument.ts';
import type { NativeOutcome } from '../native/contract.ts';
import { readOutcome } from '../netlink/outcome.ts';
import type { Transport } from '../netlink/transport.ts';
import type { Chain } from './chain.ts';
import type { AnonymousSet } from './expression/anonymous-set.ts';
import type { Operation } from './failure.ts';
import { familyNumber } from './family.ts';
import { keyOf, packElementKeys, packElements, packPackedElements } from './pack/packed-elements.ts';
import {
  packAnonymousElements,
  packAnonymousSet,
  packChain,
  packChainName,
  packRule,
  packRuleChain,
  packSet,
  packSetName,
  packTable,
  packTableName,
} from './pack/packed-objects.ts';
import { type PackedValue, unpackValue } from './pack/packed-value.ts';
import { PackedWriter } from './pack/packed-writer.ts';
import { NFT_MSG, NFTNL_RULE, NLM_F } from './pack/uapi.ts';
import type { Rule, RuleHandle } from './rule.ts';
import type { AnySet, ElementOf } from './set.ts';
import type { Table } from './table.ts';
import { TransactionError } from './transaction-error.ts';

/** What can be added and deleted as a whole. */
export type NftObject = Table | Chain | AnySet;

/** The kernel has made every change of a transaction. */
export interface Committed {
  readonly outcome: 'committed';
  /** Time that the kernel took, inside `sendmsg`. */
  readonly kernelTimeMs: number;
}

/** The key type of a set's description. */
export type KeyOf<S> = S extends {
  readonly key: { write(value: infer K, into: Uint8Array, offset: number): void };
}
  ? K
  : never;

type Details = Pick<Operation, 'keyAt' | 'expressions'>;

const NOTHING_TO_DO: Committed = Object.freeze({ outcome: 'committed', kernelTimeMs: 0 });

/**
 * Changes that the kernel makes together or not at all. Each call checks its arguments and packs one operation; nothing
 * is sent before `commit`. A transaction is committed once.
 */
export class Transaction {
  readonly #transport: Transport;
  readonly #writer = new PackedWriter();
  /** By packed operation: a rule with anonymous sets is several of them and one call. */
  readonly #operations: Operation[] = [];
  #calls = 0;
  #lastSetId = 0;
  #committed = false;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** How many calls it holds. */
  get size(): number {
    return this.#calls;
  }

  /**
   * Adds something; what exists already stays as it is (but a table takes on `dormant`, and a base chain its policy). A
   * rule goes to the end of its chain, and is another one each time.
   */
  add(object: NftObject | Rule): this {
    if (object.kind === 'rule') return this.#newRule('add', object, NLM_F.create | NLM_F.append);
    return this.#newObject('add', object, NLM_F.create);
  }

  /** Adds something that must not exist yet (EEXIST). */
  create(object: NftObject): this {
    return this.#newObject('create', object, NLM_F.create | NLM_F.excl);
  }

  /** Puts a rule at the start of its chain, or in front of another rule of it. */
  insert(rule: Rule, before?: RuleHandle): this {
    return this.#newRule('insert', rule, NLM_F.create, (writer) => {
      if (before !== undefined) writer.u64(NFTNL_RULE.position, before.handle);
    });
  }

  /** Puts a rule in the place of another one of the same chain. */
  replace(old: RuleHandle, rule: Rule): this {
    return this.#newRule('replace', rule, NLM_F.create | NLM_F.replace, (writer) => {
      writer.u64(NFTNL_RULE.handle, old.handle);
    });
  }

  /** Deletes something that must exist (ENOENT); a chain or set must not be in use (EBUSY). */
  delete(object: NftObject | RuleHandle): this {
    return this.#remove('delete', object);
  }

  /** Deletes something if it exists; the table that it would be in must (ENOENT). Kernel 6.3 or newer. */
  destroy(object: NftObject | RuleHandle): this {
    return this.#remove('destroy', object);
  }

  /** Empties a table (of its rules), a chain (of its rules) or a set (of its elements). */
  flush(object: NftObject): this {
    if (object.kind === 'table' || object.kind === 'chain') {
      return this.#operation('flush', 'rule', object, NFT_MSG.delRule, 0, (writer) => {
        if (object.kind === 'chain') packRuleChain(writer, object);
        else writer.text(NFTNL_RULE.table, object.name);
      });
    }
    return this.#operation('flush', 'element', object, NFT_MSG.delSetElem, 0, (writer) =>
      packSetName(writer, object),
    );
  }

  /** Adds elements; one that is there already stays, unless its data differs (EEXIST). */
  addElements<S extends AnySet>(set: S, elements: Iterable<ElementOf<S>>): this {
    return this.#newElements('add', set, elements, NLM_F.create);
  }

  /** Adds elements none of which may exist (EEXIST). */
  createElements<S extends AnySet>(set: S, elements: Iterable<ElementOf<S>>): this {
    return this.#newElements('create', set, elements, NLM_F.create | NLM_F.excl);
  }

  /** Deletes elements, all of which must exist (ENOENT). */
  deleteElements<S extends AnySet>(set: S, keys: Iterable<KeyOf<S>>): this {
    return this.#removeElements('delete', set, keys);
  }

  /** Deletes those elements that exist; the set must (ENOENT). Kernel 6.3 or newer. */
  destroyElements<S extends AnySet>(set: S, keys: Iterable<KeyOf<S>>): this {
    return this.#removeElements('destroy', set, keys);
  }

  /**
   * `addElements` with values that `packValue` made, `keys[i]` with `data[i]`: the fast way for those who keep many. Not for
   * verdict maps, timeouts or comments.
   */
  addPackedElements(set: AnySet, keys: readonly PackedValue[], data?: readonly PackedValue[]): this {
    return this.#packedElements('add', set, keys, data);
  }

  /** `deleteElements` with values that `packValue` made. */
  deletePackedElements(set: AnySet, keys: readonly PackedValue[]): this {
    return this.#packedElements('delete', set, keys, undefined);
  }

  /**
   * Sends everything in one batch, off this thread. Rejects with TransactionError. Several commits may be under way: they
   * are made one after the other, in the order of the calls.
   */
  async commit(): Promise<Committed> {
    const packed = this.#finish();
    return packed === undefined ? NOTHING_TO_DO : this.#settle(await this.#transport.transact(packed));
  }

  /**
   * The same on this thread: for small transactions, where handing over takes longer than the kernel does. Throws
   * TransactionError, and an error with code `ERR_NFTLINK_PENDING` while something asynchronous is under way on the same
   * Nftables: nothing was sent then, and the transaction can still be committed.
   */
  commitSync(): Committed {
    const packed = this.#finish();
    if (packed === undefined) return NOTHING_TO_DO;
    return this.#settle(this.#sendSync(packed));
  }

  #sendSync(packed: Uint8Array): NativeOutcome {
    try {
      return this.#transport.transactSync(packed);
    } catch (error) {
      this.#committed = false;
      throw error;
    }
  }

  #finish(): Uint8Array | undefined {
    if (this.#committed) throw new Error('this transaction was committed already; make another one');
    this.#committed = true;
    return this.#writer.operations === 0 ? undefined : this.#writer.finish(0);
  }

  #settle(outcome: NativeOutcome): Committed {
    if (typeof outcome === 'number') return { outcome: 'committed', kernelTimeMs: outcome / 1e6 };
    throw new TransactionError(readOutcome(outcome), this.#operations);
  }

  #newObject(verb: 'add' | 'create', object: NftObject, flags: number): this {
    switch (object.kind) {
      case 'table':
        return this.#operation(verb, 'table', object, NFT_MSG.newTable, flags, (writer) =>
          packTable(writer, object),
        );
      case 'chain':
        return this.#operation(verb, 'chain', object, NFT_MSG.newChain, flags, (writer) =>
          packChain(writer, object),
        );
      default:
        return this.#operation(verb, 'set', object, NFT_MSG.newSet, flags, (writer) =>
          packSet(writer, object, ++this.#lastSetId),
        );
    }
  }

  #newRule(
    verb: 'add' | 'insert' | 'replace',
    rule: Rule,
    flags: number,
    place?: (writer: PackedWriter) => void,
  ): this {
    const { table } = rule.chain;
    const family = familyNumber(table.family);
    const ids = new Map<AnonymousSet, number>();
    const operation = this.#describe(verb, 'rule', rule.chain, {
      expressions: rule.expressions.map(({ name }) => name),
    });
    for (const { anonymousSet } of rule.expressions) {
      if (anonymousSet === undefined || ids.has(anonymousSet)) continue;
      const id = ++this.#lastSetId;
      ids.set(anonymousSet, id);
      this.#write(operation, NFT_MSG.newSet, NLM_F.create, family, (writer) =>
        packAnonymousSet(writer, table.name, anonymousSet, id),
      );
      this.#write(operation, NFT_MSG.newSetElem, NLM_F.create, family, (writer) =>
        packAnonymousElements(writer, table.name, anonymousSet, id),
      );
    }
    this.#write(operation, NFT_MSG.newRule, flags, family, (writer) => {
      packRuleChain(writer, rule.chain);
      place?.(writer);
      packRule(writer, rule, (set) => ids.get(set) ?? 0);
    });
    this.#calls++;
    return this;
  }

  #remove(verb: 'delete' | 'destroy', object: NftObject | RuleHandle): this {
    const destroy = verb === 'destroy';
    switch (object.kind) {
      case 'table':
        return this.#operation(
          verb,
          'table',
          object,
          destroy ? NFT_MSG.destroyTable : NFT_MSG.delTable,
          0,
          (writer) => packTableName(writer, object),
        );
      case 'chain':
        return this.#operation(
          verb,
          'chain',
          object,
          destroy ? NFT_MSG.destroyChain : NFT_MSG.delChain,
          0,
          (writer) => packChainName(writer, object),
        );
      case 'rule handle':
        return this.#operation(
          verb,
          'rule',
          object.chain,
          destroy ? NFT_MSG.destroyRule : NFT_MSG.delRule,
          0,
          (writer) => {
            packRuleChain(writer, object.chain);
            writer.u64(NFTNL_RULE.handle, object.handle);
          },
        );
      default:
        return this.#operation(
          verb,
          'set',
          object,
          destroy ? NFT_MSG.destroySet : NFT_MSG.delSet,
          0,
          (writer) => packSetName(writer, object),
        );
    }
  }

  #newElements(verb: 'add' | 'create', set: AnySet, elements: Iterable<unknown>, flags: number): this {
    const list = Array.isArray(elements) ? elements : Array.from(elements);
    if (list.length === 0) return this;
    const keyAt = (index: number) => keyOf(set, list[index]);
    return this.#operation(
      verb,
      'element',
      set,
      NFT_MSG.newSetElem,
      flags,
      (writer) => {
        packSetName(writer, set);
        packElements(writer, set, list);
      },
      keyAt,
    );
  }

  #removeElements(verb: 'delete' | 'destroy', set: AnySet, keys: Iterable<unknown>): this {
    const list = Array.isArray(keys) ? keys : Array.from(keys);
    // Without a list of elements the kernel would delete all of them.
    if (list.length === 0) return this;
    const message = verb === 'delete' ? NFT_MSG.delSetElem : NFT_MSG.destroySetElem;
    return this.#operation(
      verb,
      'element',
      set,
      message,
      0,
      (writer) => {
        packSetName(writer, set);
        packElementKeys(writer, set, list);
      },
      (index) => list[index],
    );
  }

  #packedElements(
    verb: 'add' | 'delete',
    set: AnySet,
    keys: readonly PackedValue[],
    data: readonly PackedValue[] | undefined,
  ): this {
    if (keys.length === 0) return this;
    if (verb === 'add' && set.kind !== 'set' && data === undefined) {
      throw new InvalidArgumentError('data', data, `the data of a ${set.kind}`);
    }
    const message = verb === 'add' ? NFT_MSG.newSetElem : NFT_MSG.delSetElem;
    const flags = verb === 'add' ? NLM_F.create : 0;
    const keyAt = (index: number) => unpackValue(set.key, keys[index] ?? '');
    return this.#operation(
      verb,
      'element',
      set,
      message,
      flags,
      (writer) => {
        packSetName(writer, set);
        packPackedElements(writer, set, keys, data);
      },
      keyAt,
    );
  }

  #operation(
    verb: Operation['verb'],
    kind: Operation['kind'],
    object: NftObject,
    message: number,
    flags: number,
    pack: (writer: PackedWriter) => void,
    keyAt?: (index: number) => unknown,
  ): this {
    const { family } = object.kind === 'table' ? object : object.table;
    const operation = this.#describe(verb, kind, object, keyAt === undefined ? {} : { keyAt });
    this.#write(operation, message, flags, familyNumber(family), pack);
    this.#calls++;
    return this;
  }

  #describe(verb: Operation['verb'], kind: Operation['kind'], object: NftObject, more: Details): Operation {
    return new DescribedOperation(this.#calls, verb, kind, object, more);
  }

  #write(
    operation: Operation,
    message: number,
    flags: number,
    family: number,
    pack: (writer: PackedWriter) => void,
  ): void {
    if (this.#committed) throw new Error('this transaction was committed already; make another one');
    this.#writer.beginOperation(message, flags, family);
    try {
      pack(this.#writer);
    } catch (error) {
      this.#writer.abandonOperation();
      throw error;
    }
    this.#writer.endOperation();
    this.#operations.push(operation);
  }
}

/** Made for every operation, and looked at only when one fails: so the text is made when it is asked for. */
class DescribedOperation implements Operation {
  readonly index: number;
  readonly verb: Operation['verb'];
  readonly kind: Operation['kind'];
  readonly object: NftObject;
  readonly keyAt?: (index: number) => unknown;
  readonly expressions?: readonly string[];

  constructor(
    index: number,
    verb: Operation['verb'],
    kind: Operation['kind'],
    object: NftObject,
    more: Details,
  ) {
    this.index = index;
    this.verb = verb;
    this.kind = kind;
    this.object = object;
    if (more.keyAt !== undefined) this.keyAt = more.keyAt;
    if (more.expressions !== undefined) this.expressions = more.expressions;
  }

  get target(): string {
    const { object } = this;
    if (object.kind === 'table') return `table ${object.family} ${object.name}`;
    const { family, name } = object.table;
    const ofChain = this.kind === 'rule' && this.verb !== 'flush';
    return `${ofChain ? 'rule of chain' : object.kind} ${family} ${name} ${object.name}`;
  }
}
