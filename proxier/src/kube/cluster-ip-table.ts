import type { Cidr } from './cidr.ts';
import {
  type Assignments,
  assignClusterIPs,
  type ClusterIPRecord,
  type ServiceComplaint,
} from './cluster-ips.ts';
import { type ObjectChanges, objectName, type Service } from './objects.ts';

/** A change to the table that has been worked out and not made yet. */
export interface Plan extends Assignments {
  /** The Services it is about, those that are gone included. */
  readonly scope: ReadonlySet<string>;
}

/**
 * Who has which cluster IP. A change concerns the changed Services, those that share an address with them, and those that
 * have something to complain of; no others are looked at.
 */
export class ClusterIPTable {
  readonly #cidrs: readonly Cidr[];
  readonly #services = new Map<string, Service>();
  readonly #given: Map<string, readonly string[]>;
  #released: ReadonlyMap<string, string>;
  readonly #owners: Map<string, string>;
  readonly #contested: Set<string>;
  /** Address to the Services that claim it, and the other way round. */
  readonly #claimants = new Map<string, Set<string>>();
  readonly #claims = new Map<string, Set<string>>();
  readonly #complaints = new Map<string, readonly ServiceComplaint[]>();
  /** Names on record whose Services have not been seen: gone, once the first batch is in. */
  #unseen: Set<string>;
  readonly #touched = new Set<string>();

  constructor(cidrs: readonly Cidr[], record: ClusterIPRecord) {
    this.#cidrs = cidrs;
    this.#given = new Map(record.given);
    this.#released = record.released;
    this.#owners = new Map(record.owners);
    this.#contested = new Set(record.contested);
    this.#unseen = new Set([...record.given.keys(), ...record.owners.values()]);
    for (const [ip, owner] of record.owners) {
      this.#claimants.set(ip, new Set([owner]));
      this.#claims.set(owner, (this.#claims.get(owner) ?? new Set()).add(ip));
    }
  }

  service(name: string): Service | undefined {
    return this.#services.get(name);
  }

  /** The addresses that the Service was given. */
  given(name: string): readonly string[] {
    return this.#given.get(name) ?? [];
  }

  complaints(): readonly ServiceComplaint[] {
    return [...this.#complaints.keys()].sort().flatMap((name) => this.#complaints.get(name) ?? []);
  }

  /** Takes changed Services; the first batch is all there are. What follows from them is {@link plan}. */
  update(changes: ObjectChanges<Service>): void {
    for (const name of changes.deleted) {
      this.#services.delete(name);
      this.#touched.add(name);
    }
    for (const service of changes.upserted) {
      this.#services.set(objectName(service), service);
      this.#touched.add(objectName(service));
    }
    for (const name of this.#unseen) this.#touched.add(name);
    this.#unseen = new Set();
  }

  /** What follows from the changes since the last commit. With `unable` no new address is given. */
  plan(unable?: string): Plan {
    const scope = this.#scope();
    const services: Service[] = [];
    const gone: string[] = [];
    for (const name of scope) {
      const service = this.#services.get(name);
      if (service === undefined) gone.push(name);
      else services.push(service);
    }
    const isTaken = (ip: string) => [...(this.#claimants.get(ip) ?? [])].some((name) => !scope.has(name));
    return { ...assignClusterIPs({ services, gone, isTaken }, this.record(), this.#cidrs, unable), scope };
  }

  commit(plan: Plan): void {
    for (const name of plan.scope) this.#forget(name);
    for (const [name, ips] of plan.given) this.#given.set(name, ips);
    for (const complaint of plan.complaints) {
      this.#complaints.set(complaint.service, [
        ...(this.#complaints.get(complaint.service) ?? []),
        complaint,
      ]);
    }
    for (const [ip, { claimants, owner }] of plan.claims) {
      this.#owners.set(ip, owner);
      this.#claimants.set(ip, new Set(claimants));
      if (claimants.length > 1) this.#contested.add(ip);
      for (const name of claimants) {
        const ips = this.#claims.get(name) ?? new Set<string>();
        this.#claims.set(name, ips.add(ip));
      }
    }
    this.#released = plan.released;
    this.#touched.clear();
  }

  /** False when committing the plan would leave the record as it is. */
  changesRecord({ scope, given, released, claims }: Plan): boolean {
    for (const name of scope) {
      if (this.given(name).join() !== (given.get(name) ?? []).join()) return true;
      for (const ip of this.#claims.get(name) ?? []) if (this.#contested.has(ip)) return true;
    }
    for (const { claimants } of claims.values()) if (claimants.length > 1) return true;
    return [...released].join() !== [...this.#released].join();
  }

  /** What is to be remembered; with a plan, as it will be once that is committed. */
  record(plan?: Plan): ClusterIPRecord {
    const now = {
      given: this.#given,
      released: this.#released,
      owners: this.#owners,
      contested: this.#contested,
    };
    if (plan === undefined) return now;
    const given = new Map([...this.#given].filter(([name]) => !plan.scope.has(name)).concat([...plan.given]));
    const owners = new Map(this.#owners);
    const contested = new Set(this.#contested);
    for (const name of plan.scope) {
      for (const ip of this.#claims.get(name) ?? []) {
        owners.delete(ip);
        contested.delete(ip);
      }
    }
    for (const [ip, { claimants, owner }] of plan.claims) {
      owners.set(ip, owner);
      if (claimants.length > 1) contested.add(ip);
    }
    return { given, released: plan.released, owners, contested };
  }

  /** All that share addresses are looked at together, directly or through others. */
  #scope(): ReadonlySet<string> {
    const scope = new Set([...this.#touched, ...this.#complaints.keys()]);
    // A set that grows while it is walked through is walked to its end.
    for (const name of scope) {
      const ips = [...(this.#claims.get(name) ?? []), ...(this.#services.get(name)?.spec.clusterIPs ?? [])];
      for (const ip of ips) for (const other of this.#claimants.get(ip) ?? []) scope.add(other);
    }
    return scope;
  }

  #forget(name: string): void {
    this.#given.delete(name);
    this.#complaints.delete(name);
    for (const ip of this.#claims.get(name) ?? []) {
      this.#owners.delete(ip);
      this.#claimants.delete(ip);
      this.#contested.delete(ip);
    }
    this.#claims.delete(name);
  }
}
