import type { ObjectMeta } from '../kube/objects.ts';

/** Who asks for frontends: what decides which of two Services gets one. */
export interface Claimant {
  /** `namespace/name` */
  readonly service: string;
  /** RFC 3339. */
  readonly creationTimestamp: string | undefined;
}

/** A frontend that a Service asks for and another one has. */
export interface Conflict {
  readonly service: string;
  /** `tcp 192.0.2.7:80` or `tcp node port 30080`. */
  readonly frontend: string;
  /** The older Service, which has it. */
  readonly owner: string;
}

/** Which Services ask for which frontend: the oldest has it, the others get it when it goes. */
export class Claims {
  /** One claimant is the rule: only where there are more is there a list. */
  readonly #claimants = new Map<string, Claimant | Claimant[]>();

  /** How many frontends more than one Service asks for. */
  #contested = 0;

  /** Whether no frontend is asked for by more than one Service. */
  get areUndisputed(): boolean {
    return this.#contested === 0;
  }

  /** The Service that has the frontend. */
  ownerOf(frontend: string): string | undefined {
    const entry = this.#claimants.get(frontend);
    return (Array.isArray(entry) ? entry[0] : entry)?.service;
  }

  /** Takes what a Service asks for in the place of what it asked for; gives the other Services that win or lose something. */
  update(claimant: Claimant, before: ReadonlySet<string>, after: ReadonlySet<string>): ReadonlySet<string> {
    const affected = new Set<string>();
    for (const frontend of before) if (!after.has(frontend)) this.#withdraw(claimant, frontend, affected);
    for (const frontend of after) this.#claim(claimant, frontend, affected);
    affected.delete(claimant.service);
    return affected;
  }

  #claim(claimant: Claimant, frontend: string, affected: Set<string>): void {
    const entry = this.#claimants.get(frontend);
    if (entry === undefined) {
      this.#claimants.set(frontend, claimant);
      return;
    }
    const others = (Array.isArray(entry) ? entry : [entry]).filter(
      ({ service }) => service !== claimant.service,
    );
    if (others.length === 0) {
      this.#claimants.set(frontend, claimant);
      return;
    }
    if (!Array.isArray(entry)) this.#contested++;
    this.#claimants.set(frontend, [...others, claimant].sort(byAge));
    for (const { service } of others) affected.add(service);
  }

  #withdraw(claimant: Claimant, frontend: string, affected: Set<string>): void {
    const entry = this.#claimants.get(frontend);
    const left = Array.isArray(entry) ? entry.filter(({ service }) => service !== claimant.service) : [];
    const [first, ...rest] = left;
    if (Array.isArray(entry) && rest.length === 0) this.#contested--;
    if (first === undefined) this.#claimants.delete(frontend);
    else this.#claimants.set(frontend, rest.length === 0 ? first : left);
    for (const { service } of left) affected.add(service);
  }
}

/** Older first; without a time last; by name where that does not decide. */
function byAge(a: Claimant, b: Claimant): number {
  const byTime = timeOf(a) - timeOf(b);
  if (byTime !== 0 && !Number.isNaN(byTime)) return byTime;
  return a.service < b.service ? -1 : 1;
}

function timeOf({ creationTimestamp }: Claimant): number {
  const time = creationTimestamp === undefined ? Number.NaN : Date.parse(creationTimestamp);
  return Number.isNaN(time) ? Number.MAX_SAFE_INTEGER : time;
}

export function claimantOf(service: string, metadata: ObjectMeta): Claimant {
  return { service, creationTimestamp: metadata.creationTimestamp };
}
