import { constants } from 'node:os';
import {
  ELEMENT_COLUMN,
  NFT_MSG,
  NFTNL_CHAIN,
  NFTNL_RULE,
  NFTNL_SET,
  NFTNL_TABLE,
  NLM_F,
} from '../nft/pack/uapi.ts';
import {
  type FakeElement,
  type FakeRule,
  type FakeSet,
  type FakeTable,
  isChainUsed,
  isSetUsed,
  references,
} from './fake-ruleset.ts';
import type { PackedOperation } from './unpack.ts';

const { ENOENT, EEXIST, EBUSY, ENFILE, EINVAL } = constants.errno;

/** What the kernel says of an operation: errno, the attribute it points at, and the element. */
export interface Refusal {
  readonly errno: number;
  readonly attribute?: number;
  readonly element?: number;
}

/** Applies operations to tables as the kernel does, and remembers how to take them back. */
export class FakeApplication {
  readonly #tables: Map<string, FakeTable>;
  readonly #undo: (() => void)[] = [];
  readonly #anonymousSets = new Map<number, FakeSet>();
  #nextHandle: bigint;

  constructor(tables: Map<string, FakeTable>, nextHandle: bigint) {
    this.#tables = tables;
    this.#nextHandle = nextHandle;
  }

  get nextHandle(): bigint {
    return this.#nextHandle;
  }

  /** Takes everything back. */
  revert(): void {
    for (const undo of this.#undo.reverse()) undo();
  }

  /** Every refusal of one operation; of several bad elements each is one. */
  apply(operation: PackedOperation): readonly Refusal[] {
    const { message } = operation;
    switch (message) {
      case NFT_MSG.newTable:
        return this.#newTable(operation);
      case NFT_MSG.delTable:
      case NFT_MSG.destroyTable:
        return this.#deleteFrom(
          this.#tables,
          tableKey(operation, NFTNL_TABLE.name),
          message === NFT_MSG.destroyTable,
        );
    }
    const table = this.#tables.get(tableKey(operation, tableAttribute(message)));
    if (table === undefined) return [{ errno: ENOENT, attribute: 1 }];
    switch (message) {
      case NFT_MSG.newChain:
        return this.#newChain(table, operation);
      case NFT_MSG.delChain:
      case NFT_MSG.destroyChain:
        return this.#deleteChain(table, operation);
      case NFT_MSG.newRule:
        return this.#newRule(table, operation);
      case NFT_MSG.delRule:
      case NFT_MSG.destroyRule:
        return this.#deleteRules(table, operation);
      case NFT_MSG.newSet:
        return this.#newSet(table, operation);
      case NFT_MSG.delSet:
      case NFT_MSG.destroySet:
        return this.#deleteSet(table, operation);
      case NFT_MSG.newSetElem:
        return this.#newElements(table, operation);
      case NFT_MSG.delSetElem:
      case NFT_MSG.destroySetElem:
        return this.#deleteElements(table, operation);
      default:
        return [{ errno: EINVAL }];
    }
  }

  #newTable(operation: PackedOperation): readonly Refusal[] {
    const key = tableKey(operation, NFTNL_TABLE.name);
    if (this.#tables.has(key)) return exclusive(operation) ? [{ errno: EEXIST, attribute: 1 }] : [];
    this.#set(this.#tables, key, { chains: new Map(), sets: new Map() });
    return [];
  }

