import { textAttribute } from './netlink/attribute.ts';
import type { Message } from './netlink/message.ts';
import { NativeTransport } from './netlink/native-transport.ts';
import type { NetworkNamespace } from './netlink/open-error.ts';
import { ask } from './netlink/request.ts';
import type { Transport } from './netlink/transport.ts';
import type { Chain } from './nft/chain.ts';
import { type Family, familyNumber } from './nft/family.ts';
import { NFT_MSG, NLM_F } from './nft/pack/uapi.ts';
import type { AnySet } from './nft/set.ts';
import type { Table } from './nft/table.ts';
import { type NftObject, Transaction } from './nft/transaction.ts';
import { dumpElements, readGeneration } from './read/element-dump.ts';
import { type ListedElementOf, readElements } from './read/elements.ts';
import { type ListedRule, readChain, readRule, readSet, readTable } from './read/objects.ts';
import { NFTA_CHAIN, NFTA_RULE, NFTA_SET, NFTA_SET_ELEM_LIST, NFTA_TABLE } from './read/uapi.ts';

/** How `Nftables.open` is told where. */
export interface OpenOptions {
  /** Default: the namespace of this process. */
  readonly netns?: NetworkNamespace;
}

const NO_ATTRIBUTES = new Uint8Array(0);
const ANY_FAMILY = 0;

/**
 * nftables in one network namespace. Keep it open: a socket for each change costs up to 7.6 ms. Close it with `close()` or
 * `await using`.
 */
export class Nftables implements AsyncDisposable {
  readonly #transport: Transport;

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
  async listTables(family?: Family): Promise<readonly Table[]> {
    const what = family === undefined ? 'listing tables' : `listing tables of family ${family}`;
    const number = family === undefined ? ANY_FAMILY : familyNumber(family);
    return this.#list(what, NFT_MSG.getTable, number, NO_ATTRIBUTES, readTable);
  }

  /** The chains of a table. */
  async listChains(table: Table): Promise<readonly Chain[]> {
    const what = `listing the chains of ${nameOf(table)}`;
    const family = familyNumber(table.family);
    const chains = await this.#list(what, NFT_MSG.getChain, family, NO_ATTRIBUTES, (message) =>
      readChain(message, table),
    );
    if (chains.length === 0) await this.#mustExist(what, table);
    return chains;
  }

  /** The rules of a table, or of one chain, in order. */
  async listRules(of: Table | Chain): Promise<readonly ListedRule[]> {
    const what = `listing the rules of ${nameOf(of)}`;
    const table = of.kind === 'table' ? of : of.table;
    const attributes = [textAttribute(NFTA_RULE.table, table.name)];
    if (of.kind === 'chain') attributes.push(textAttribute(NFTA_RULE.chain, of.name));
    const family = familyNumber(table.family);
    const rules = await this.#list(what, NFT_MSG.getRule, family, Buffer.concat(attributes), (message) =>
      readRule(message, of),
    );
    if (rules.length === 0) await this.#mustExist(what, of);
    return rules;
  }

  /**
   * The sets and maps of a table, those without a name included. A type that this library does not know has its bytes
   * (Uint8Array) as values. What a description cannot say is left out: ranges, objects in place of data, expressions.
   */
  async listSets(table: Table): Promise<readonly AnySet[]> {
    const what = `listing the sets of ${nameOf(table)}`;
    const attributes = textAttribute(NFTA_SET.table, table.name);
    return this.#list(what, NFT_MSG.getSet, familyNumber(table.family), attributes, (message) =>
      readSet(message, table),
    );
  }

  /**
   * The elements of a set, in no order; their TypeScript type follows from its description. Rejects with
   * InvalidArgumentError when the set's keys or data are not as long as described. The element `*` of nft, which has no key,
   * is not among them; and while others expire, the kernel may leave out an element of a set with timeouts.
   */
  async listElements<S extends AnySet>(set: S): Promise<readonly ListedElementOf<S>[]> {
    const attributes = Buffer.concat([
      textAttribute(NFTA_SET_ELEM_LIST.table, set.table.name),
      textAttribute(NFTA_SET_ELEM_LIST.set, set.name),
    ]);
    const family = familyNumber(set.table.family);
    const what = `listing the elements of ${nameOf(set)}`;
    const replies = await dumpElements(this.#transport, what, family, attributes);
    return replies.flatMap((message) => [...readElements(set, message)]);
  }

  /** The ruleset's generation: a number that every committed change makes larger. */
  generation(): Promise<number> {
    return readGeneration(this.#transport, 'asking for the generation');
  }

  /** Lets what is under way settle, then closes the socket. Closing twice is closing once. */
  close(): Promise<void> {
    return this.#transport.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #list<T>(
    what: string,
    message: number,
    family: number,
    attributes: Uint8Array,
    read: (message: Message) => T | undefined,
  ): Promise<readonly T[]> {
    const replies = await ask(this.#transport, what, message, NLM_F.dump, family, attributes);
    return replies.map(read).filter((item) => item !== undefined);
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
