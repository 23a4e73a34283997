import { type KernelFeatures, probeFeatures } from './features.ts';
import { InvalidArgumentError } from './invalid-argument.ts';
import { type MonitorEvent, type MonitorOptions, openMonitor } from './monitor/monitor.ts';
import { openTableChanges, type TableChanges } from './monitor/table-changes.ts';
import { openTrace, type TraceEvent } from './monitor/trace.ts';
import { textAttribute, u64Attribute } from './netlink/attribute.ts';
import type { EventStream } from './netlink/event-stream.ts';
import { type Message, messages } from './netlink/message.ts';
import { NativeTransport } from './netlink/native-transport.ts';
import type { NetworkNamespace } from './netlink/open-error.ts';
import { ask, askBytes } from './netlink/request.ts';
import type { ListenOptions, Transport } from './netlink/transport.ts';
import type { Chain } from './nft/chain.ts';
import { type Family, familyNumber } from './nft/family.ts';
import { FeatureMissingError, type FeatureName } from './nft/feature.ts';
import type { Flowtable } from './nft/flowtable.ts';
import type { ObjectKind, ObjectOfKind, StatefulObject } from './nft/object/kinds.ts';
import type { PackedValue } from './nft/pack/packed-value.ts';
import { NFT_MSG, NFTA_FLOWTABLE, NLM_F } from './nft/pack/uapi.ts';
import type { RuleHandle } from './nft/rule.ts';
import type { AnySet } from './nft/set.ts';
import type { Table } from './nft/table.ts';
import { type Committed, type NftObject, Transaction } from './nft/transaction.ts';
import { dumpElements, readGeneration } from './read/element-dump.ts';
import { setNameAttributes } from './read/element-request.ts';
import { eachElement, type ListedElementOf } from './read/elements.ts';
import { lazyElements } from './read/lazy-elements.ts';
import {
  type ListedRule,
  type ListedRuleHandle,
  readChain,
  readRule,
  readRuleHandle,
  readSet,
  readTable,
} from './read/objects.ts';
import { readPackedElements } from './read/packed-elements.ts';
import { resetDump } from './read/reset-elements.ts';
import { type ReadOptions, readEach, Slices } from './read/slices.ts';
import { type Snapshot, type SnapshotOptions, takeSnapshot } from './read/snapshot.ts';
import { askObject, objectsRequest, readFlowtable, readObject, unlessGone } from './read/stateful.ts';
import { NFTA_CHAIN, NFTA_RULE, NFTA_SET, NFTA_TABLE } from './read/uapi.ts';
import { SetHandle } from './sets/set-handle.ts';
import { type UpdateBuilder, type UpdateOptions, update } from './update.ts';

/** How `Nftables.open` is told where. */
export interface OpenOptions {
  /** Default: the namespace of this process. */
  readonly netns?: NetworkNamespace;
}

/** What a listing of rules takes in. */
export interface ListRulesOptions extends ReadOptions {
  /** False: handles and comments only. Default: true. */
  readonly expressions?: boolean;
}

const NO_ATTRIBUTES = new Uint8Array(0);
const ANY_FAMILY = 0;

/**
 * nftables in one network namespace. Keep it open: a socket for each change costs up to 7.6 ms. Close it with `close()` or
 * `await using`.
 */
export class Nftables implements AsyncDisposable {
  readonly #transport: Transport;
  #features: Promise<KernelFeatures> | undefined;
  readonly #streams = new Set<EventStream<unknown>>();

  /** For tests that bring their own kernel; everyone else calls `Nftables.open`. */
  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** Opens a socket. Throws AddonLoadError or OpenError. */
  static open(options: OpenOptions = {}): Nftables {
    return new Nftables(new NativeTransport(options.netns));
  }

