/**
 * Gives cluster IPs to Services that have none, as the API server does, and settles who has an address that several
 * Services claim. Pure: what has to be remembered goes in and comes out as a {@link ClusterIPRecord}.
 */
import { familyOf, type IPFamily, parseAddress } from './address.ts';
import { type Cidr, cidrContains } from './cidr.ts';
import { type WantedFamilies, wantedFamilies } from './cluster-ip-families.ts';
import { ClusterIPPool } from './cluster-ip-pool.ts';
import { isHeadless, isSkipped, objectName, type Service } from './objects.ts';

/** What makes addresses the same after a restart. */
export interface ClusterIPRecord {
  /** Service to the addresses it was given. */
  readonly given: ReadonlyMap<string, readonly string[]>;
  /** Address to the Service that gave it back, the oldest first: it is for that Service, or when no other is free. */
  readonly released: ReadonlyMap<string, string>;
  /** Address to the Service that has it, explicit ones included. */
  readonly owners: ReadonlyMap<string, string>;
  /** The addresses that more than one Service claims. */
  readonly contested: ReadonlySet<string>;
}

/** The part of the cluster that is looked at: all Services, or those that a change can concern. */
export interface AssignmentScope {
  readonly services: Iterable<Service>;
  /** Services that were given addresses and are no more. */
  readonly gone: Iterable<string>;
  /** Whether a Service outside of the scope has or claims the address. */
  readonly isTaken: (ip: string) => boolean;
}

/** Something wrong with one Service. */
export interface ServiceComplaint {
  /** `namespace/name` */
  readonly service: string;
  readonly field: string;
  readonly message: string;
}

/** What came out for the Services of the scope. */
export interface Assignments {
  /** Service to the cluster IPs that are its own now. Headless Services and ExternalNames are left out. */
  readonly clusterIPs: ReadonlyMap<string, readonly string[]>;
  /** Those of them that it was given. */
  readonly given: ReadonlyMap<string, readonly string[]>;
  /** All that are released now, see {@link ClusterIPRecord}. */
  readonly released: ReadonlyMap<string, string>;
  /** Address to all Services that claim it, and to the one that has it. */
  readonly claims: ReadonlyMap<string, { readonly claimants: readonly string[]; readonly owner: string }>;
  /** True when a Service was given a new address: the record must be saved before that is used. */
  readonly gaveNew: boolean;
  readonly complaints: readonly ServiceComplaint[];
}

export const EMPTY_RECORD: ClusterIPRecord = {
  given: new Map(),
  released: new Map(),
  owners: new Map(),
  contested: new Set(),
};

/** Released addresses that are remembered; when there are more, the oldest become as free as any. */
const RELEASED_KEPT = 4_096;

interface Candidate {
  readonly name: string;
  readonly service: Service;
  readonly wanted: WantedFamilies;
  /** What it was given before and may keep, if nobody older claims it. */
  readonly before: readonly string[];
}

/** Settles who has which address. With `unable` nobody is given a new one; those in need get that as a complaint. */
export function assignClusterIPs(
  scope: AssignmentScope,
  previous: ClusterIPRecord,
  cidrs: readonly Cidr[],
  unable?: string,
): Assignments {
  const candidates = collectCandidates(scope.services, previous, cidrs);
  const claimed = collectClaims(candidates);
  const owners = new Map<string, string>();
  for (const [ip, claimants] of claimed) owners.set(ip, oldest(claimants, previous.owners.get(ip)).name);
  const isClaimed = (ip: string) => owners.has(ip) || scope.isTaken(ip);
  const released = releasedBefore(scope, candidates, previous, (ip) => !isClaimed(ip) && isInside(ip, cidrs));
  const pool = new ClusterIPPool(cidrs, isClaimed, released);

  const clusterIPs = new Map<string, readonly string[]>();
  const given = new Map<string, readonly string[]>();
  const complaints: ServiceComplaint[] = [];
  let gaveNew = false;
  for (const candidate of candidates) {
    const { name, service } = candidate;
    const kept = candidate.before.filter((ip) => owners.get(ip) === name);
    const missing = unable === undefined ? missingFamilies(candidate, kept) : [];
    const fresh = missing.flatMap((family) => pool.take(name, family) ?? []);
    for (const ip of fresh) owners.set(ip, name);
    gaveNew ||= fresh.length > 0;
    const got = [...kept, ...fresh];
    if (got.length > 0) given.set(name, got);
    clusterIPs.set(name, [...service.spec.clusterIPs.filter((ip) => owners.get(ip) === name), ...got]);
    complaints.push(...complaintsOf(candidate, got, owners, unable));
  }
  forgetOldest(released);
  const claims = new Map<string, { claimants: readonly string[]; owner: string }>();
  for (const [ip, owner] of owners) {
    claims.set(ip, { claimants: claimed.get(ip)?.map(({ name }) => name) ?? [owner], owner });
  }
  return { clusterIPs, given, released, claims, gaveNew, complaints };
}