  #newChain(table: FakeTable, operation: PackedOperation): readonly Refusal[] {
    const name = text(operation, NFTNL_CHAIN.name);
    if (table.chains.has(name)) return exclusive(operation) ? [{ errno: EEXIST, attribute: 3 }] : [];
    this.#set(table.chains, name, { isBase: operation.attributes.has(NFTNL_CHAIN.hooknum), rules: [] });
    return [];
  }

  #deleteChain(table: FakeTable, operation: PackedOperation): readonly Refusal[] {
    const name = text(operation, NFTNL_CHAIN.name);
    if (isChainUsed(table, name)) return [{ errno: EBUSY, attribute: 3 }];
    return this.#deleteFrom(table.chains, name, operation.message === NFT_MSG.destroyChain, 3);
  }

  #newRule(table: FakeTable, operation: PackedOperation): readonly Refusal[] {
    const chain = table.chains.get(text(operation, NFTNL_RULE.chain));
    if (chain === undefined) return [{ errno: ENOENT, attribute: 2 }];
    for (const expression of operation.expressions) {
      const { set, chain: target } = references(expression);
      const known = set === undefined || set.includes('%d') || table.sets.has(set);
      if (!known || (target !== undefined && !table.chains.has(target)))
        return [{ errno: ENOENT, attribute: 4 }];
    }
    const rule = { handle: this.#nextHandle++, expressions: operation.expressions };
    const before = chain.rules;
    this.#undo.push(() => {
      chain.rules = before;
    });
    const placed = placeRule(before, rule, operation);
    if (Array.isArray(placed)) chain.rules = placed;
    return Array.isArray(placed) ? [] : [placed];
  }

  #deleteRules(table: FakeTable, operation: PackedOperation): readonly Refusal[] {
    const name = operation.attributes.get(NFTNL_RULE.chain)?.toString();
    const handle = operation.attributes.get(NFTNL_RULE.handle)?.readBigUInt64LE();
    const chain = name === undefined ? undefined : table.chains.get(name);
    if (name !== undefined && chain === undefined) return [{ errno: ENOENT, attribute: 2 }];
    const missing = handle !== undefined && !chain?.rules.some((rule) => rule.handle === handle);
    if (missing) return operation.message === NFT_MSG.destroyRule ? [] : [{ errno: ENOENT, attribute: 3 }];
    for (const each of chain === undefined ? table.chains.values() : [chain]) {
      const before = each.rules;
      this.#undo.push(() => {
        each.rules = before;
      });
      each.rules = handle === undefined ? [] : before.filter((rule) => rule.handle !== handle);
    }
    return [];
  }

  #newSet(table: FakeTable, operation: PackedOperation): readonly Refusal[] {
    const name = text(operation, NFTNL_SET.name);
    const set: FakeSet = {
      isMap: operation.attributes.has(NFTNL_SET.dataType),
      keyLength: number(operation, NFTNL_SET.keyLen) ?? 0,
      size: number(operation, NFTNL_SET.descSize),
      elements: new Map(),
    };
    if (name.includes('%d')) {
      this.#anonymousSets.set(number(operation, NFTNL_SET.id) ?? 0, set);
      return [];
    }
    if (table.sets.has(name)) return exclusive(operation) ? [{ errno: EEXIST, attribute: 2 }] : [];
    this.#set(table.sets, name, set);
    return [];
  }

  #deleteSet(table: FakeTable, operation: PackedOperation): readonly Refusal[] {
    const name = text(operation, NFTNL_SET.name);
    if (isSetUsed(table, name)) return [{ errno: EBUSY, attribute: 2 }];
    return this.#deleteFrom(table.sets, name, operation.message === NFT_MSG.destroySet, 2);
  }

  #newElements(table: FakeTable, operation: PackedOperation): readonly Refusal[] {
    const set = this.#elementSet(table, operation);
    if (set === undefined) return [{ errno: ENOENT, attribute: 2 }];
    const refusals: Refusal[] = [];
    for (let element = 0; element < (operation.count ?? 0); element++) {
      const errno = this.#newElement(table, set, operation, element);
      if (errno !== 0) refusals.push({ errno, element });
    }
    return refusals;
  }

  #newElement(table: FakeTable, set: FakeSet, operation: PackedOperation, index: number): number {
    const column = (id: number) => operation.columns.get(id)?.[index];
    const key = column(ELEMENT_COLUMN.key)?.toString('latin1') ?? '';
    const chain = column(ELEMENT_COLUMN.chain)?.toString() || undefined;
    const element: FakeElement = {
      data: column(ELEMENT_COLUMN.data)?.toString('latin1'),
      verdict: column(ELEMENT_COLUMN.verdict)?.readInt32LE(),
      chain,
    };
    if (key.length !== set.keyLength || set.isMap !== ((element.data ?? element.verdict) !== undefined))
      return EINVAL;
    if (chain !== undefined && !table.chains.has(chain)) return ENOENT;
    const present = set.elements.get(key);
    if (present !== undefined) {
      const same =
        present.data === element.data && present.verdict === element.verdict && present.chain === chain;
      return exclusive(operation) || !same ? EEXIST : 0;
    }
    if (set.size !== undefined && set.elements.size >= set.size) return ENFILE;
    this.#set(set.elements, key, element);
    return 0;
  }

  #deleteElements(table: FakeTable, operation: PackedOperation): readonly Refusal[] {
    const set = this.#elementSet(table, operation);
    if (set === undefined) return [{ errno: ENOENT, attribute: 2 }];
    const keys =
      operation.count === undefined
        ? [...set.elements.keys()]
        : (operation.columns.get(ELEMENT_COLUMN.key) ?? []).map((key) => key.toString('latin1'));
    const optional = operation.message === NFT_MSG.destroySetElem;
    return keys.flatMap((key, element) =>
      this.#deleteFrom(set.elements, key, optional).map(({ errno }) => ({ errno, element })),
    );
  }

  #elementSet(table: FakeTable, operation: PackedOperation): FakeSet | undefined {
    const name = text(operation, NFTNL_SET.name);
    if (name.includes('%d')) return this.#anonymousSets.get(number(operation, NFTNL_SET.id) ?? 0);
    return table.sets.get(name);
  }

  #set<V>(map: Map<string, V>, key: string, value: V): void {
    map.set(key, value);
    this.#undo.push(() => map.delete(key));
  }

  #deleteFrom<V>(map: Map<string, V>, key: string, optional: boolean, attribute = 1): readonly Refusal[] {
    const value = map.get(key);
    if (value === undefined) return optional ? [] : [{ errno: ENOENT, attribute }];
    map.delete(key);
    this.#undo.push(() => map.set(key, value));
    return [];
  }
}

