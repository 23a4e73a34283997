import { attributeMap, textAttribute, u32Of } from './netlink/attribute.ts';
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
import { Transaction } from './nft/transaction.ts';
import { type ListedElementOf, readElements } from './read/elements.ts';
import { type ListedRule, readChain, readRule, readSet, readTable } from './read/objects.ts';
import { NFTA_GEN_ID, NFTA_RULE, NFTA_SET, NFTA_SET_ELEM_LIST } from './read/uapi.ts';

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

  async listTables(family?: Family): Promise<readonly Table[]> {
    const number = family === undefined ? ANY_FAMILY : familyNumber(family);
    return this.#list('tables', NFT_MSG.getTable, number, NO_ATTRIBUTES, readTable);
  }

  /** The chains of a table. */
  async listChains(table: Table): Promise<readonly Chain[]> {
    const chains = await this.#list(
      'chains',
      NFT_MSG.getChain,
      familyNumber(table.family),
      NO_ATTRIBUTES,
      readChain,
    );
    return chains.filter((chain) => chain.table.name === table.name);
  }

  /** The rules of a table, or of one chain, in order. */
  async listRules(of: Table | Chain): Promise<readonly ListedRule[]> {
    const table = of.kind === 'table' ? of : of.table;
    const attributes = [textAttribute(NFTA_RULE.table, table.name)];
    if (of.kind === 'chain') attributes.push(textAttribute(NFTA_RULE.chain, of.name));
    return this.#list(
      'rules',
      NFT_MSG.getRule,
      familyNumber(table.family),
      Buffer.concat(attributes),
      readRule,
    );
  }

  /** The sets and maps of a table, those without a name included. */
  async listSets(table: Table): Promise<readonly AnySet[]> {
    const attributes = textAttribute(NFTA_SET.table, table.name);
    return this.#list('sets', NFT_MSG.getSet, familyNumber(table.family), attributes, readSet);
  }

  /** The elements of a set; their TypeScript type follows from its description. */
  async listElements<S extends AnySet>(set: S): Promise<readonly ListedElementOf<S>[]> {
    const attributes = Buffer.concat([
      textAttribute(NFTA_SET_ELEM_LIST.table, set.table.name),
      textAttribute(NFTA_SET_ELEM_LIST.set, set.name),
    ]);
    const family = familyNumber(set.table.family);
    const what = `listing the elements of ${set.kind} ${set.table.family} ${set.table.name} ${set.name}`;
    const replies = await ask(this.#transport, what, NFT_MSG.getSetElem, NLM_F.dump, family, attributes);
    return replies.flatMap((message) => [...readElements(set, message)]);
  }

  /** The ruleset's generation: a number that every committed change makes larger. */
  async generation(): Promise<number> {
    const what = 'asking for the generation';
    for (const message of await ask(this.#transport, what, NFT_MSG.getGen, 0, ANY_FAMILY, NO_ATTRIBUTES)) {
      const id = u32Of(attributeMap(message.attributes).get(NFTA_GEN_ID));
      if (id !== undefined) return id;
    }
    throw new Error(`${what}: the kernel's reply has no generation`);
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
    const replies = await ask(this.#transport, `listing ${what}`, message, NLM_F.dump, family, attributes);
    return replies.map(read).filter((item) => item !== undefined);
  }
}
