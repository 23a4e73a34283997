import {
  type AnySet,
  classid,
  concatType,
  type DataType,
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
import { type OwnSet, type SetInstances, setName } from './set-names.ts';

/** Everything of a family's table that changes with Services and endpoints: its sets and maps, empty. */
export type FamilySets = ReturnType<typeof familySets>;

/** The table that kube-proxy uses too: it removes ours when a user goes back, and Calico looks for it. */
export const TABLE_NAME = 'kube-proxy';

export function familyTable(family: Family): Table {
  return table(family, TABLE_NAME, { comment: 'rules of nft-proxier' });
}

export function familySets(family: Family, instances: SetInstances, dispatchEpoch = 1) {
  const owner = familyTable(family);
  const address = family === 'ip' ? ipv4Addr : ipv6Addr;
  const frontend = concatType(address, inetProto, inetService);
  const nodeport = concatType(inetProto, inetService);
  const endpoint = concatType(address, inetService);
  const at = (set: keyof SetInstances) => {
    const { epoch, size } = instances[set];
    return [setName(set, epoch), size] as const;
  };
  const classes = <K, KO>(name: keyof SetInstances, key: DataType<K, KO>) => {
    const [text, size] = at(name);
    return map(owner, text, { key, data: classid, size });
  };
  const setOf = <K, KO>(name: keyof SetInstances, key: DataType<K, KO>) => {
    const [text, size] = at(name);
    return set(owner, text, { key, size });
  };
  const [endpoints, endpointsSize] = at('endpoints');
  const [nodeportEndpoints, nodeportEndpointsSize] = at('nodeportEndpoints');
  const [slots, slotsSize] = at('stickySlots');
  const [stickyEndpoints, stickyEndpointsSize] = at('stickyEndpoints');
  const [sources, sourcesSize] = at('allowedSources');
  const [affinity, affinitySize] = at('affinity');
  return Object.freeze({
    table: owner,
    /** Frontend → class; so is each of the next five. */
    services: classes('services', frontend),
    nodeports: classes('nodeports', nodeport),
    /** With externalTrafficPolicy Local: the class for everybody, and the one for pods and the node itself. */
    localServices: classes('localServices', frontend),
    shortCircuits: classes('shortCircuits', frontend),
    localNodeports: classes('localNodeports', nodeport),
    nodeportShortCircuits: classes('nodeportShortCircuits', nodeport),
    /** Frontend and index → endpoint. */
    endpoints: map(owner, endpoints, {
      key: concatType(address, inetProto, inetService, classid),
      data: endpoint,
      size: endpointsSize,
    }),
    nodeportEndpoints: map(owner, nodeportEndpoints, {
      key: concatType(inetProto, inetService, classid),
      data: endpoint,
      size: nodeportEndpointsSize,
    }),
    /** Session affinity: slot → endpoint id, endpoint id → endpoint, and the ids that may be used. */
    stickySlots: map(owner, slots, { key: classid, data: classid, size: slotsSize }),
    stickyEndpoints: map(owner, stickyEndpoints, { key: classid, data: endpoint, size: stickyEndpointsSize }),
    stickyCluster: setOf('stickyCluster', classid),
    stickyLocal: setOf('stickyLocal', classid),
    /** Client and sticky Service port → endpoint id. Packets write it. */
    affinity: map(owner, affinity, {
      key: concatType(address, classid),
      data: classid,
      size: affinitySize,
      dynamic: true,
      timeouts: true,
    }),
    /** Frontends whose connections are refused: no endpoint exists. */
    refused: setOf('refused', frontend),
    /** Frontends whose packets are dropped: endpoints exist, but none that may be used from here. */
    dropped: setOf('dropped', frontend),
    refusedNodeports: setOf('refusedNodeports', nodeport),
    droppedNodeports: setOf('droppedNodeports', nodeport),
    /** Frontends that not everybody may use, and who may. */
    restricted: setOf('restricted', frontend),
    allowedSources: set(owner, sources, {
      key: concatType(address, inetProto, inetService, address),
      intervals: true,
      size: sourcesSize,
    }),
    clusterIps: setOf('clusterIps', address),
    nodeportIps: setOf('nodeportIps', address),
    /** Connections of an endpoint to itself: source, destination, protocol and port after DNAT. */
    hairpins: setOf('hairpins', concatType(address, address, inetProto, inetService)),
    dispatch: verdictMap(owner, setName('dispatch', dispatchEpoch), { key: classid }),
    dispatchLocal: verdictMap(owner, setName('dispatchLocal', dispatchEpoch), { key: classid }),
  });
}

/** The set itself, where it doesn't matter which types it has. */
export function anySet(sets: FamilySets, name: OwnSet): AnySet {
  return sets[name] as AnySet;
}