  /** Changes that are made together or not at all. */
  transaction(): Transaction {
    return new Transaction(this.#transport);
  }

  /**
   * The tables, of one family or of all. Like every list it is of one moment: one that a change interrupted is asked for
   * again. All lists reject with RequestError: `ENOENT` where what they are of does not exist, `EINTR` where changes come
   * so fast that none comes through.
   */
  async listTables(family?: Family, options: ReadOptions = {}): Promise<readonly Table[]> {
    const what = family === undefined ? 'listing tables' : `listing tables of family ${family}`;
    const number = family === undefined ? ANY_FAMILY : familyNumber(family);
    return this.#list(what, NFT_MSG.getTable, number, NO_ATTRIBUTES, readTable, options);
  }

  /** The chains of a table. */
  async listChains(table: Table, options: ReadOptions = {}): Promise<readonly Chain[]> {
    const what = `listing the chains of ${nameOf(table)}`;
    const family = familyNumber(table.family);
    const read = (message: Message) => readChain(message, table);
    const chains = await this.#list(what, NFT_MSG.getChain, family, NO_ATTRIBUTES, read, options);
    if (chains.length === 0) await this.#mustExist(what, table);
    return chains;
  }

  /**
   * The rules of a table, or of one chain, in order. Without expressions there are handles and comments only, which is several
   * times as fast.
   */
  async listRules(
    of: Table | Chain,
    options?: ReadOptions & { readonly expressions?: true },
  ): Promise<readonly ListedRule[]>;
  async listRules(of: Table | Chain, options: ListRulesOptions): Promise<readonly ListedRuleHandle[]>;
  async listRules(
    of: Table | Chain,
    options: ListRulesOptions = {},
  ): Promise<readonly (ListedRule | ListedRuleHandle)[]> {
    const what = `listing the rules of ${nameOf(of)}`;
    const table = of.kind === 'table' ? of : of.table;
    const attributes = [textAttribute(NFTA_RULE.table, table.name)];
    if (of.kind === 'chain') attributes.push(textAttribute(NFTA_RULE.chain, of.name));
    const family = familyNumber(table.family);
    const read = options.expressions === false ? readRuleHandle : readRule;
    const rules = await this.#list<ListedRule | ListedRuleHandle>(
      what,
      NFT_MSG.getRule,
      family,
      Buffer.concat(attributes),
      (message) => read(message, of),
      options,
    );
    if (rules.length === 0) await this.#mustExist(what, of);
    return rules;
  }

  /**
   * The sets and maps of a table, those without a name included. A type that this library does not know has its bytes
   * (Uint8Array) as values. What a description cannot say is left out, such as whether a set has the
   * element `'*'` (`catchAll`).
   */
  async listSets(table: Table, options: ReadOptions = {}): Promise<readonly AnySet[]> {
    const what = `listing the sets of ${nameOf(table)}`;
    const attributes = textAttribute(NFTA_SET.table, table.name);
    const read = (message: Message) => readSet(message, table);
    return this.#list(what, NFT_MSG.getSet, familyNumber(table.family), attributes, read, options);
  }

