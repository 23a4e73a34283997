import type { ListedRule } from 'nftlink';
import { markOf } from '../src/layout/numbers.ts';
import { SET_NAMES } from '../src/layout/set-names.ts';
import type { KernelTable, SetElements } from '../src/sync/kernel-table.ts';
import { fingerprint } from '../src/sync/rule-fingerprint.ts';
import { hex, type Numbering, numberingOf } from './numbering.ts';

/**
 * All that is in a table, a line for each chain with its rules, each set and each element, sorted. Two tables with the same lines do
 * the same to every packet: what differs between two builds of one cluster (numbers of classes, sticky Service ports, slots and ids; who
 * has which index; how large sets are, and how often they were replaced by larger ones) is not in it.
 */
export function pictureOf(found: KernelTable | undefined): readonly string[] {
  if (found === undefined) return ['no table'];
  const table = withPlainNames(found);
  const numbering = numberingOf(table);
  const slots = slotOwners(table, numbering);
  const lines = [
    `table ${table.table.comment}`,
    ...table.chains.map((chain) => chainLine(chain, table.rules.get(chain.name) ?? [], numbering)),
    ...table.sets.map(({ name, kind, key }) => `set ${name}: ${kind} of ${key.name}`),
    ...[...table.elements].flatMap(([name, elements]) => elementLines(name, elements, numbering, slots)),
  ];
  return lines.sort();
}

/** With the sets under their first names. A set that is there twice keeps its names: that is a difference. */
function withPlainNames(table: KernelTable): KernelTable {
  const names = table.sets.map(({ name }) => name);
  const plain = (name: string) => {
    const first = name.replace(/-\d+$/, '');
    const isOurs = (Object.values(SET_NAMES) as string[]).includes(first);
    const others = names.filter((other) => other !== name && other.replace(/-\d+$/, '') === first);
    return isOurs && others.length === 0 ? first : name;
  };
  return {
    ...table,
    sets: table.sets.map((set) => ({ ...set, name: plain(set.name) })),
    elements: new Map([...table.elements].map(([name, elements]) => [plain(name), elements])),
  };
}

type Chain = KernelTable['chains'][number];

function chainLine(chain: Chain, rules: readonly ListedRule[], numbering: Numbering): string {
  const { name, comment, table: _, ...hook } = chain;
  return `chain ${numbering.chain(name)} (${comment}) ${JSON.stringify(hook)}: ${rulesText(rules, numbering)}`;
}

/** A rule looks into the set that is there: which of its names it has is no difference. */
const SET_EPOCH = /("set","[a-z-]+?)-\d+"/g;
const CHAIN_NAME = /"chain":"([^"]+)"|"chain","([^"]+)"/g;
/** A mark in a rule: as the bytes of a constant, or as where `numgen` begins. */
const CONSTANT = /\b([0-9a-f]{4})514b\b/g;
const OFFSET = /"offset",(\d+)/g;

function rulesText(rules: readonly ListedRule[], { chain, mark }: Numbering): string {
  return fingerprint(rules)
    .replace(SET_EPOCH, '$1"')
    .replace(CHAIN_NAME, (text, name: string | undefined, other: string | undefined) => {
      const found = name ?? other ?? '';
      return text.replace(found, chain(found));
    })
    .replace(CONSTANT, (bytes) => mark(Buffer.from(bytes, 'hex').readUInt32LE()))
    .replace(OFFSET, (_, offset: string) => `"offset",${mark(Number(offset))}`)
    .replaceAll('\n', ' | ');
}

/** Sets that hold marks in their keys, in their data. */
const MARKS_IN_KEY = new Set<string>([
  SET_NAMES.stickyEndpoints,
  SET_NAMES.stickyCluster,
  SET_NAMES.stickyLocal,
]);
const MARKS_IN_DATA = new Set<string>([
  SET_NAMES.services,
  SET_NAMES.nodeports,
  SET_NAMES.localServices,
  SET_NAMES.shortCircuits,
  SET_NAMES.localNodeports,
  SET_NAMES.nodeportShortCircuits,
]);
/** Each has an index at the end of its key: who has which is chance, but they must be dense. */
const INDEXED = new Set<string>([SET_NAMES.endpoints, SET_NAMES.nodeportEndpoints]);

function elementLines(
  name: string,
  { packed, verdicts }: SetElements,
  { mark, chain }: Numbering,
  slots: ReadonlyMap<number, string>,
): readonly string[] {
  // Written by packets.
  if (name === SET_NAMES.affinity) return [];
  if (INDEXED.has(name)) return indexedLines(name, packed);
  const key = (text: string) => (MARKS_IN_KEY.has(name) ? mark(markOf(text)) : hex(text));
  const data = (text: string) => (MARKS_IN_DATA.has(name) ? mark(markOf(text)) : hex(text));
  if (name === SET_NAMES.stickySlots) {
    return [...packed].map(([slot, id]) => {
      const owner = slots.get(markOf(slot)) ?? 'nobody';
      return `${name}: one of ${owner} is ${mark(markOf(id))}`;
    });
  }
  return [
    ...[...packed].map(([from, to]) => `${name}: ${key(from)} is ${data(to)}`),
    ...[...verdicts.values()].map((target) => `${name}: ${chain(target)}`),
  ];
}

/** One line for each frontend: its endpoints in any order, and the indexes that are given out. */
function indexedLines(name: string, packed: ReadonlyMap<string, string>): readonly string[] {
  const frontends = new Map<string, { readonly indexes: number[]; readonly endpoints: string[] }>();
  for (const [key, endpoint] of packed) {
    const index = markOf(key.slice(-4));
    // The major number tells all endpoints from those on this node.
    const frontend = `${hex(key.slice(0, -4))} ${(index >>> 16).toString(16)}`;
    const entry = frontends.get(frontend) ?? { indexes: [], endpoints: [] };
    entry.indexes.push(index & 0xffff);
    entry.endpoints.push(hex(endpoint));
    frontends.set(frontend, entry);
  }
  return [...frontends].map(([frontend, { indexes, endpoints }]) => {
    const places = indexes.sort((a, b) => a - b).join(' ');
    return `${name}: ${frontend}: ${endpoints.sort().join(' ')} at ${places}`;
  });
}

/** Which sticky chain chooses from each slot: the rule with `numgen` in it has the range. */
function slotOwners(table: KernelTable, { chain }: Numbering): ReadonlyMap<number, string> {
  const owners = new Map<number, string>();
  for (const [name, rules] of table.rules) {
    if (!name.startsWith('sticky-') && !name.startsWith('local-sticky-')) continue;
    for (const { fields } of rules.flatMap(({ expressions }) => expressions)) {
      const range = fields as { readonly modulus?: unknown; readonly offset?: unknown } | undefined;
      const [count, first] = [Number(range?.modulus ?? 0), Number(range?.offset ?? 0)];
      for (let slot = first; slot < first + count; slot += 1) owners.set(slot, chain(name));
    }
  }
  return owners;
}

/** Lines that are in one picture only, each with a `+` or `-` in front: what the second has more or less than the first. */
export function pictureDifference(first: readonly string[], second: readonly string[]): readonly string[] {
  const count = new Map<string, number>();
  for (const line of first) count.set(line, (count.get(line) ?? 0) - 1);
  for (const line of second) count.set(line, (count.get(line) ?? 0) + 1);
  return [...count].filter(([, n]) => n !== 0).map(([line, n]) => `${n > 0 ? '+' : '-'} ${line}`);
}
