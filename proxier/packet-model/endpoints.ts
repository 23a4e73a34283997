import type { EndpointSlice, SliceEndpoint } from '../src/kube/objects.ts';
import type { IPFamily } from './ranges.ts';

/** An endpoint of a Service port. */
export interface ModelEndpoint {
  readonly address: string;
  readonly port: number;
  readonly isLocal: boolean;
  readonly conditions: Pick<SliceEndpoint, 'ready' | 'serving' | 'terminating'>;
  readonly hints: SliceEndpoint['hints'];
}

/** Where the proxy runs, as far as the choice of endpoints goes. */
export interface Location {
  readonly nodeName: string;
  /** `undefined`: the node has no zone label. */
  readonly zone: string | undefined;
}

/** The endpoints for each policy (§1.4). */
export interface Choice {
  /** For traffic that may go to any node. */
  readonly cluster: readonly ModelEndpoint[];
  /** For traffic that has to stay. */
  readonly local: readonly ModelEndpoint[];
  /** Some node has a usable endpoint. */
  readonly hasAny: boolean;
}

/** Which port of which slices. */
export interface WantedPort {
  readonly name: string;
  readonly protocol: string;
  readonly family: IPFamily;
}

/** `10.0.0.1:80` or `[fd00::1]:80` */
export function endpointKey({ address, port }: Pick<ModelEndpoint, 'address' | 'port'>): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}

/** All endpoints of the port (§1.3). `slices` are those of one Service; of copies the one that is not terminating counts. */
export function collectEndpoints(
  slices: readonly EndpointSlice[],
  wanted: WantedPort,
  nodeName: string,
): readonly ModelEndpoint[] {
  const copies = [...slices]
    .sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1))
    .filter(({ addressType }) => addressType === wanted.family)
    .flatMap((slice) => portsOf(slice, wanted).flatMap((port) => onPort(slice, port, nodeName)));
  const byKey = new Map<string, ModelEndpoint>();
  for (const endpoint of copies) {
    const key = endpointKey(endpoint);
    if (!byKey.has(key) || !endpoint.conditions.terminating) byKey.set(key, endpoint);
  }
  return [...byKey.values()];
}

function portsOf({ ports }: EndpointSlice, { name, protocol }: WantedPort): readonly number[] {
  return ports
    .filter((port) => port.name === name && port.protocol === protocol)
    .flatMap(({ port }) => (port === undefined || port === 0 ? [] : [port]));
}

function onPort({ endpoints }: EndpointSlice, port: number, nodeName: string): readonly ModelEndpoint[] {
  return endpoints.flatMap(({ addresses: [address], hints, ...endpoint }) =>
    address === undefined
      ? []
      : [{ address, port, hints, isLocal: endpoint.nodeName === nodeName, conditions: endpoint }],
  );
}

/** Ready ones before those that are serving while they terminate; hints only for the first, and never for `local`. */
export function choose(endpoints: readonly ModelEndpoint[], location: Location): Choice {
  const ready = endpoints.filter(({ conditions }) => conditions.ready);
  const leaving = endpoints.filter(({ conditions }) => conditions.serving && conditions.terminating);
  const hinted = byHints(ready, location);
  const localReady = ready.filter(({ isLocal }) => isLocal);
  return {
    cluster: hinted.length > 0 ? hinted : leaving,
    local: localReady.length > 0 ? localReady : leaving.filter(({ isLocal }) => isLocal),
    hasAny: ready.length > 0 || leaving.length > 0,
  };
}

function byHints(ready: readonly ModelEndpoint[], { nodeName, zone }: Location): readonly ModelEndpoint[] {
  const forNode = hintedFor(ready, ({ hints }) => hints.nodes, nodeName);
  if (forNode.length > 0) return forNode;
  const forZone = zone === undefined ? [] : hintedFor(ready, ({ hints }) => hints.zones, zone);
  return forZone.length > 0 ? forZone : ready;
}

/** Those with a hint for us, if every one has hints at all. */
function hintedFor(
  ready: readonly ModelEndpoint[],
  hintsOf: (endpoint: ModelEndpoint) => readonly string[],
  name: string,
): readonly ModelEndpoint[] {
  if (ready.some((endpoint) => hintsOf(endpoint).length === 0)) return [];
  return ready.filter((endpoint) => hintsOf(endpoint).includes(name));
}
