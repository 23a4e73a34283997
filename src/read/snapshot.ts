import { attributeMap, textOf } from '../netlink/attribute.ts';
import { type Message, messages } from '../netlink/message.ts';
import { askBytes, interrupted, MAX_ATTEMPTS, RequestError } from '../netlink/request.ts';
import type { Transport } from '../netlink/transport.ts';
import type { Chain } from '../nft/chain.ts';
import { type Family, familyNumber } from '../nft/family.ts';
import type { Flowtable } from '../nft/flowtable.ts';
import type { StatefulObject } from '../nft/object/kinds.ts';
import { NFT_MSG, NFTA_FLOWTABLE, NFTA_OBJ, NLM_F } from '../nft/pack/uapi.ts';
import type { AnySet } from '../nft/set.ts';
import type { Table } from '../nft/table.ts';
import { readGeneration, tryDumpElements } from './element-dump.ts';
import { setNameAttributes } from './element-request.ts';
import { eachElement, type ListedElement } from './elements.ts';
import {
  type ListedRule,
  type ListedRuleHandle,
  readChain,
  readRule,
  readRuleHandle,
  readSet,
  readTable,
} from './objects.ts';
import { type ReadOptions, readEach, Slices } from './slices.ts';
import { readFlowtable, readObject } from './stateful.ts';
import { NFTA_CHAIN, NFTA_RULE, NFTA_SET } from './uapi.ts';

/** What there was at one moment: everything in it is of one generation. Plain frozen data. */
export interface Snapshot<R extends ListedRuleHandle = ListedRule> {
  readonly kind: 'snapshot';
  /** The ruleset's generation, for `commit({ ifGeneration })`. */
  readonly generation: number;
  /** Of all families, or of the one asked for. */
  readonly tables: readonly Table[];
  /** Of all tables. */
  readonly chains: readonly Chain[];
  /** Sets and maps, those without a name included. */
  readonly sets: readonly AnySet[];
  /** Stateful objects: counters, quotas …, with what they have counted. */
  readonly objects: readonly StatefulObject[];
  /** Empty where the kernel has none. */
  readonly flowtables: readonly Flowtable[];
  /** In the order of each chain. */
  readonly rules: readonly R[];
  /** The elements of the sets that they were wanted of. */
  readonly elements?: readonly SetContents[];
}

/** A set's elements, in no order. */
export interface SetContents {
  /** Whose elements these are. */
  readonly set: AnySet;
  /** As `listElements` gives them. */
  readonly elements: readonly ListedElement<unknown, unknown>[];
}

/** What a snapshot takes in. */
export interface SnapshotOptions extends ReadOptions {
  /** Only tables of this family; default: of all. */
  readonly family?: Family;
  /** Elements too: of every set, or of those for which the function gives true. Default: none. */
  readonly elements?: boolean | ((set: AnySet) => boolean);
  /** False: rules have their handles and comments only, which is several times as fast. Default: true. */
  readonly expressions?: boolean;
}

const WHAT = 'taking a snapshot';
const NO_ATTRIBUTES = new Uint8Array(0);

/** A snapshot, taken as often as it needs to be of one generation; RequestError `EINTR` when it never is. */
export async function takeSnapshot(
  transport: Transport,
  options?: SnapshotOptions & { readonly expressions?: true },
): Promise<Snapshot>;
export async function takeSnapshot(
  transport: Transport,
  options: SnapshotOptions,
): Promise<Snapshot<ListedRule | ListedRuleHandle>>;
export async function takeSnapshot(
  transport: Transport,
  options: SnapshotOptions = {},
): Promise<Snapshot<ListedRule | ListedRuleHandle>> {
  for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt++) {
    const snapshot = await trySnapshot(transport, options);
    if (snapshot !== undefined) return snapshot;
  }
  throw interrupted(WHAT);
}

async function trySnapshot(transport: Transport, options: SnapshotOptions) {
  const { signal, expressions = true } = options;
  const family = options.family === undefined ? 0 : familyNumber(options.family);
  const dump = (message: number) =>
    askBytes(transport, WHAT, message, NLM_F.dump, family, NO_ATTRIBUTES, signal);
  // All at once: they stand side by side in the queue, without our own later commits between them.
  const [before, tables, chains, sets, objects, flowtables, rules, after] = await Promise.all([
    readGeneration(transport, WHAT, signal),
    dump(NFT_MSG.getTable),
    dump(NFT_MSG.getChain),
    dump(NFT_MSG.getSet),
    dump(NFT_MSG.getObj),
    dump(NFT_MSG.getFlowtable),
    dump(NFT_MSG.getRule),
    readGeneration(transport, WHAT, signal),
  ]);
  if (before !== after) return undefined;
  const builder = new SnapshotBuilder(before, new Slices(signal));
  const isOfOneMoment =
    (await builder.read(tables, (message) => builder.addTable(message))) &&
    (await builder.read(chains, (message) => builder.addChain(message))) &&
    (await builder.read(sets, (message) => builder.addSet(message))) &&
    (await builder.read(objects, (message) => builder.addObject(message))) &&
    (await builder.read(flowtables, (message) => builder.addFlowtable(message))) &&
    (await builder.read(rules, (message) => builder.addRule(message, expressions)));
  if (!isOfOneMoment || !(await addElements(transport, builder, options))) return undefined;
  return builder.finish();
}

