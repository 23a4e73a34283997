import { type Document, isAlias, isMap, isNode, isScalar, isSeq, LineCounter, parseAllDocuments } from 'yaml';
import type { Path } from '../fields.ts';

/** Line and column, both from 1. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** A parsed value that can tell where its fields stand. */
export interface LocatedValue {
  readonly value: unknown;
  /** Where the field stands, or what is nearest above it when it is absent. */
  readonly locate: (path: Path) => Position;
}

export interface SyntaxProblem extends Position {
  readonly message: string;
}

/** Parses the documents of a YAML text. Documents with syntax errors are left out; empty ones too. */
export function parseYaml(text: string): {
  readonly values: readonly LocatedValue[];
  readonly syntax: readonly SyntaxProblem[];
} {
  const lines = new LineCounter();
  const values: LocatedValue[] = [];
  const syntax: SyntaxProblem[] = [];
  const position = (offset: number): Position => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(line, 1), column: Math.max(col, 1) };
  };
  const documents = parseAllDocuments(text, {
    lineCounter: lines,
    merge: true,
    prettyErrors: false,
    logLevel: 'silent',
  });
  for (const document of 'empty' in documents ? [] : documents) {
    const error = document.errors[0];
    if (error !== undefined) {
      syntax.push({ ...position(error.pos[0]), message: `cannot be parsed: ${error.message}` });
      continue;
    }
    try {
      const value: unknown = document.toJS();
      if (value === null || value === undefined) continue;
      values.push({ value, locate: (path) => position(offsetOf(document, path)) });
    } catch (error) {
      // Aliases that would grow without bound.
      const message = error instanceof Error ? error.message : String(error);
      syntax.push({ ...position(document.range[0]), message: `cannot be parsed: ${message}` });
    }
  }
  return { values, syntax };
}

function offsetOf(document: Document, path: Path): number {
  let node: unknown = document.contents;
  let offset = document.contents?.range?.[0] ?? 0;
  for (const key of path) {
    const place = step(isAlias(node) ? node.resolve(document) : node, key);
    if (place === undefined) break;
    offset = place.offset;
    node = place.node;
  }
  return offset;
}

/** A mapping's value, found at its key; a list's item. */
function step(node: unknown, key: string | number): { node: unknown; offset: number } | undefined {
  if (isMap(node)) {
    const pair = node.items.find((item) => isScalar(item.key) && String(item.key.value) === String(key));
    const offset = isScalar(pair?.key) ? pair.key.range?.[0] : undefined;
    return offset === undefined ? undefined : { node: pair?.value, offset };
  }
  if (!isSeq(node) || typeof key !== 'number') return undefined;
  const item = node.items[key];
  const offset = isNode(item) ? item.range?.[0] : undefined;
  return offset === undefined ? undefined : { node: item, offset };
}
