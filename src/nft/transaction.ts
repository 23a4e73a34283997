import { InvalidArgumentError } from '../invalid-argument.ts';
import type { NativeOutcome } from '../native/contract.ts';
import { readOutcome } from '../netlink/outcome.ts';
import type { Transport } from '../netlink/transport.ts';
import type { Chain } from './chain.ts';
import { checkDevices, type DevicePattern } from './device.ts';
import type { Operation } from './failure.ts';
import { familyNumber } from './family.ts';
import type { Flowtable } from './flowtable.ts';
import { runNow } from './interval/range-list.ts';
import { isStatefulObject, type StatefulObject } from './object/kinds.ts';
import { type ElementRows, PlainRows, type RowUse, rowsOf } from './pack/element-rows.ts';
import type { MergedRange } from './pack/interval-rows.ts';
import { NewSets } from './pack/new-sets.ts';
import { packPackedElements } from './pack/packed-elements.ts';
import {
  packChain,
  packChainName,
  packRuleChain,
  packSet,
  packSetName,
  packTable,
  packTableName,
} from './pack/packed-objects.ts';
import {
  packDevices,
  packFlowtable,
  packFlowtableName,
  packObject,
  packObjectName,
} from './pack/packed-raw.ts';
import { type PackedValue, unpackValue } from './pack/packed-value.ts';
import { CHECK_ONLY, PackedWriter } from './pack/packed-writer.ts';
import { ruleMessages } from './pack/rule-messages.ts';
import { NFT_MSG, NFTNL_RULE, NLM_F } from './pack/uapi.ts';
import type { Rule, RuleHandle } from './rule.ts';
import type { RuleBody } from './rule-body.ts';
import type { AnySet, ElementOf, KeyOf } from './set.ts';
import type { Table } from './table.ts';
import { transactionError } from './transaction-error.ts';

/** What can be added and deleted as a whole. */
export type NftObject = Table | Chain | AnySet | StatefulObject | Flowtable;

/** The kernel has made every change of a transaction. */
export interface Committed {
  readonly outcome: 'committed';
  /** Time that the kernel took, inside `sendmsg`. */
  readonly kernelTimeMs: number;
}

/** How a transaction is committed. */
export interface CommitOptions {
  /**
   * The generation (`Nftables.generation`, `Snapshot.generation`) that the ruleset must still be of; otherwise nothing is
   * changed, and the commit fails with GenerationConflictError. A transaction without operations is not compared.
   */
  readonly ifGeneration?: number;
  /**
   * When it is aborted before the transaction is sent, nothing is sent, and the commit rejects with the signal's reason (an
   * AbortError, when none was given). What was sent is waited for: a signal can't take it back, and `commit` never says that
   * it was not made.
   */
  readonly signal?: AbortSignal;
}

type Details = Pick<Operation, 'elementAt'> & { readonly rule?: RuleBody };

type ElementVerb = 'add' | 'create' | 'delete' | 'destroy';

interface ElementOperation {
  readonly message: number;
  readonly flags: number;
  readonly use: RowUse;
}

const ELEMENT_VERBS: Readonly<Record<ElementVerb, ElementOperation>> = {
  add: { message: NFT_MSG.newSetElem, flags: NLM_F.create, use: 'elements' },
  create: { message: NFT_MSG.newSetElem, flags: NLM_F.create | NLM_F.excl, use: 'elements' },
  delete: { message: NFT_MSG.delSetElem, flags: 0, use: 'keys' },
  destroy: { message: NFT_MSG.destroySetElem, flags: 0, use: 'keys' },
};

/** For those inside the library that pack the elements of one call in parts. */
export const PACK_ROWS = Symbol('pack rows');

const NOTHING_TO_DO: Committed = Object.freeze({ outcome: 'committed', kernelTimeMs: 0 });

/**
 * Changes that the kernel makes together or not at all. Each call checks its arguments and packs one operation; nothing
 * is sent before `commit`. A transaction is committed once.
 */
export class Transaction {
  readonly #transport: Transport;
  readonly #writer = new PackedWriter();
  /** By packed operation: a rule with sets or chains without a name is several of them and one call. */
  readonly #operations: Operation[] = [];
  readonly #newSets = new NewSets(this.#writer);
  readonly #merged: MergedRange[] = [];
  #calls = 0;
  #lastSetId = 0;
  #lastChainId = 0;
  #committed = false;

  /** @internal */
  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** How many calls it holds. */
  get size(): number {
    return this.#calls;
  }