/** The Services that want a cluster IP, in the order of their names. */
function collectCandidates(
  services: Iterable<Service>,
  previous: ClusterIPRecord,
  cidrs: readonly Cidr[],
): readonly Candidate[] {
  const candidates: Candidate[] = [];
  for (const service of services) {
    if (isHeadless(service) || service.spec.type === 'ExternalName') continue;
    const name = objectName(service);
    // Another proxy's Service keeps its explicit address from being given to others, and is given none.
    const wanted = isSkipped(service) ? { families: [] } : wantedFamilies(service.spec, cidrs);
    const mayKeep = (ip: string) => {
      const family = familyOf(ip);
      if (!isInside(ip, cidrs) || service.spec.clusterIPs.some((own) => familyOf(own) === family))
        return false;
      return wanted.complaint !== undefined || wanted.families.includes(family);
    };
    candidates.push({ name, service, wanted, before: (previous.given.get(name) ?? []).filter(mayKeep) });
  }
  return candidates.sort((a, b) => (a.name < b.name ? -1 : 1));
}

function collectClaims(candidates: readonly Candidate[]): ReadonlyMap<string, readonly Candidate[]> {
  const claims = new Map<string, Candidate[]>();
  for (const candidate of candidates) {
    for (const ip of [...candidate.service.spec.clusterIPs, ...candidate.before]) {
      const claimants = claims.get(ip);
      if (claimants === undefined) claims.set(ip, [candidate]);
      else claimants.push(candidate);
    }
  }
  return claims;
}

/** Who keeps an address: the one created first; where that can't be told, the one that has it; then the first name. */
function oldest(claimants: readonly Candidate[], owner: string | undefined): Candidate {
  const created = ({ service }: Candidate) => {
    const text = service.metadata.creationTimestamp;
    return text === undefined ? undefined : Date.parse(text);
  };
  const incumbent = claimants.find(({ name }) => name === owner);
  return claimants.reduce(
    (best, next) => {
      const bestTime = created(best);
      const nextTime = created(next) ?? Number.POSITIVE_INFINITY;
      if (bestTime !== undefined) return nextTime < bestTime ? next : best;
      return best === incumbent || nextTime === Number.POSITIVE_INFINITY ? best : next;
    },
    incumbent ?? (claimants[0] as Candidate),
  );
}

/** Families in which the Service is to be given an address, and has none of these. */
function missingFamilies({ wanted }: Candidate, given: readonly string[]): readonly IPFamily[] {
  return wanted.families.filter((family) => !given.some((ip) => familyOf(ip) === family));
}

function complaintsOf(
  candidate: Candidate,
  given: readonly string[],
  owners: ReadonlyMap<string, string>,
  unable: string | undefined,
): readonly ServiceComplaint[] {
  const { name, service, wanted } = candidate;
  const complaints: ServiceComplaint[] = [];
  for (const [index, ip] of service.spec.clusterIPs.entries()) {
    const owner = owners.get(ip);
    if (owner === name) continue;
    const field = index === 0 ? 'spec.clusterIP' : `spec.clusterIPs[${index}]`;
    complaints.push({ service: name, field, message: `${ip} belongs to Service ${owner}` });
  }
  if (wanted.complaint !== undefined) complaints.push({ service: name, ...wanted.complaint });
  for (const family of missingFamilies(candidate, given)) {
    const message = unable ?? `every ${family} address of the service CIDR is taken`;
    complaints.push({ service: name, field: 'spec.clusterIP', message });
  }
  return complaints;
}

/** What is nobody's any more goes behind what was released before; what isn't `free` is forgotten. */
function releasedBefore(
  { gone }: AssignmentScope,
  candidates: readonly Candidate[],
  { given, released: before }: ClusterIPRecord,
  free: (ip: string) => boolean,
): Map<string, string> {
  const released = new Map([...before].filter(([ip]) => free(ip)));
  for (const name of [...gone, ...candidates.map((candidate) => candidate.name)]) {
    for (const ip of given.get(name) ?? []) if (free(ip)) released.set(ip, name);
  }
  return released;
}

function isInside(ip: string, cidrs: readonly Cidr[]): boolean {
  const address = parseAddress(ip);
  return address !== undefined && cidrs.some((cidr) => cidrContains(cidr, address));
}

function forgetOldest(released: Map<string, string>): void {
  for (const ip of released.keys()) {
    if (released.size <= RELEASED_KEPT) return;
    released.delete(ip);
  }
}
