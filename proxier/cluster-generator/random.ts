/** Choices that are the same ones for the same seed. */
export interface Random {
  /** A whole number from 0 to `limit` - 1. */
  readonly below: (limit: number) => number;
  /** True in `percent` of 100 cases. */
  readonly chance: (percent: number) => boolean;
  /** One of the items; throws when there is none. */
  readonly pick: <T>(items: readonly T[]) => T;
  /** All items in another order. */
  readonly shuffled: <T>(items: readonly T[]) => readonly T[];
  /** `count` of the items (or all of them when there are fewer), in another order. */
  readonly some: <T>(items: readonly T[], count: number) => readonly T[];
}

/** mulberry32: 32 bits of state are enough, since every round has a seed of its own. */
export function seeded(seed: number): Random {
  let state = seed | 0;
  const below = (limit: number): number => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % limit;
  };
  const shuffled = <T>(items: readonly T[]): readonly T[] =>
    items
      .map((item) => ({ item, place: below(0x4000_0000) }))
      .sort((a, b) => a.place - b.place)
      .map(({ item }) => item);
  return {
    below,
    chance: (percent) => below(100) < percent,
    pick: (items) => {
      if (items.length === 0) throw new Error('there is nothing to pick from');
      return items[below(items.length)] as (typeof items)[number];
    },
    shuffled,
    some: (items, count) => shuffled(items).slice(0, count),
  };
}
