const NOTHING: readonly never[] = Object.freeze([]);

/**
 * The same list without spare room, for lists that are kept by the ten thousand: V8 leaves room for 16 more behind what `flatMap`,
 * `filter` and `push` have made. All empty lists are one.
 */
export function compact<T>(list: readonly T[]): readonly T[] {
  return list.length === 0 ? NOTHING : list.slice();
}

/** The parts as one string that is kept: `+` and templates keep every part, and an object for each. */
export function joined(separator: string, ...parts: readonly (string | number)[]): string {
  return parts.join(separator);
}
