/** Changes that can be taken back: a batch is made together or not at all. */
export class Journal {
  readonly #undo: (() => void)[] = [];

  /** Remembers how to take back a change that was just made. */
  push(undo: () => void): void {
    this.#undo.push(undo);
  }

  /** Takes everything back, last first. */
  revert(): void {
    for (const undo of this.#undo.splice(0).reverse()) undo();
  }

  /** Puts something new into a map. */
  add<K, V>(map: Map<K, V>, key: K, value: V): void {
    map.set(key, value);
    this.push(() => map.delete(key));
  }

  /** Takes something out of a map whose order nobody sees. */
  remove<K, V>(map: Map<K, V>, key: K): void {
    const value = map.get(key);
    if (value === undefined || !map.delete(key)) return;
    this.push(() => map.set(key, value));
  }

  /** Takes something out of a map whose order is that of listings. */
  removeOrdered<K, V>(map: Map<K, V>, key: K): void {
    const before = [...map];
    if (!map.delete(key)) return;
    this.push(() => {
      map.clear();
      for (const [each, value] of before) map.set(each, value);
    });
  }

  /** Gives a property another value. */
  set<T extends object, K extends keyof T>(object: T, key: K, value: T[K]): void {
    const before = object[key];
    object[key] = value;
    this.push(() => {
      object[key] = before;
    });
  }
}
