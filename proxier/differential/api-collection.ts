import type { ApiObject } from './api-objects.ts';
import type { Selector } from './api-selector.ts';

/** `ADDED`, `MODIFIED` or `DELETED`, with the object as it is or was. */
export interface ApiEvent {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly object: ApiObject;
}

interface Revision {
  readonly version: number;
  readonly before: ApiObject | undefined;
  readonly after: ApiObject | undefined;
}

type Watcher = (revision: Revision) => void;

/** The objects of one resource, every change that was made to them, and those who want to hear of the next ones. */
export class ApiCollection {
  readonly #objects = new Map<string, ApiObject>();
  readonly #revisions: Revision[] = [];
  readonly #watchers = new Set<Watcher>();

  /** Adds the object or takes it in the place of its former version; without effect when nothing differs. */
  set(object: ApiObject, version: number): void {
    const name = objectName(object);
    const before = this.#objects.get(name);
    const kept = before?.metadata ?? {
      uid: `00000000-0000-4000-8000-${String(version).padStart(12, '0')}`,
      creationTimestamp: new Date().toISOString().replace(/\.[0-9]+Z$/, 'Z'),
    };
    const { uid, creationTimestamp } = kept;
    const metadata = { ...object.metadata, uid, creationTimestamp, resourceVersion: String(version) };
    this.#record(name, { version, before, after: { ...object, metadata } });
  }

  delete(name: string, version: number): void {
    const before = this.#objects.get(name);
    if (before === undefined) return;
    const metadata = { ...before.metadata, resourceVersion: String(version) };
    this.#record(name, { version, before: { ...before, metadata }, after: undefined });
  }

  list(selector: Selector): readonly ApiObject[] {
    return [...this.#objects.values()].filter(selector);
  }

  /** Tells every change later than `since`, those that were made already at once. Gives a function that ends it. */
  watch(since: number, selector: Selector, tell: (event: ApiEvent) => void): () => void {
    const watcher: Watcher = (revision) => {
      const event = eventOf(revision, selector);
      if (event !== undefined) tell(event);
    };
    for (const revision of this.#revisions) if (revision.version > since) watcher(revision);
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  }

  #record(name: string, revision: Revision): void {
    if (revision.after === undefined) this.#objects.delete(name);
    else this.#objects.set(name, revision.after);
    this.#revisions.push(revision);
    for (const watcher of this.#watchers) watcher(revision);
  }
}

/** An object that a selector lets in or out is one that comes or goes for its watcher. */
function eventOf({ before, after }: Revision, selector: Selector): ApiEvent | undefined {
  const was = before !== undefined && selector(before);
  if (after !== undefined && selector(after)) return { type: was ? 'MODIFIED' : 'ADDED', object: after };
  // With the version of the change, and the state before it, as a real API server has it.
  return was ? { type: 'DELETED', object: before } : undefined;
}

function objectName({ metadata: { namespace, name } }: ApiObject): string {
  return namespace === undefined ? name : `${namespace}/${name}`;
}
