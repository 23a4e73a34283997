import {
  classid,
  concatType,
  inetProto,
  inetService,
  ipv4Addr,
  ipv6Addr,
  map,
  set,
  type Table,
  table,
  verdictMap,
} from 'nftlink';
import type { Family } from '../model/frontends.ts';

/** Everything of a family's table that changes with Services and endpoints: its sets and maps, empty. */
export type FamilySets = ReturnType<typeof familySets>;

/** The sets that grow with the cluster, in the order in which they are written. */
export const GROWING_SETS = [
  'endpoints',
  'services',
  'clusterIps',
  'refused',
  'dropped',
  'hairpins',
] as const;
export type GrowingSet = (typeof GROWING_SETS)[number];

/** A record with one value for each set that grows. */
export function eachGrowingSet<T>(make: (set: GrowingSet) => T): Record<GrowingSet, T> {
  return Object.fromEntries(GROWING_SETS.map((set) => [set, make(set)])) as Record<GrowingSet, T>;
}

/** How many elements each growing set is declared to hold. */
export type Capacities = Readonly<Record<GrowingSet, number>>;

/** The table that kube-proxy uses too: it removes ours when a user goes back, and Calico looks for it. */
export function familyTable(family: Family): Table {
  return table(family, 'kube-proxy', { comment: 'rules of nft-proxier' });
}

export function familySets(family: Family, capacities: Capacities) {
  const owner = familyTable(family);
  const address = family === 'ip' ? ipv4Addr : ipv6Addr;
  const frontend = concatType(address, inetProto, inetService);
  return Object.freeze({
    table: owner,
    /** Frontend → class. */
    services: map(owner, 'services', { key: frontend, data: classid, size: capacities.services }),
    /** Frontend and index → endpoint. */
    endpoints: map(owner, 'endpoints', {
      key: concatType(address, inetProto, inetService, classid),
      data: concatType(address, inetService),
      size: capacities.endpoints,
    }),
    /** Frontends whose connections are refused: no endpoint exists. */
    refused: set(owner, 'refused', { key: frontend, size: capacities.refused }),
    /** Frontends whose packets are dropped: endpoints exist, but none that may be used from here. */
    dropped: set(owner, 'dropped', { key: frontend, size: capacities.dropped }),
    clusterIps: set(owner, 'cluster-ips', { key: address, size: capacities.clusterIps }),
    /** Connections of an endpoint to itself: source, destination, protocol and port after DNAT. */
    hairpins: set(owner, 'hairpin-connections', {
      key: concatType(address, address, inetProto, inetService),
      size: capacities.hairpins,
    }),
    /** Class → chain. Stays small: it grows with the number of different endpoint counts. */
    dispatch: verdictMap(owner, 'dispatch', { key: classid }),
  });
}

const SMALLEST_CAPACITY = 1024;

/** Room for twice of what there is: a declared size loads a set two to four times faster, and is a hard limit. */
export function capacityFor(elements: number): number {
  let capacity = SMALLEST_CAPACITY;
  while (capacity < 2 * elements) capacity *= 2;
  return capacity;
}
