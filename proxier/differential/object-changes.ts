/** What is new or another one in `after`, and the names of what is gone. Objects are compared by identity. */
export function changesBetween<T>(
  before: ReadonlyMap<string, T>,
  after: ReadonlyMap<string, T>,
): { readonly set: readonly T[]; readonly deleted: readonly string[] } {
  return {
    set: [...after].filter(([name, object]) => before.get(name) !== object).map(([, object]) => object),
    deleted: [...before.keys()].filter((name) => !after.has(name)),
  };
}
