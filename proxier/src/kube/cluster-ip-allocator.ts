import { familyOf } from './address.ts';
import type { Cidr } from './cidr.ts';
import { formatRecord, messageOf, readRecord, writeRecord } from './cluster-ip-file.ts';
import { ClusterIPTable, type Plan } from './cluster-ip-table.ts';
import type { ClusterIPRecord } from './cluster-ips.ts';
import type { ObjectChanges, Service } from './objects.ts';
import { type Problem, type ProblemChanges, problemChanges } from './problem.ts';

export interface ClusterIPAllocatorOptions {
  /** As `parseServiceCidrs` gives them. */
  readonly cidrs: readonly Cidr[];
  /** Path of the state file. */
  readonly stateFile: string;
  /** Where a Service (`Service shop/cart`) is defined, for problems. */
  readonly place?: (id: string) => Pick<Problem, 'file' | 'line' | 'column'> | undefined;
}

/** What a batch of Services became. */
export interface AllocatedBatch {
  /** The Services whose objects or addresses changed. Their `clusterIPs` are the addresses that are theirs, maybe none. */
  readonly services: ObjectChanges<Service>;
  /** Told once: `Service shop/cart has no clusterIP: it gets 10.101.3.9`. */
  readonly notes: readonly string[];
  readonly problems: ProblemChanges;
}

/**
 * Stands between the manifests and the model: makes sure that every cluster IP has one Service, and gives addresses to
 * Services that were written without. One batch at a time: `apply` again only when the last one settled.
 */
export class ClusterIPAllocator {
  readonly #options: ClusterIPAllocatorOptions;
  readonly #table: ClusterIPTable;
  /** What was handed on. */
  readonly #emitted = new Map<string, Service>();
  /** Service to the given addresses that were told. */
  readonly #noted = new Map<string, string>();
  /** The state file's text, and whether it is what there is to be remembered. */
  #saved: string;
  #isSaved = true;
  #told: readonly Problem[] = [];

  private constructor(options: ClusterIPAllocatorOptions, record: ClusterIPRecord) {
    this.#options = options;
    this.#table = new ClusterIPTable(options.cidrs, record);
    this.#saved = formatRecord(record);
  }

  /** Reads the state file. Throws an error that names it when it is there and not usable. */
  static async open(options: ClusterIPAllocatorOptions): Promise<ClusterIPAllocator> {
    return new ClusterIPAllocator(options, await readRecord(options.stateFile));
  }

  /**
   * Takes changed Services; the first time all there are. With no changes it tries again what failed before (a state
   * file that can't be written).
   */
  async apply(changes: ObjectChanges<Service>): Promise<AllocatedBatch> {
    this.#table.update(changes);
    const { plan, failure } = await this.#planAndSave();
    const notes = this.#notes(plan);
    this.#table.commit(plan);
    const told = this.#told;
    this.#told = this.#problems(failure);
    return { services: this.#emit(changes, plan), notes, problems: problemChanges(told, this.#told) };
  }

  async #planAndSave(): Promise<{ plan: Plan; failure?: string }> {
    const plan = this.#table.plan();
    if (this.#isSaved && !this.#table.changesRecord(plan)) return { plan };
    const text = formatRecord(this.#table.record(plan));
    if (text === this.#saved) {
      this.#isSaved = true;
      return { plan };
    }
    try {
      await writeRecord(this.#options.stateFile, text);
      this.#saved = text;
      this.#isSaved = true;
      return { plan };
    } catch (error) {
      this.#isSaved = false;
      const failure = `the state file ${this.#options.stateFile} cannot be written: ${messageOf(error)}`;
      if (!plan.gaveNew) return { plan, failure };
      // An address that is not on record could be another one after the next start.
      return { plan: this.#table.plan(`no address is given, since ${failure}`), failure };
    }
  }

  /** Services that changed, or whose addresses are others now. */
  #emit(changes: ObjectChanges<Service>, { scope, clusterIPs }: Plan): ObjectChanges<Service> {
    const upserted: Service[] = [];
    const deleted: string[] = [];
    const changed = new Set(changes.upserted);
    for (const name of scope) {
      const service = this.#table.service(name);
      const before = this.#emitted.get(name);
      if (service === undefined) {
        if (this.#emitted.delete(name)) deleted.push(name);
        continue;
      }
      const now = withClusterIPs(service, clusterIPs.get(name) ?? service.spec.clusterIPs);
      const isSame = before !== undefined && sameTexts(before.spec.clusterIPs, now.spec.clusterIPs);
      if (isSame && !changed.has(service)) continue;
      this.#emitted.set(name, now);
      upserted.push(now);
    }
    return { upserted, deleted };
  }

  /** Compares with what is still in the table: called before the plan is committed. */
  #notes({ scope, given }: Plan): readonly string[] {
    const notes: string[] = [];
    for (const name of scope) {
      const ips = given.get(name);
      const text = ips?.join(' and ') ?? '';
      if (ips === undefined) this.#noted.delete(name);
      if (ips === undefined || this.#noted.get(name) === text) continue;
      this.#noted.set(name, text);
      const verb = sameTexts(this.#table.given(name), ips) ? 'keeps' : 'gets';
      const explicit = this.#table.service(name)?.spec.clusterIPs ?? [];
      notes.push(
        `Service ${name} has ${explicit.length === 0 ? 'no' : 'only one'} clusterIP: it ${verb} ${text}`,
      );
    }
    return notes;
  }

  #problems(failure: string | undefined): readonly Problem[] {
    const nowhere = { file: '', line: 0, column: 0 };
    const complaints = this.#table.complaints();
    const problems = complaints.map(({ service, field, message }): Problem => {
      const object = `Service ${service}`;
      const place = this.#options.place?.(object) ?? nowhere;
      return { severity: 'error', ...place, object, field, message };
    });
    if (failure !== undefined && !complaints.some(({ message }) => message.includes(failure))) {
      problems.push({ severity: 'error', ...nowhere, field: '', message: failure });
    }
    return problems;
  }
}

function withClusterIPs(service: Service, clusterIPs: readonly string[]): Service {
  if (sameTexts(service.spec.clusterIPs, clusterIPs)) return service;
  return { ...service, spec: { ...service.spec, clusterIPs, ipFamilies: clusterIPs.map(familyOf) } };
}

function sameTexts(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((text, index) => text === b[index]);
}
