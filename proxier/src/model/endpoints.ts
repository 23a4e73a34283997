import type { EndpointSlice, SliceEndpoint } from '../kube/objects.ts';
import { ipFamily } from './family.ts';
import { isOnNode, type NodeIdentity } from './node.ts';
import { lowerCase, type ServicePort } from './service-ports.ts';

/** Where connections to a Service port may go. */
export interface Endpoint {
  readonly address: string;
  readonly port: number;
  /** It runs on this node. */
  readonly isLocal: boolean;
}

/** An endpoint and what decides whether it is used. */
export interface ConditionedEndpoint {
  readonly endpoint: Endpoint;
  readonly ready: boolean;
  readonly serving: boolean;
  readonly terminating: boolean;
  /** Topology hints: zones and nodes that should use it. */
  readonly hints: SliceEndpoint['hints'];
}

/**
 * All endpoints of one Service port, from the slices of its Service. An endpoint that is in several slices counts once,
 * and a copy that isn't terminating is preferred. In the order of their `ip:port` text, as in kube-proxy.
 */
export function endpointsOf(
  port: ServicePort,
  slices: readonly EndpointSlice[],
  node: NodeIdentity,
): readonly ConditionedEndpoint[] {
  const found: ConditionedEndpoint[] = [];
  for (const slice of byName(slices)) {
    if (slice.addressType === ipFamily(port.family)) addEndpoints(found, slice, port, node);
  }
  return found.length > 1 ? withoutCopies(found.sort(compareEndpoints)) : found;
}

function addEndpoints(
  found: ConditionedEndpoint[],
  slice: EndpointSlice,
  port: ServicePort,
  node: NodeIdentity,
): void {
  for (const { name, protocol, port: number } of slice.ports) {
    if (name !== port.portName || lowerCase(protocol) !== port.protocol || number === undefined) continue;
    for (const endpoint of slice.endpoints) {
      const address = endpoint.addresses[0];
      if (address !== undefined) found.push(conditioned(endpoint, address, number, node));
    }
  }
}

function byName(slices: readonly EndpointSlice[]): readonly EndpointSlice[] {
  if (slices.length < 2) return slices;
  return [...slices].sort((a, b) => compareTexts(a.metadata.name, b.metadata.name));
}

function conditioned(
  endpoint: SliceEndpoint,
  address: string,
  port: number,
  node: NodeIdentity,
): ConditionedEndpoint {
  const { ready, serving, terminating, hints } = endpoint;
  return {
    endpoint: { address, port, isLocal: isOnNode(endpoint, node) },
    ready,
    serving,
    terminating,
    hints,
  };
}

/** Copies stand side by side, in the order of their slices. */
function withoutCopies(sorted: readonly ConditionedEndpoint[]): readonly ConditionedEndpoint[] {
  const kept: ConditionedEndpoint[] = [];
  for (const each of sorted) {
    const last = kept[kept.length - 1];
    if (last === undefined || compareEndpoints(last, each) !== 0) kept.push(each);
    else if (!each.terminating) kept[kept.length - 1] = each;
  }
  return kept;
}

/** By their `ip:port` text, which is made only where it takes more than the addresses to tell. */
function compareEndpoints(
  { endpoint: a }: ConditionedEndpoint,
  { endpoint: b }: ConditionedEndpoint,
): number {
  const mayBeginAlike = a.address.startsWith(b.address) || b.address.startsWith(a.address);
  if (!mayBeginAlike) return compareTexts(a.address, b.address);
  return compareTexts(endpointText(a.address, a.port), endpointText(b.address, b.port));
}

/** `10.1.0.1:80` or `[fd00::1]:80` */
export function endpointText(address: string, port: number): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}

function compareTexts(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