/** Reads the elements of the wanted sets; false when they are of another moment than the rest. */
async function addElements(
  transport: Transport,
  builder: SnapshotBuilder,
  { elements = false, signal }: SnapshotOptions,
): Promise<boolean> {
  if (elements === false) return true;
  for (const set of elements === true ? builder.sets : builder.sets.filter(elements)) {
    try {
      const family = familyNumber(set.table.family);
      const dump = await tryDumpElements(transport, WHAT, family, setNameAttributes(set), signal);
      if (!dump.isConsistent || dump.generation !== builder.generation) return false;
      const listed = await readEach(eachElement(set, dump.replies), frozenElement, builder.slices);
      builder.elements.push(Object.freeze({ set, elements: Object.freeze(listed) }));
    } catch (error) {
      // The set has gone since it was listed.
      if (error instanceof RequestError && error.code === 'ENOENT') return false;
      throw error;
    }
  }
  return true;
}

function frozenElement(element: ListedElement<unknown, unknown>): ListedElement<unknown, unknown> {
  return Object.freeze(element);
}

/** Puts the messages of several dumps together. */
class SnapshotBuilder {
  readonly generation: number;
  readonly slices: Slices;
  readonly #tables = new Map<string, Table>();
  readonly #chains = new Map<string, Chain>();
  readonly sets: AnySet[] = [];
  readonly #objects: StatefulObject[] = [];
  readonly #flowtables: Flowtable[] = [];
  readonly #rules: (ListedRule | ListedRuleHandle)[] = [];
  readonly elements: SetContents[] = [];

  constructor(generation: number, slices: Slices) {
    this.generation = generation;
    this.slices = slices;
  }

  /** Gives each message of a dump to `add`; false when one of them is of another generation. */
  async read(dump: Uint8Array, add: (message: Message) => void): Promise<boolean> {
    for (const message of messages(dump)) {
      if (message.generation16 !== (this.generation & 0xffff)) return false;
      add(message);
      if (this.slices.isOver) await this.slices.pause();
    }
    return true;
  }

  addTable(message: Message): void {
    const table = readTable(message);
    if (table !== undefined) this.#tables.set(`${message.family} ${table.name}`, Object.freeze(table));
  }

  addChain(message: Message): void {
    const key = keyOf(message, NFTA_CHAIN.table);
    const table = this.#tables.get(key);
    const chain = table === undefined ? undefined : readChain(message, table);
    if (chain !== undefined) this.#chains.set(`${key}\0${chain.name}`, Object.freeze(chain));
  }

  addSet(message: Message): void {
    const table = this.#tables.get(keyOf(message, NFTA_SET.table));
    const set = table === undefined ? undefined : readSet(message, table);
    if (set !== undefined) this.sets.push(Object.freeze(set));
  }

  addObject(message: Message): void {
    const table = this.#tables.get(keyOf(message, NFTA_OBJ.table));
    const object = table === undefined ? undefined : readObject(message, table);
    if (object !== undefined) this.#objects.push(Object.freeze(object));
  }

  addFlowtable(message: Message): void {
    const table = this.#tables.get(keyOf(message, NFTA_FLOWTABLE.table));
    const flowtable = table === undefined ? undefined : readFlowtable(message, table);
    if (flowtable !== undefined) this.#flowtables.push(Object.freeze(flowtable));
  }

  addRule(message: Message, expressions: boolean): void {
    const fields = attributeMap(message.attributes);
    const [table, name] = [textOf(fields.get(NFTA_RULE.table)), textOf(fields.get(NFTA_RULE.chain))];
    const chain = this.#chains.get(`${message.family} ${table}\0${name}`);
    if (chain === undefined) return;
    const rule = (expressions ? readRule : readRuleHandle)(message, chain);
    if (rule !== undefined) this.#rules.push(Object.freeze(rule));
  }

  finish(): Snapshot<ListedRule | ListedRuleHandle> {
    return Object.freeze({
      kind: 'snapshot',
      generation: this.generation,
      tables: Object.freeze([...this.#tables.values()]),
      chains: Object.freeze([...this.#chains.values()]),
      sets: Object.freeze(this.sets),
      objects: Object.freeze(this.#objects),
      flowtables: Object.freeze(this.#flowtables),
      rules: Object.freeze(this.#rules),
      ...(this.elements.length === 0 ? {} : { elements: Object.freeze(this.elements) }),
    });
  }
}

/** A name may hold any byte but zero. */
function keyOf(message: Message, tableAttribute: number): string {
  return `${message.family} ${textOf(attributeMap(message.attributes).get(tableAttribute))}`;
}
