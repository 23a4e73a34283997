import { isDeepStrictEqual } from 'node:util';
import { type Complaint, formatPath, type Path } from '../fields.ts';
import { type EndpointSlice, objectName, type Service } from '../objects.ts';
import type { Problem } from '../problem.ts';
import { listItems, type ObjectKind, readObject } from '../read-object.ts';
import { parseJson } from './json-document.ts';
import { type Chunk, splitYaml } from './split.ts';
import { type LocatedValue, type Position, parseYaml } from './yaml-documents.ts';

/** An object and where it begins. */
export interface LocatedObject extends Position {
  /** `Service shop/cart` */
  readonly id: string;
  readonly object: Service | EndpointSlice;
}

/** What a piece of a file holds. */
interface Content {
  readonly objects: readonly LocatedObject[];
  /** Ids of objects that are there, but not usable as they are. */
  readonly invalid: readonly string[];
  readonly problems: readonly Problem[];
  /** False when some document can't be parsed or has no name: nobody knows which objects it was meant to define. */
  readonly complete: boolean;
  /** Objects of kinds that are not read. */
  readonly ignored: number;
}

/** What a file holds, its problems placed in it. */
export interface ParsedFile extends Content {
  /** What each piece of the text gave, for the next time the file is parsed. */
  readonly pieces: ReadonlyMap<string, Content>;
}

/** Longest time in which the event loop doesn't turn, apart from one single document (or one JSON text). */
const SLICE_MS = 8;

/** What the same file gave before. */
export interface Earlier {
  readonly pieces: ParsedFile['pieces'];
  /** An object the file held: it is given again, the very same, when its content did not change. */
  readonly object: (id: string) => Service | EndpointSlice | undefined;
}

/** Parses the text of one manifest file. Pieces that are as they were in `earlier` are not parsed again. */
export async function parseManifest(file: string, text: string, earlier?: Earlier): Promise<ParsedFile> {
  const source = text.startsWith('\ufeff') ? text.slice(1) : text;
  const pause = pauser();
  const json = parseJson(source);
  if (json !== undefined) {
    const collector = new Collector(earlier);
    for (const member of members(json)) {
      collector.read(member.value, member.path, json, member.listKind);
      await pause();
    }
    return place(file, [{ chunk: { linesBefore: 0 }, content: collector.content() }], new Map());
  }
  const pieces = new Map<string, Content>();
  const parts: Part[] = [];
  let list: { readonly kind: ObjectKind | undefined } | undefined;
  for (const chunk of splitYaml(source)) {
    const { text: piece, part } = chunk;
    if (part === 'document') list = listOf(piece);
    else if (list === undefined) continue;
    const key = `${part} ${part === 'item' ? (list?.kind ?? 'any') : ''} ${piece}`;
    const content =
      pieces.get(key) ?? earlier?.pieces.get(key) ?? readYaml(piece, part === 'item', list?.kind, earlier);
    pieces.set(key, content);
    parts.push({ chunk, content });
    await pause();
  }
  return place(file, parts, pieces);
}