  /**
   * The elements of a set, in no order; their TypeScript type follows from its description. Rejects with
   * InvalidArgumentError when the set's keys or data are not as long as described. Of a set with `intervals` each is a
   * value, a network or a range; the element `'*'` is among them where the description says `catchAll`. While others expire, the
   * kernel may leave out an element of a set with timeouts.
   */
  async listElements<S extends AnySet>(
    set: S,
    { signal }: ReadOptions = {},
  ): Promise<readonly ListedElementOf<S>[]> {
    const family = familyNumber(set.table.family);
    const what = `listing the elements of ${nameOf(set)}`;
    const replies = await dumpElements(this.#transport, what, family, setNameAttributes(set), signal);
    return readEach(eachElement(set, replies), (element) => element, new Slices(signal));
  }

  /**
   * The same elements, one at a time: of a large set only the kernel's bytes are kept, some 44 for an address, and an element is
   * made when it is asked for. `for await (const { key } of nft.elements(set))`. They are those of the moment when the first
   * was asked for.
   */
  elements<S extends AnySet>(set: S, { signal }: ReadOptions = {}): AsyncIterable<ListedElementOf<S>> {
    const what = `listing the elements of ${nameOf(set)}`;
    return { [Symbol.asyncIterator]: () => lazyElements(this.#transport, what, set, signal) };
  }

  /**
   * The elements of a set as `packValue` packs them, key to data (`''` in a set): the fast way for those who compare many with
   * `addPackedElements`. Timeouts, comments and the like are left out, and so is the element `'*'`. Rejects with InvalidArgumentError
   * (not for verdict maps, maps of objects and sets with intervals) and RequestError. The map is the caller's.
   */
  async listPackedElements(
    set: AnySet,
    { signal }: ReadOptions = {},
  ): Promise<Map<PackedValue, PackedValue>> {
    const hasPlainData = set.kind === 'set' || (set.kind === 'map' && set.data.objectType === undefined);
    if (set.intervals || !hasPlainData) {
      throw new InvalidArgumentError('set', set.name, 'a set or a map of data, without intervals');
    }
    const family = familyNumber(set.table.family);
    const what = `listing the elements of ${nameOf(set)}`;
    const replies = await dumpElements(this.#transport, what, family, setNameAttributes(set), signal);
    return readPackedElements(set, replies, new Slices(signal));
  }

  /**
   * The elements as they were, whose counters, quotas and the like are set back in the same moment: nothing is lost, and nothing
   * is counted twice. While others change the set an element may come twice (what it has counted is the sum) or not at all
   * (then it was not set back). Rejects with FeatureMissingError (kernel 6.5 or newer) and RequestError.
   */
  async resetElements<S extends AnySet>(
    set: S,
    { signal }: ReadOptions = {},
  ): Promise<readonly ListedElementOf<S>[]> {
    await this.requireFeature('resetElements');
    const replies = await resetDump(this.#transport, `resetting the elements of ${nameOf(set)}`, set, signal);
    return readEach(eachElement(set, replies), (element) => element, new Slices(signal));
  }

  /**
   * Tables, chains, sets, objects, flowtables and rules, and elements on request, all of one moment: when something was committed meanwhile,
   * everything is read again.
   */
  async snapshot(options?: SnapshotOptions & { readonly expressions?: true }): Promise<Snapshot>;
  async snapshot(options: SnapshotOptions): Promise<Snapshot<ListedRuleHandle>>;
  async snapshot(options: SnapshotOptions = {}): Promise<Snapshot<ListedRule | ListedRuleHandle>> {
    return takeSnapshot(this.#transport, options);
  }

  /** The stateful objects of a table, of one kind or of all, with their state: what a counter has counted. */
  listObjects(table: Table, kind?: undefined, options?: ReadOptions): Promise<readonly StatefulObject[]>;
  listObjects<K extends ObjectKind>(
    table: Table,
    kind: K,
    options?: ReadOptions,
  ): Promise<readonly ObjectOfKind<K>[]>;
  async listObjects(
    table: Table,
    kind?: ObjectKind,
    options: ReadOptions = {},
  ): Promise<readonly StatefulObject[]> {
    const what = `listing the objects of ${nameOf(table)}`;
    const family = familyNumber(table.family);
    const read = (message: Message) => readObject(message, table);
    const attributes = objectsRequest(table, kind);
    const objects = await this.#list(what, NFT_MSG.getObj, family, attributes, read, options);
    if (objects.length === 0) await this.#mustExist(what, table);
    return objects;
  }

  /**
   * Lists stateful objects and sets them back: counters and used quotas begin again from 0. Each is read and set back in the same
   * moment, one after the other: nothing is lost, and nothing is counted twice.
   */
  resetObjects(table: Table): Promise<readonly StatefulObject[]>;
  resetObjects<K extends ObjectKind>(table: Table, kind: K): Promise<readonly ObjectOfKind<K>[]>;
  async resetObjects(table: Table, kind?: ObjectKind): Promise<readonly StatefulObject[]> {
    const listed: readonly StatefulObject[] =
      kind === undefined ? await this.listObjects(table) : await this.listObjects(table, kind);
    const reset = await Promise.all(listed.map((object) => this.resetObject(object).catch(unlessGone)));
    return reset.filter((object) => object !== undefined);
  }

  /** One object as it is now. Rejects with RequestError (`ENOENT`). */
  async readObject<O extends StatefulObject>(object: O): Promise<O> {
    return askObject(this.#transport, `reading ${nameOf(object)}`, NFT_MSG.getObj, object);
  }

  /** One object as it was, which is set back in the same moment. Rejects with RequestError (`ENOENT`). */
  async resetObject<O extends StatefulObject>(object: O): Promise<O> {
    return askObject(this.#transport, `resetting ${nameOf(object)}`, NFT_MSG.getObjReset, object);
  }

  /**
   * One rule as it was; its counters, quotas and limits are set back in the same moment. Rejects with RequestError (`ENOENT`).
   * Kernel 6.2 or newer.
   */
  async resetRule({ chain, handle }: RuleHandle): Promise<ListedRule> {
    const what = `resetting a rule of ${nameOf(chain)}`;
    const attributes = [
      textAttribute(NFTA_RULE.table, chain.table.name),
      textAttribute(NFTA_RULE.chain, chain.name),
      u64Attribute(NFTA_RULE.handle, handle),
    ];
    const family = familyNumber(chain.table.family);
    const replies = await ask(
      this.#transport,
      what,
      NFT_MSG.getRuleReset,
      0,
      family,
      Buffer.concat(attributes),
    );
    const [reply] = replies;
    const found = reply === undefined ? undefined : readRule(reply, chain);
    if (found === undefined) throw new Error(`${what}: the kernel's reply is not about it`);
    return found;
  }

  /** The flowtables of a table. */
  async listFlowtables(table: Table, options: ReadOptions = {}): Promise<readonly Flowtable[]> {
    const what = `listing the flowtables of ${nameOf(table)}`;
    const attributes = textAttribute(NFTA_FLOWTABLE.table, table.name);
    const family = familyNumber(table.family);
    const read = (message: Message) => readFlowtable(message, table);
    return this.#list(what, NFT_MSG.getFlowtable, family, attributes, read, options);
  }

  /** One set or map, to add, delete, replace, look up and compare its elements: `nft.set(blocked).sync(addresses)`. */
  set<S extends AnySet>(description: S): SetHandle<S> {
    return new SetHandle(
      this.#transport,
      description,
      async (feature) => (await this.features()).has[feature],
    );
  }

  /** The ruleset's generation: a number that every committed change makes larger. */
  generation({ signal }: ReadOptions = {}): Promise<number> {
    return readGeneration(this.#transport, 'asking for the generation', signal);
  }

  /** What this kernel can do: asked once, then remembered. Rejects with TransactionError (`EPERM`). */
  features(): Promise<KernelFeatures> {
    this.#features ??= probeFeatures(this.#transport).catch((error: unknown) => {
      this.#features = undefined;
      throw error;
    });
    return this.#features;
  }

  /** Rejects with FeatureMissingError when this kernel lacks something. */
  async requireFeature(feature: FeatureName): Promise<void> {
    const { has, kernel } = await this.features();
    if (!has[feature]) throw new FeatureMissingError(feature, kernel);
  }

  /**
   * Reads, decides and commits as one step: `build` lists what it needs and adds to the transaction, which is committed only if
   * the ruleset is still the one that was read; if not, all of it is done again with a new transaction, `attempts` times
   * at most. Rejects with what `build` throws, with TransactionError, and with GenerationConflictError when somebody was
   * faster each time.
   */
  update(build: UpdateBuilder, options: UpdateOptions = {}): Promise<Committed> {
    return update(this.#transport, build, options);
  }

  /**
   * The transactions that anyone commits from now on, as they come: `for await (const event of nft.monitor())`. Where the
   * kernel had to drop events there is a gap, then a snapshot of how things stand, then what came after that. Throws OpenError;
   * the iteration throws RequestError when the socket fails.
   */
  monitor(options: MonitorOptions = {}): EventStream<MonitorEvent> {
    return this.#track(openMonitor(this.#transport, options));
  }

  /**
   * In which tables each transaction changes something from now on, and nothing more: for those who want to know when somebody
   * else touches a table of theirs. Much cheaper than `monitor`, and it survives a full buffer. The program's own commits are among
   * them. Throws OpenError; the iteration throws RequestError when the socket fails.
   */
  tableChanges(options: ListenOptions = {}): EventStream<TableChanges> {
    return this.#track(openTableChanges(this.#transport, options));
  }

  /** The ways of packets whose `meta nftrace` a rule has set (`setMeta('nftrace', true)`), as they go. Throws OpenError. */
  trace(options: ListenOptions = {}): EventStream<TraceEvent> {
    return this.#track(openTrace(this.#transport, options));
  }

  /** Ends its monitors, lets what is under way settle, then closes the socket. Closing twice is closing once. */
  async close(): Promise<void> {
    await Promise.all([...this.#streams].map((stream) => stream.close()));
    await this.#transport.close();
  }

  /** The same as `close`, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #track<S extends EventStream<unknown>>(stream: S): S {
    this.#streams.add(stream);
    void stream.closed.then(() => this.#streams.delete(stream));
    return stream;
  }

  async #list<T>(
    what: string,
    message: number,
    family: number,
    attributes: Uint8Array,
    read: (message: Message) => T | undefined,
    { signal }: ReadOptions,
  ): Promise<readonly T[]> {
    const replies = await askBytes(this.#transport, what, message, NLM_F.dump, family, attributes, signal);
    return readEach(messages(replies), read, new Slices(signal));
  }

  /** The kernel gives an empty list of what does not exist. */
  async #mustExist(what: string, of: Table | Chain): Promise<void> {
    const [message, attributes] =
      of.kind === 'table'
        ? [NFT_MSG.getTable, [textAttribute(NFTA_TABLE.name, of.name)]]
        : [
            NFT_MSG.getChain,
            [textAttribute(NFTA_CHAIN.table, of.table.name), textAttribute(NFTA_CHAIN.name, of.name)],
          ];
    const { family } = of.kind === 'table' ? of : of.table;
    await ask(this.#transport, what, message, 0, familyNumber(family), Buffer.concat(attributes));
  }
}

/** `map ip kube-proxy endpoints`. */
function nameOf(object: NftObject): string {
  if (object.kind === 'table') return `table ${object.family} ${object.name}`;
  return `${object.kind} ${object.table.family} ${object.table.name} ${object.name}`;
}
