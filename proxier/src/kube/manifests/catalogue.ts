import { isDeepStrictEqual } from 'node:util';
import { type EndpointSlice, type ObjectChanges, objectName, type Service } from '../objects.ts';
import { type Problem, type ProblemChanges, problemChanges } from '../problem.ts';
import type { LocatedObject, ParsedFile } from './parse.ts';
import type { Position } from './yaml-documents.ts';

/** What changed in a folder of manifests. */
export interface ManifestBatch {
  readonly services: ObjectChanges<Service>;
  readonly endpointSlices: ObjectChanges<EndpointSlice>;
  readonly problems: ProblemChanges;
  /** Objects of other kinds (Deployments, …) that the folder holds now. */
  readonly ignored: number;
}

interface FileEntry {
  readonly held: ReadonlyMap<string, LocatedObject>;
  readonly parsed: ParsedFile | undefined;
  readonly problems: readonly Problem[];
}

/**
 * The objects of all files. An object belongs to the first file, by name, that defines it. What becomes invalid keeps its
 * last good version; a file that can't be understood completely keeps all it had.
 */
export class Catalogue {
  readonly #files = new Map<string, FileEntry>();
  /** Id to the names of the files that define it. */
  readonly #claims = new Map<string, Set<string>>();
  /** What was handed on: id to object. */
  readonly #current = new Map<string, Service | EndpointSlice>();
  readonly #touched = new Set<string>();
  /** Ids that several files define. */
  readonly #contested = new Set<string>();
  #told: readonly Problem[] = [];

  /** What the file holds, the last good versions included. */
  held(file: string): ReadonlyMap<string, LocatedObject> {
    return this.#files.get(file)?.held ?? new Map();
  }

  /** What the file's text gave when it was parsed last. */
  parsed(file: string): ParsedFile | undefined {
    return this.#files.get(file)?.parsed;
  }

  /** Where the object in use stands. */
  place(id: string): ({ readonly file: string } & Position) | undefined {
    const file = this.#winner(id);
    const located = file === undefined ? undefined : this.#files.get(file)?.held.get(id);
    return file === undefined || located === undefined
      ? undefined
      : { file, line: located.line, column: located.column };
  }

  /** The file was read and parsed. */
  put(parsed: ParsedFile, file: string): void {
    const before = this.held(file);
    const held = new Map<string, LocatedObject>();
    const problems = [...parsed.problems];
    for (const located of parsed.objects) {
      const first = held.get(located.id);
      if (first === undefined) held.set(located.id, located);
      else problems.push(duplicate(located, file, `line ${first.line}`));
    }
    for (const [id, located] of before) {
      if (!held.has(id) && (!parsed.complete || parsed.invalid.includes(id))) held.set(id, located);
    }
    this.#replace(file, { held, parsed, problems });
  }

  /** The file is there but can't be read: what it held stays. */
  unreadable(file: string, message: string): void {
    const problems = [wholeFile(file, message)];
    this.#replace(file, { held: this.held(file), parsed: this.parsed(file), problems });
  }

  /** The file is gone, and its objects with it. */
  remove(file: string): void {
    this.#replace(file, { held: new Map(), parsed: undefined, problems: [] });
    this.#files.delete(file);
  }

  /** What changed since the last time. `folderProblems` are those of the folder as a whole. */
  takeBatch(folderProblems: readonly Problem[] = []): ManifestBatch {
    const changes = new Changes();
    for (const id of this.#touched) this.#settle(id, changes);
    this.#touched.clear();
    const names = [...this.#files.keys()].sort();
    const problems = [
      ...folderProblems,
      ...names.flatMap((name) => this.#files.get(name)?.problems ?? []),
      ...[...this.#contested].sort().flatMap((id) => this.#losers(id)),
    ];
    const told = this.#told;
    this.#told = problems;
    let ignored = 0;
    for (const { parsed } of this.#files.values()) ignored += parsed?.ignored ?? 0;
    return { ...changes.result(), problems: problemChanges(told, problems), ignored };
  }

  #replace(file: string, entry: FileEntry): void {
    const before = this.held(file);
    this.#files.set(file, entry);
    for (const [id, { object }] of before) {
      const now = entry.held.get(id);
      if (now === undefined) this.#claims.get(id)?.delete(file);
      if (now?.object !== object) this.#touched.add(id);
    }
    for (const id of entry.held.keys()) {
      if (before.has(id)) continue;
      this.#touched.add(id);
      const files = this.#claims.get(id);
      if (files === undefined) this.#claims.set(id, new Set([file]));
      else files.add(file);
    }
  }

  #winner(id: string): string | undefined {
    let first: string | undefined;
    for (const file of this.#claims.get(id) ?? []) if (first === undefined || file < first) first = file;
    return first;
  }

  #settle(id: string, changes: Changes): void {
    const files = this.#claims.get(id);
    if (files?.size === 0) this.#claims.delete(id);
    if ((files?.size ?? 0) > 1) this.#contested.add(id);
    else this.#contested.delete(id);
    const winner = this.#winner(id);
    const now = winner === undefined ? undefined : this.#files.get(winner)?.held.get(id)?.object;
    const before = this.#current.get(id);
    if (now === undefined) {
      if (this.#current.delete(id) && before !== undefined) changes.deleted(before);
    } else if (now !== before && !isDeepStrictEqual(now, before)) {
      this.#current.set(id, now);
      changes.upserted(now);
    }
  }

  #losers(id: string): readonly Problem[] {
    const winner = this.#winner(id);
    return [...(this.#claims.get(id) ?? [])].sort().flatMap((file) => {
      const located = this.#files.get(file)?.held.get(id);
      if (winner === undefined || file === winner || located === undefined) return [];
      return [duplicate(located, file, `${winner}, which is the one used`)];
    });
  }
}

class Changes {
  readonly #services = { upserted: [] as Service[], deleted: [] as string[] };
  readonly #slices = { upserted: [] as EndpointSlice[], deleted: [] as string[] };

  upserted(object: Service | EndpointSlice): void {
    if (object.kind === 'Service') this.#services.upserted.push(object);
    else this.#slices.upserted.push(object);
  }

  deleted(object: Service | EndpointSlice): void {
    (object.kind === 'Service' ? this.#services : this.#slices).deleted.push(objectName(object));
  }

  result(): Pick<ManifestBatch, 'services' | 'endpointSlices'> {
    return { services: this.#services, endpointSlices: this.#slices };
  }
}

function duplicate({ id, line, column }: LocatedObject, file: string, other: string): Problem {
  const message = `is already defined in ${other}`;
  return { severity: 'error', file, line, column, object: id, field: 'metadata.name', message };
}

/** A problem with a file or folder as a whole. */
export function wholeFile(file: string, message: string): Problem {
  return { severity: 'error', file, line: 0, column: 0, field: '', message };
}