/** Whether a document whose items were cut off is a list that we read. */
function listOf(piece: string): { readonly kind: ObjectKind | undefined } | undefined {
  if (!/^["']?kind["']?[ \t]*:.*List/m.test(piece)) return undefined;
  return listItems(parseYaml(piece).values[0]?.value);
}

function readYaml(
  piece: string,
  isItem: boolean,
  itemKind: ObjectKind | undefined,
  earlier: Earlier | undefined,
): Content {
  const collector = new Collector(earlier);
  const { values, syntax } = parseYaml(piece);
  for (const problem of syntax) collector.syntax(problem);
  for (const document of values) {
    if (isItem) collector.read(document.value, [], document, itemKind);
    else
      for (const { value, path, listKind } of members(document))
        collector.read(value, path, document, listKind);
  }
  return collector.content();
}

interface Member {
  readonly value: unknown;
  readonly path: Path;
  readonly listKind: ObjectKind | undefined;
}

/** The objects of a document: itself, or what it lists. */
function members({ value }: LocatedValue): readonly Member[] {
  const list = listItems(value);
  if (list?.items === undefined) return [{ value, path: [], listKind: undefined }];
  return list.items.map((item, index) => ({ value: item, path: ['items', index], listKind: list.kind }));
}

class Collector {
  readonly #earlier: Earlier | undefined;
  readonly #objects: LocatedObject[] = [];
  readonly #invalid: string[] = [];
  readonly #problems: Problem[] = [];
  #complete = true;
  #ignored = 0;

  constructor(earlier: Earlier | undefined) {
    this.#earlier = earlier;
  }

  syntax({ line, column, message }: Position & { readonly message: string }): void {
    this.#complete = false;
    this.#problems.push({ severity: 'error', file: '', line, column, field: '', message });
  }

  read(value: unknown, path: Path, document: LocatedValue, listKind: ObjectKind | undefined): void {
    const result = readObject(value, listKind);
    const tell = (severity: Problem['severity'], complaint: Complaint, object?: string) => {
      const field = formatPath(complaint.path);
      const { line, column } = document.locate([...path, ...complaint.path]);
      const named = object === undefined ? {} : { object };
      this.#problems.push({ severity, file: '', line, column, ...named, field, message: complaint.message });
    };
    switch (result.outcome) {
      case 'ignored':
        this.#ignored += 1;
        if (result.note !== undefined) tell('note', result.note);
        break;
      case 'nameless':
        this.#complete = false;
        for (const complaint of result.complaints) tell('error', complaint);
        break;
      case 'invalid': {
        const id = `${result.kind} ${result.name}`;
        this.#invalid.push(id);
        for (const complaint of result.complaints) tell('error', complaint, id);
        break;
      }
      case 'object': {
        const id = `${result.object.kind} ${objectName(result.object)}`;
        if (result.note !== undefined) tell('note', result.note, id);
        const { line, column } = document.locate(path);
        const old = this.#earlier?.object(id);
        const object = isDeepStrictEqual(old, result.object) && old ? old : result.object;
        this.#objects.push({ id, object, line, column });
      }
    }
  }

  content(): Content {
    return {
      objects: this.#objects,
      invalid: this.#invalid,
      problems: this.#problems,
      complete: this.#complete,
      ignored: this.#ignored,
    };
  }
}

/** A piece of a file, and what it gave. */
interface Part {
  readonly chunk: Pick<Chunk, 'linesBefore' | 'gap'>;
  readonly content: Content;
}

/** Puts the pieces of a file together: their lines become lines of the file. */
function place(file: string, parts: readonly Part[], pieces: ReadonlyMap<string, Content>): ParsedFile {
  const shift = <T extends Position>(found: T, { linesBefore, gap }: Part['chunk']): T => {
    const cut = gap !== undefined && found.line >= gap.line ? gap.lines : 0;
    return { ...found, line: found.line + linesBefore + cut };
  };
  return {
    objects: parts.flatMap(({ chunk, content }) => content.objects.map((object) => shift(object, chunk))),
    invalid: parts.flatMap(({ content }) => content.invalid),
    problems: parts.flatMap(({ chunk, content }) =>
      content.problems.map((problem) => ({ ...shift(problem, chunk), file })),
    ),
    complete: parts.every(({ content }) => content.complete),
    ignored: parts.reduce((sum, { content }) => sum + content.ignored, 0),
    pieces,
  };
}

/** Awaited between documents: lets the event loop turn when it has been held long enough. */
function pauser(): () => Promise<void> | undefined {
  let since = performance.now();
  return () => {
    if (performance.now() - since < SLICE_MS) return undefined;
    return new Promise((resolve) => {
      setImmediate(() => {
        since = performance.now();
        resolve();
      });
    });
  };
}
