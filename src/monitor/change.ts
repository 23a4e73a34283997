import { attributeMap, attributes, textOf } from '../netlink/attribute.ts';
import { type Message, wholeMessage } from '../netlink/message.ts';
import { type Chain, chain } from '../nft/chain.ts';
import type { Flowtable } from '../nft/flowtable.ts';
import type { StatefulObject } from '../nft/object/kinds.ts';
import { NFT_MSG } from '../nft/pack/uapi.ts';
import { type RuleHandle, ruleHandle } from '../nft/rule.ts';
import type { AnySet } from '../nft/set.ts';
import type { Table } from '../nft/table.ts';
import { type ListedElement, readElements } from '../read/elements.ts';
import { type ListedRule, readChain, readRule, readSet, readTable } from '../read/objects.ts';
import { readFlowtable, readObject } from '../read/stateful.ts';
import { NFTA_CHAIN, NFTA_SET, NFTA_SET_ELEM_LIST } from '../read/uapi.ts';
import type { KnownSets } from './known-sets.ts';
import { tableOf } from './table-of.ts';

/**
 * One object that a transaction made or changed (`verb` is `'new'`) or deleted. Of what is deleted the kernel tells the name only: a chain has no
 * hook then, a table no comment, a rule is its handle, an object has no state. Sets are described as they were made.
 */
export type Change =
  | { readonly verb: Verb; readonly kind: 'table'; readonly object: Table }
  | { readonly verb: Verb; readonly kind: 'chain'; readonly object: Chain }
  | { readonly verb: 'new'; readonly kind: 'rule'; readonly object: ListedRule }
  | { readonly verb: 'delete'; readonly kind: 'rule'; readonly object: RuleHandle }
  | { readonly verb: Verb; readonly kind: 'set'; readonly object: AnySet }
  | {
      readonly verb: Verb;
      readonly kind: 'element';
      readonly set: AnySet;
      readonly object: ListedElement<unknown, unknown>;
    }
  | { readonly verb: Verb; readonly kind: 'object'; readonly object: StatefulObject }
  | { readonly verb: Verb; readonly kind: 'flowtable'; readonly object: Flowtable }
  | OtherChange;

/** A change of something that this library has no description of, as the kernel sent it. */
export interface OtherChange {
  readonly kind: 'other';
  /** NFT_MSG_*. */
  readonly message: number;
  /** The message from its nlmsghdr on. */
  readonly bytes: Uint8Array;
}

/** New stands for changed, too. @inline */
type Verb = 'new' | 'delete';
type ChangedKind = Exclude<Change['kind'], 'other'>;

const MEANINGS: ReadonlyMap<number, readonly [Verb, ChangedKind]> = new Map([
  [NFT_MSG.newTable, ['new', 'table']],
  [NFT_MSG.delTable, ['delete', 'table']],
  [NFT_MSG.destroyTable, ['delete', 'table']],
  [NFT_MSG.newChain, ['new', 'chain']],
  [NFT_MSG.delChain, ['delete', 'chain']],
  [NFT_MSG.destroyChain, ['delete', 'chain']],
  [NFT_MSG.newRule, ['new', 'rule']],
  [NFT_MSG.delRule, ['delete', 'rule']],
  [NFT_MSG.destroyRule, ['delete', 'rule']],
  [NFT_MSG.newSet, ['new', 'set']],
  [NFT_MSG.delSet, ['delete', 'set']],
  [NFT_MSG.destroySet, ['delete', 'set']],
  [NFT_MSG.newSetElem, ['new', 'element']],
  [NFT_MSG.delSetElem, ['delete', 'element']],
  [NFT_MSG.destroySetElem, ['delete', 'element']],
  [NFT_MSG.newObj, ['new', 'object']],
  [NFT_MSG.delObj, ['delete', 'object']],
  [NFT_MSG.destroyObj, ['delete', 'object']],
  [NFT_MSG.newFlowtable, ['new', 'flowtable']],
  [NFT_MSG.delFlowtable, ['delete', 'flowtable']],
  [NFT_MSG.destroyFlowtable, ['delete', 'flowtable']],
]);

