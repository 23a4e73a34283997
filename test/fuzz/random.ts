/** Numbers below a limit, the same ones for the same seed (mulberry32). */
export type Random = (below: number) => number;

export function seeded(seed: number): Random {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

/** Values at which lengths and counts go wrong. */
const EDGES = [0, 1, 2, 3, 4, 5, 7, 8, 15, 16, 0x7f, 0x80, 0xff];

/** A copy with a few bytes changed, removed or doubled. */
export function mutate(bytes: Uint8Array, random: Random): Uint8Array {
  let mutant = Uint8Array.from(bytes);
  for (let edits = 1 + random(4); edits > 0 && mutant.length > 0; edits--) {
    const at = random(mutant.length);
    switch (random(6)) {
      case 0:
        mutant[at] = random(256);
        break;
      case 1:
        mutant[at] = (mutant[at] ?? 0) ^ (1 << random(8));
        break;
      case 2:
        mutant[at] = EDGES[random(EDGES.length)] ?? 0;
        break;
      case 3:
        mutant = mutant.slice(0, at);
        break;
      case 4:
        mutant.copyWithin(at, random(mutant.length));
        break;
      default:
        mutant = Uint8Array.of(...mutant.subarray(0, at), ...mutant.subarray(random(mutant.length)));
    }
  }
  return mutant;
}