  /** Ranges of sets with `autoMerge` that were given one by one and became one. */
  get merged(): readonly MergedRange[] {
    return this.#merged;
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

  /** Takes interfaces away from a netdev or ingress chain, or from a flowtable; `add` adds more. Kernel 6.4 or newer. */
  deleteDevices(from: Chain | Flowtable, devices: readonly DevicePattern[]): this {
    const names = checkDevices('devices', devices);
    if (names.length === 0) return this;
    const message = from.kind === 'chain' ? NFT_MSG.delChain : NFT_MSG.delFlowtable;
    return this.#operation('delete', from.kind, from, message, 0, (writer) => {
      if (from.kind === 'chain') packChainName(writer, from);
      else packFlowtableName(writer, from);
      packDevices(writer, from, names);
    });
  }

  /** Empties a table (of its rules), a chain (of its rules) or a set (of its elements). */
  flush(object: Table | Chain | AnySet): this {
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
    return this.#elements('add', set, elements);
  }

  /** Adds elements none of which may exist (EEXIST). */
  createElements<S extends AnySet>(set: S, elements: Iterable<ElementOf<S>>): this {
    return this.#elements('create', set, elements);
  }

  /** Deletes elements, all of which must exist (ENOENT). */
  deleteElements<S extends AnySet>(set: S, keys: Iterable<KeyOf<S>>): this {
    return this.#elements('delete', set, keys);
  }

  /** Deletes those elements that exist; the set must (ENOENT). Kernel 6.3 or newer. */
  destroyElements<S extends AnySet>(set: S, keys: Iterable<KeyOf<S>>): this {
    return this.#elements('destroy', set, keys);
  }

  /**
   * `addElements` with values that `packValue` made, `keys[i]` with `data[i]`: the fast way for those who keep many. Not for
   * verdict maps, sets with intervals, timeouts or comments, and it gives a set no size.
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
  async commit(options: CommitOptions = {}): Promise<Committed> {
    options.signal?.throwIfAborted();
    const generation = generationOf(options);
    const packed = this.#finish(generation);
    if (packed === undefined) return NOTHING_TO_DO;
    return this.#settle(await this.#transport.transact(packed), generation);
  }

  /**
   * Lets the kernel check everything and changes nothing, as `nft -c` does; rejects with the same TransactionError that
   * `commit` would. The transaction can go on and be committed afterwards. Not found are failures of the commit itself: a lack
   * of memory, or a set without a name that no rule uses. Like every abort it takes the kernel some 5 ms.
   */
  async check(options: CommitOptions = {}): Promise<void> {
    options.signal?.throwIfAborted();
    const generation = generationOf(options);
    this.#mustBeOpen();
    if (this.#writer.operations === 0) return;
    // A copy: the transaction may grow, or be committed, while the check still waits for its turn.
    const packed = this.#writer.finish(generation, CHECK_ONLY).slice();
    this.#settle(await this.#transport.transact(packed), generation);
  }

  /**
   * The same on this thread: for small transactions, where handing over takes longer than the kernel does. Throws
   * TransactionError, and PendingError while something asynchronous is under way on the same Nftables: nothing was sent then, and the transaction can still be committed.
   */
  commitSync(options: Pick<CommitOptions, 'ifGeneration'> = {}): Committed {
    const generation = generationOf(options);
    const packed = this.#finish(generation);
    if (packed === undefined) return NOTHING_TO_DO;
    return this.#settle(this.#sendSync(packed), generation);
  }

  #sendSync(packed: Uint8Array): NativeOutcome {
    try {
      return this.#transport.transactSync(packed);
    } catch (error) {
      this.#committed = false;
      throw error;
    }
  }

  #finish(generation: number): Uint8Array | undefined {
    this.#mustBeOpen();
    this.#committed = true;
    return this.#writer.operations === 0 ? undefined : this.#writer.finish(generation);
  }

  #mustBeOpen(): void {
    if (this.#committed) throw new Error('this transaction was committed already; make another one');
  }

  #settle(outcome: NativeOutcome, generation: number): Committed {
    if (typeof outcome === 'number') return { outcome: 'committed', kernelTimeMs: outcome / 1e6 };
    throw transactionError(readOutcome(outcome), this.#operations, generation);
  }

  #newObject(verb: 'add' | 'create', object: NftObject, flags: number): this {
    if (isStatefulObject(object)) {
      return this.#operation(verb, 'object', object, NFT_MSG.newObj, flags, (writer) =>
        packObject(writer, object),
      );
    }
    switch (object.kind) {
      case 'flowtable':
        return this.#operation(verb, 'flowtable', object, NFT_MSG.newFlowtable, flags, (writer) =>
          packFlowtable(writer, object),
        );
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
          this.#newSets.add(object, packSet(writer, object, ++this.#lastSetId)),
        );
    }
  }

  #newRule(
    verb: 'add' | 'insert' | 'replace',
    rule: Rule,
    flags: number,
    place: (writer: PackedWriter) => void = () => undefined,
  ): this {
    const family = familyNumber(rule.chain.table.family);
    const numbers = { nextSet: () => ++this.#lastSetId, nextChain: () => ++this.#lastChainId };
    for (const { message, flags: own, body, pack } of ruleMessages(rule, flags, numbers, place)) {
      this.#write(this.#describe(verb, 'rule', rule.chain, { rule: body }), message, own, family, pack);
    }
    this.#calls++;
    return this;
  }

  #remove(verb: 'delete' | 'destroy', object: NftObject | RuleHandle): this {
    const destroy = verb === 'destroy';
    if (object.kind !== 'rule handle' && isStatefulObject(object)) {
      const message = destroy ? NFT_MSG.destroyObj : NFT_MSG.delObj;
      return this.#operation(verb, 'object', object, message, 0, (writer) => packObjectName(writer, object));
    }
    switch (object.kind) {
      case 'flowtable':
        return this.#operation(
          verb,
          'flowtable',
          object,
          destroy ? NFT_MSG.destroyFlowtable : NFT_MSG.delFlowtable,
          0,
          (writer) => packFlowtableName(writer, object),
        );
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

  #elements(verb: ElementVerb, set: AnySet, elements: Iterable<unknown>): this {
    const list = Array.isArray(elements) ? elements : Array.from(elements);
    // Without a list of elements the kernel would delete all of them.
    if (list.length === 0) return this;
    const { use } = ELEMENT_VERBS[verb];
    const rows = set.intervals ? runNow(rowsOf(set, list, use)) : new PlainRows(set, list, use);
    this[PACK_ROWS](verb, set, rows, 0, rows.count);
    return this;
  }

  /**
   * Packs rows of one call, from one up to another; the whole is one operation to errors. For those who pack in parts.
   * @internal
   */
  [PACK_ROWS](verb: ElementVerb, set: AnySet, rows: ElementRows, from: number, to: number): void {
    const { message, flags, use } = ELEMENT_VERBS[verb];
    if (from === 0 && use === 'elements') {
      this.#newSets.fill(set, rows);
      for (const each of rows.merged ?? []) this.#merged.push(each);
    }
    const operation = this.#describe(verb, 'element', set, {
      elementAt: (packed) => {
        const index = rows.sourceOf(from, packed);
        return { index, key: rows.keyAt(index) };
      },
    });
    this.#write(operation, message, flags, familyNumber(set.table.family), (writer) => {
      packSetName(writer, set);
      rows.pack(writer, from, to);
    });
    if (to === rows.count) this.#calls++;
  }

  #packedElements(
    verb: 'add' | 'delete',
    set: AnySet,
    keys: readonly PackedValue[],
    data: readonly PackedValue[] | undefined,
  ): this {
    if (keys.length === 0) return this;
    if (set.intervals) throw new InvalidArgumentError('set', set.name, 'one without intervals');
    if (verb === 'add' && set.kind !== 'set' && data === undefined) {
      throw new InvalidArgumentError('data', data, `the data of a ${set.kind}`);
    }
    const message = verb === 'add' ? NFT_MSG.newSetElem : NFT_MSG.delSetElem;
    const flags = verb === 'add' ? NLM_F.create : 0;
    const elementAt = (index: number) => ({ index, key: unpackValue(set.key, keys[index] ?? '') });
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
      elementAt,
    );
  }

  #operation(
    verb: Operation['verb'],
    kind: Operation['kind'],
    object: NftObject,
    message: number,
    flags: number,
    pack: (writer: PackedWriter) => void,
    elementAt?: NonNullable<Operation['elementAt']>,
  ): this {
    const { family } = object.kind === 'table' ? object : object.table;
    const operation = this.#describe(verb, kind, object, elementAt === undefined ? {} : { elementAt });
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
    this.#mustBeOpen();
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

/** The header's field: 0 for any generation. */
function generationOf({ ifGeneration }: Pick<CommitOptions, 'ifGeneration'>): number {
  if (ifGeneration === undefined) return 0;
  if (Number.isInteger(ifGeneration) && ifGeneration > 0 && ifGeneration <= 0xffffffff) return ifGeneration;
  throw new InvalidArgumentError('ifGeneration', ifGeneration, 'a generation (1 to 4294967295)');
}

/** Made for every operation, and looked at only when one fails: so the text is made when it is asked for. */
class DescribedOperation implements Operation {
  readonly index: number;
  readonly verb: Operation['verb'];
  readonly kind: Operation['kind'];
  readonly object: NftObject;
  readonly elementAt?: NonNullable<Operation['elementAt']>;
  readonly #rule: RuleBody | undefined;

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
    if (more.elementAt !== undefined) this.elementAt = more.elementAt;
    this.#rule = more.rule;
  }

  get expressions(): readonly string[] | undefined {
    return this.#rule?.expressions.map(({ name }) => name);
  }

  get set(): AnySet | undefined {
    return this.kind === 'element' ? (this.object as AnySet) : undefined;
  }

  get target(): string {
    const { object } = this;
    if (object.kind === 'table') return `table ${object.family} ${object.name}`;
    const { family, name } = object.table;
    const ofChain = this.kind === 'rule' && this.verb !== 'flush';
    return `${ofChain ? 'rule of chain' : object.kind} ${family} ${name} ${object.name}`;
  }
}
