import type { Path } from '../fields.ts';
import type { LocatedValue, Position } from './yaml-documents.ts';

/**
 * Parses a file that is one JSON value, a hundred times faster than the YAML parser; `undefined` when it is none (the
 * YAML parser then finds the mistake, or the several values).
 */
export function parseJson(text: string): LocatedValue | undefined {
  if (!/^\s*[[{]/.test(text)) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  const locator = new JsonLocator(text);
  return { value, locate: (path) => locator.locate(path) };
}

/** Where a member or item begins, and where its value does. */
interface Place {
  readonly start: number;
  readonly value: number;
}

/** Finds fields in valid JSON text by scanning each container once, when it is asked for. */
class JsonLocator {
  readonly #text: string;
  readonly #members = new Map<number, ReadonlyMap<string, Place>>();
  readonly #lineStarts: number[] = [];

  constructor(text: string) {
    this.#text = text;
  }

  locate(path: Path): Position {
    let place: Place = { start: this.#skipSpace(0), value: this.#skipSpace(0) };
    for (const key of path) {
      const next = this.#membersAt(place.value).get(String(key));
      if (next === undefined) break;
      place = next;
    }
    return this.#position(place.start);
  }

  #membersAt(offset: number): ReadonlyMap<string, Place> {
    const known = this.#members.get(offset);
    if (known !== undefined) return known;
    const members = new Map<string, Place>();
    const open = this.#text[offset];
    if (open === '{' || open === '[') {
      const close = open === '{' ? '}' : ']';
      let at = this.#skipSpace(offset + 1);
      for (let index = 0; this.#text[at] !== close; index += 1) {
        const start = at;
        let key = String(index);
        if (open === '{') {
          const keyEnd = this.#skipString(at);
          key = String(JSON.parse(this.#text.slice(at, keyEnd)));
          at = this.#skipSpace(this.#skipSpace(keyEnd) + 1);
        }
        members.set(key, { start, value: at });
        at = this.#skipSpace(this.#skipValue(at));
        if (this.#text[at] === ',') at = this.#skipSpace(at + 1);
      }
    }
    this.#members.set(offset, members);
    return members;
  }

  #skipSpace(from: number): number {
    let at = from;
    while (/[ \t\r\n]/.test(this.#text[at] ?? '')) at += 1;
    return at;
  }

  /** From the opening quote to behind the closing one. */
  #skipString(from: number): number {
    let at = from + 1;
    while (this.#text[at] !== '"') at += this.#text[at] === '\\' ? 2 : 1;
    return at + 1;
  }

  /** From a value's first character to behind its last one, or behind what follows a number or word. */
  #skipValue(from: number): number {
    const first = this.#text[from];
    if (first === '"') return this.#skipString(from);
    if (first !== '{' && first !== '[') return this.#next(/[,\]}\s]|$/g, from);
    let depth = 0;
    let at = from;
    do {
      const char = this.#text[at];
      if (char === '{' || char === '[') depth += 1;
      if (char === '}' || char === ']') depth -= 1;
      at = char === '"' ? this.#skipString(at) : at + 1;
      if (depth > 0) at = this.#next(/["{}[\]]/g, at);
    } while (depth > 0);
    return at;
  }

  #next(pattern: RegExp, from: number): number {
    pattern.lastIndex = from;
    return pattern.exec(this.#text)?.index ?? this.#text.length;
  }

  #position(offset: number): Position {
    if (this.#lineStarts.length === 0) {
      for (let at = 0; at >= 0; at = this.#text.indexOf('\n', at) + 1 || -1) this.#lineStarts.push(at);
    }
    let low = 0;
    let high = this.#lineStarts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((this.#lineStarts[middle] ?? 0) <= offset) low = middle;
      else high = middle - 1;
    }
    return { line: low + 1, column: offset - (this.#lineStarts[low] ?? 0) + 1 };
  }
}