/** The rules with the new one in its place: in front of another, instead of another, first or last. */
function placeRule(
  rules: readonly FakeRule[],
  rule: FakeRule,
  operation: PackedOperation,
): FakeRule[] | Refusal {
  const position = operation.attributes.get(NFTNL_RULE.position)?.readBigUInt64LE();
  const replaced = operation.attributes.get(NFTNL_RULE.handle)?.readBigUInt64LE();
  const anchor = position ?? replaced;
  if (anchor === undefined)
    return (operation.flags & NLM_F.append) === 0 ? [rule, ...rules] : [...rules, rule];
  const index = rules.findIndex(({ handle }) => handle === anchor);
  if (index === -1) return { errno: ENOENT, attribute: position === undefined ? 3 : 6 };
  return rules.toSpliced(index, position === undefined ? 1 : 0, rule);
}

function tableAttribute(message: number): number {
  if (message <= NFT_MSG.delChain || message === NFT_MSG.destroyChain) return NFTNL_CHAIN.table;
  if (message <= NFT_MSG.delRule || message === NFT_MSG.destroyRule) return NFTNL_RULE.table;
  return NFTNL_SET.table;
}

function tableKey(operation: PackedOperation, attribute: number): string {
  return `${operation.family} ${text(operation, attribute)}`;
}

function text(operation: PackedOperation, attribute: number): string {
  return operation.attributes.get(attribute)?.toString() ?? '';
}

function number(operation: PackedOperation, attribute: number): number | undefined {
  return operation.attributes.get(attribute)?.readUInt32LE();
}

function exclusive(operation: PackedOperation): boolean {
  return (operation.flags & NLM_F.excl) !== 0;
}
