import type { AnySet, ListedRule, PackedValue } from 'nftlink';
import { LAYOUT_COMMENT, withoutEpoch } from '../../src/layout/fixed-chains.ts';
import { SET_NAMES } from '../../src/layout/set-names.ts';
import type { Moment } from './table.ts';

const OUR_SETS: ReadonlySet<string> = new Set(Object.values(SET_NAMES));

/**
 * All that a table holds, with names without epochs and class numbers as the chains that they lead to: two tables with the same
 * contents treat all packets alike, and nothing is left over in one of them.
 */
export function contentsOf({ rules, sets }: Moment, chains: readonly { name: string; comment?: string }[]) {
  const epoch = Math.max(
    ...chains
      .filter(({ comment }) => comment === LAYOUT_COMMENT)
      .map(({ name }) => Number(/-(\d+)$/.exec(name)?.[1] ?? 1)),
  );
  const plainChain = (name: string) => withoutEpoch(name, epoch) ?? name;
  const classes = new Map<PackedValue, PackedValue>();
  for (const { set, elements } of sets.values()) {
    if (/^dispatch/.test(set.name)) for (const [key, chain] of elements) classes.set(key, plainChain(chain));
  }
  const data = (set: AnySet, value: PackedValue) =>
    set.kind === 'verdict map'
      ? plainChain(value)
      : set.kind === 'map'
        ? (classes.get(value) ?? value)
        : value;
  const key = (set: AnySet, value: PackedValue) =>
    set.kind === 'verdict map' ? (classes.get(value) ?? value) : value;
  return {
    rules: Object.fromEntries(
      [...rules]
        .map(([name, list]) => [plainChain(name), list.map((rule) => textOf(rule, plainChain))])
        .sort(),
    ),
    sets: Object.fromEntries(
      [...sets.values()]
        .filter(({ set }) => !set.name.startsWith('__'))
        .map(({ set, elements }) => [
          plainSet(set.name),
          [...elements].map(([from, to]) => `${key(set, from)} ${data(set, to)}`).sort(),
        ])
        .sort(),
    ),
  };
}

function plainSet(name: string): string {
  const plain = name.replace(/-\d+$/, '');
  return OUR_SETS.has(plain) ? plain : name;
}

function textOf({ expressions, comment }: ListedRule, plainChain: (name: string) => string): string {
  return JSON.stringify([expressions.map(({ name, fields }) => [name, fields]), comment], (field, value) => {
    if (field === 'set') return String(value).startsWith('__') ? '__set' : plainSet(String(value));
    if (field === 'chain') return plainChain(String(value));
    if (value instanceof Uint8Array) return Buffer.from(value).toString('hex');
    return typeof value === 'bigint' ? `${value}` : value;
  });
}
