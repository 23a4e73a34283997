/** The sets that change with the cluster, in the order in which they are written. */
export const CLUSTER_SETS = [
  'endpoints',
  'nodeportEndpoints',
  'stickySlots',
  'stickyEndpoints',
  'stickyCluster',
  'stickyLocal',
  'shortCircuits',
  'localServices',
  'nodeportShortCircuits',
  'localNodeports',
  'allowedSources',
  'restricted',
  'services',
  'nodeports',
  'clusterIps',
  'nodeportIps',
  'refused',
  'dropped',
  'refusedNodeports',
  'droppedNodeports',
  'hairpins',
] as const;
export type ClusterSet = (typeof CLUSTER_SETS)[number];
/** Class → chain. They stay small: they grow with the number of different endpoint counts and of sticky Service ports. */
export const DISPATCH_MAPS = ['dispatch', 'dispatchLocal'] as const;
export type DispatchMap = (typeof DISPATCH_MAPS)[number];
/** `affinity` is written by packets. */
export type OwnSet = ClusterSet | DispatchMap | 'affinity';

/** What each is called in the kernel. A set that is replaced by a larger one has the next number behind its name. */
export const SET_NAMES: Readonly<Record<OwnSet, string>> = {
  services: 'services',
  nodeports: 'nodeports',
  localServices: 'local-services',
  shortCircuits: 'short-circuits',
  localNodeports: 'local-nodeports',
  nodeportShortCircuits: 'nodeport-short-circuits',
  endpoints: 'endpoints',
  nodeportEndpoints: 'nodeport-endpoints',
  stickySlots: 'sticky-slots',
  stickyEndpoints: 'sticky-endpoints',
  stickyCluster: 'sticky-cluster',
  stickyLocal: 'sticky-local',
  affinity: 'affinity',
  refused: 'refused',
  dropped: 'dropped',
  refusedNodeports: 'refused-nodeports',
  droppedNodeports: 'dropped-nodeports',
  restricted: 'restricted',
  allowedSources: 'allowed-sources',
  clusterIps: 'cluster-ips',
  nodeportIps: 'nodeport-ips',
  hairpins: 'hairpin-connections',
  dispatch: 'dispatch',
  dispatchLocal: 'dispatch-local',
};

/** What an earlier lookup of a packet under way may still lead to: such elements go one transaction after they became stale. */
export const LED_TO: ReadonlySet<ClusterSet> = new Set<ClusterSet>([
  'endpoints',
  'nodeportEndpoints',
  'stickySlots',
  'stickyEndpoints',
  'localServices',
  'shortCircuits',
  'localNodeports',
  'nodeportShortCircuits',
  'allowedSources',
  // Whoever was too early for a frontend's first endpoint is refused as before, not let through.
  'refused',
  'dropped',
  'refusedNodeports',
  'droppedNodeports',
]);

/** A record with one value for each set that changes with the cluster. Written out: V8 keeps an object that grows by computed names as a hash table. */
export function eachClusterSet<T>(make: (set: ClusterSet) => T): Record<ClusterSet, T> {
  return {
    endpoints: make('endpoints'),
    nodeportEndpoints: make('nodeportEndpoints'),
    stickySlots: make('stickySlots'),
    stickyEndpoints: make('stickyEndpoints'),
    stickyCluster: make('stickyCluster'),
    stickyLocal: make('stickyLocal'),
    shortCircuits: make('shortCircuits'),
    localServices: make('localServices'),
    nodeportShortCircuits: make('nodeportShortCircuits'),
    localNodeports: make('localNodeports'),
    allowedSources: make('allowedSources'),
    restricted: make('restricted'),
    services: make('services'),
    nodeports: make('nodeports'),
    clusterIps: make('clusterIps'),
    nodeportIps: make('nodeportIps'),
    refused: make('refused'),
    dropped: make('dropped'),
    refusedNodeports: make('refusedNodeports'),
    droppedNodeports: make('droppedNodeports'),
    hairpins: make('hairpins'),
  };
}

/** A set's name and size in the kernel at present. */
export interface SetInstance {
  /** 1: the set has its plain name; higher: `-2` and so on behind it. */
  readonly epoch: number;
  readonly size: number;
}
export type SetInstances = Readonly<Record<ClusterSet, SetInstance> & Record<'affinity', SetInstance>>;

/** The kernel's name of a set at an epoch. */
export function setName(set: OwnSet, epoch: number): string {
  return epoch === 1 ? SET_NAMES[set] : `${SET_NAMES[set]}-${epoch}`;
}

const OWN_SETS: ReadonlyMap<string, OwnSet> = new Map(
  Object.entries(SET_NAMES).map(([set, name]) => [name, set as OwnSet]),
);

/** Which of our sets the kernel's name is of, at any epoch; undefined: of none. */
export function setNamed(name: string): OwnSet | undefined {
  return OWN_SETS.get(name) ?? OWN_SETS.get(name.replace(/-\d+$/, ''));
}

const SMALLEST_CAPACITY = 1024;

/** Room for twice of what there is: a declared size loads a set two to four times faster, and is a hard limit. */
export function capacityFor(elements: number): number {
  let capacity = SMALLEST_CAPACITY;
  while (capacity < 2 * elements) capacity *= 2;
  return capacity;
}
