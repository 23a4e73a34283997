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
export interface ConditionedEndpoint extends Endpoint {
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
  const found = new Map<string, ConditionedEndpoint>();
  const byName = [...slices].sort((a, b) => compareTexts(a.metadata.name, b.metadata.name));
  for (const slice of byName) {
    if (slice.addressType !== ipFamily(port.family)) continue;
    for (const { name, protocol, port: number } of slice.ports) {
      if (name !== port.portName || lowerCase(protocol) !== port.protocol || number === undefined) continue;
      for (const endpoint of slice.endpoints) add(found, endpoint, number, node);
    }
  }
  return [...found].sort(([a], [b]) => compareTexts(a, b)).map(([, endpoint]) => endpoint);
}

function add(
  found: Map<string, ConditionedEndpoint>,
  endpoint: SliceEndpoint,
  port: number,
  node: NodeIdentity,
): void {
  const address = endpoint.addresses[0];
  if (address === undefined) return;
  const key = endpointText(address, port);
  if (found.has(key) && endpoint.terminating) return;
  found.set(key, {
    address,
    port,
    isLocal: isOnNode(endpoint, node),
    ready: endpoint.ready,
    serving: endpoint.serving,
    terminating: endpoint.terminating,
    hints: endpoint.hints,
  });
}

/** `10.1.0.1:80` or `[fd00::1]:80` */
export function endpointText(address: string, port: number): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}

function compareTexts(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