/** What a message of the nftables group says. `known` is asked for the types of elements, and told of sets. */
export function readChanges(message: Message, known: KnownSets): readonly Change[] {
  const meaning = MEANINGS.get(message.type);
  let changes: readonly Change[] | undefined;
  try {
    if (meaning !== undefined) changes = readMeaning(message, known, ...meaning);
  } catch {
    // Bytes that do not fit what is known of the object: they are handed on as they are.
  }
  return changes ?? [{ kind: 'other', message: message.type, bytes: Uint8Array.from(wholeMessage(message)) }];
}

/** Undefined for what cannot be described. */
function readMeaning(
  message: Message,
  known: KnownSets,
  verb: Verb,
  kind: ChangedKind,
): readonly Change[] | undefined {
  const table = tableOf(message);
  if (table === undefined) return undefined;
  switch (kind) {
    case 'table':
      return readTableChange(message, known, verb, table);
    case 'chain':
      return readChainChange(message, verb, table);
    case 'rule':
      return readRuleChange(message, verb, table);
    case 'set':
      return readSetChange(message, known, verb, table);
    case 'element':
      return readElementChanges(message, known, verb, table);
    case 'object': {
      const object = readObject(message, table);
      return object === undefined ? undefined : [{ verb, kind, object }];
    }
    case 'flowtable': {
      const object = readFlowtable(message, table);
      return object === undefined ? undefined : [{ verb, kind, object }];
    }
  }
}

function readTableChange(message: Message, known: KnownSets, verb: Verb, table: Table): readonly Change[] {
  if (verb === 'delete') {
    known.forgetTable(table);
    return [{ verb, kind: 'table', object: table }];
  }
  return [{ verb, kind: 'table', object: readTable(message) ?? table }];
}

function readChainChange(message: Message, verb: Verb, table: Table): readonly Change[] | undefined {
  if (verb === 'delete') {
    const name = textOf(attributeMap(message.attributes).get(NFTA_CHAIN.name));
    return name === undefined ? undefined : [{ verb, kind: 'chain', object: chain(table, name) }];
  }
  const object = readChain(message, table);
  return object === undefined ? undefined : [{ verb, kind: 'chain', object }];
}

function readRuleChange(message: Message, verb: Verb, table: Table): readonly Change[] | undefined {
  const object = readRule(message, table);
  if (object === undefined) return undefined;
  if (verb === 'new') return [{ verb, kind: 'rule', object }];
  return [{ verb, kind: 'rule', object: ruleHandle(object.chain, object.handle) }];
}

function readSetChange(
  message: Message,
  known: KnownSets,
  verb: Verb,
  table: Table,
): readonly Change[] | undefined {
  if (verb === 'delete') {
    const name = textOf(attributeMap(message.attributes).get(NFTA_SET.name));
    const object = name === undefined ? undefined : known.forget(table, name);
    return object === undefined ? undefined : [{ verb, kind: 'set', object }];
  }
  const object = readSet(message, table);
  if (object === undefined) return undefined;
  known.add(object);
  return [{ verb, kind: 'set', object }];
}

function readElementChanges(
  message: Message,
  known: KnownSets,
  verb: Verb,
  table: Table,
): readonly Change[] | undefined {
  const fields = attributeMap(message.attributes);
  const set = known.find(table, textOf(fields.get(NFTA_SET_ELEM_LIST.set)) ?? '');
  const list = fields.get(NFTA_SET_ELEM_LIST.elements);
  if (set === undefined || list === undefined) return undefined;
  const elements = [...readElements(set, message)] as readonly ListedElement<unknown, unknown>[];
  // An element without a key (nft's `*`) has no description.
  if (elements.length === 0 || elements.length !== [...attributes(list)].length) return undefined;
  return elements.map((object) => ({ verb, kind: 'element', set, object }));
}
