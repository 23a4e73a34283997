import { endpointKey, type ModelEndpoint } from './endpoints.ts';
import { acceptsNodePorts, isFromPod, isLocalAddress, type ModelPacket, nodeIP } from './origin.ts';
import { within } from './ranges.ts';
import type { ModelPort, World } from './world.ts';

/** One thing that may become of a packet. */
export type AllowedOutcome =
  | {
      readonly kind: 'endpoint';
      /** `10.0.0.1:80` */
      readonly endpoint: string;
      readonly masquerade: boolean;
      /** {@link ModelPort.key} where the connection makes the client stick to the endpoint. */
      readonly stickyBy: string | undefined;
    }
  /** ICMP port unreachable, silence, or the packet as it was sent. */
  | { readonly kind: 'reject' | 'drop' | 'untouched' };

/** The endpoints, as `address:port`, that a client of a Service port was sent to and still sticks to. */
export type Recall = (servicePort: string, client: string) => ReadonlySet<string>;

/** Where a lookup by destination led. */
interface Route {
  readonly port: ModelPort;
  readonly endpoints: readonly ModelEndpoint[];
  readonly mark: boolean;
}

const NOTHING: Recall = () => new Set();

/**
 * What kube-proxy's rules (§2) may make of a packet: one outcome, or one for each endpoint that may be chosen. Where a client
 * sticks to several endpoints (kube-proxy takes the first in its order, others may take the last used) each is allowed.
 */
export function allowedOutcomes(
  world: World,
  packet: ModelPacket,
  recall: Recall = NOTHING,
): readonly AllowedOutcome[] {
  if (isFirewalled(world, packet)) return [{ kind: 'drop' }];
  const route = nat(world, packet);
  if (route === undefined || route.endpoints.length === 0)
    return [{ kind: filter(world, packet) ?? 'untouched' }];
  const marked = route.mark || isMarkedAtClusterIP(world, packet);
  return stuck(route, packet, recall).map((endpoint) => {
    const { address: destination, port } = endpoint;
    // Behind DNAT the filter hooks see the endpoint's address.
    const refusal = filter(world, { ...packet, destination, port });
    if (refusal !== undefined) return { kind: refusal };
    const masquerade =
      passesPostrouting(world, packet, endpoint) && (marked || isHairpin(world, packet, endpoint));
    const stickyBy = route.port.hasAffinity ? route.port.key : undefined;
    return { kind: 'endpoint', endpoint: endpointKey(endpoint), masquerade, stickyBy };
  });
}

function stuck(
  { port, endpoints }: Route,
  { source }: ModelPacket,
  recall: Recall,
): readonly ModelEndpoint[] {
  if (!port.hasAffinity) return endpoints;
  const known = recall(port.key, source);
  const kept = endpoints.filter((endpoint) => known.has(endpointKey(endpoint)));
  return kept.length > 0 ? kept : endpoints;
}

/** Source ranges, which see the destination before DNAT; with or without endpoints. */
function isFirewalled({ config, ports }: World, packet: ModelPacket): boolean {
  const port = ports.find((each) => isAt(each, packet, each.loadBalancerIPs) && each.sourceRanges.length > 0);
  if (port === undefined) return false;
  const { sourceRanges, loadBalancerIPs, family } = port;
  const isAllowed = within(sourceRanges);
  if (isAllowed(packet.source)) return false;
  // A load balancer's IP that is bound to the node is the source of the node's own packets to it.
  const node = nodeIP(config, family);
  return !(node !== undefined && isAllowed(node) && loadBalancerIPs.includes(packet.source));
}

/** The nat hooks: Service IPs come before node ports. */
function nat(world: World, packet: ModelPacket): Route | undefined {
  for (const port of world.ports) {
    if (isAt(port, packet, [port.clusterIP])) return internalRoute(port);
    if (isAt(port, packet, outerIPs(port))) return externalRoute(world, port, packet);
  }
  if (!acceptsNodePorts(world.config, packet.destination)) return undefined;
  const port = world.ports.find((each) => isAtNodePort(each, packet));
  return port && externalRoute(world, port, packet);
}

function internalRoute(port: ModelPort): Route {
  const { cluster, local } = port.choice;
  return { port, endpoints: port.internalLocal ? local : cluster, mark: false };
}

function externalRoute({ config }: World, port: ModelPort, packet: ModelPacket): Route {
  const { cluster, local } = port.choice;
  if (!port.externalLocal) return { port, endpoints: cluster, mark: true };
  if (isFromPod(config, packet)) return { port, endpoints: cluster, mark: false };
  if (isLocalAddress(config, packet.source)) return { port, endpoints: cluster, mark: true };
  return { port, endpoints: local, mark: false };
}

function isMarkedAtClusterIP({ config, ports }: World, packet: ModelPacket): boolean {
  if (!ports.some(({ clusterIP }) => clusterIP === packet.destination)) return false;
  return config.masqueradeAll || isFromPod(config, packet) === false;
}

/** What comes in for the node itself goes to its socket, past no postrouting hook: it can't be masqueraded. */
function passesPostrouting(
  { config }: World,
  { inInterface }: ModelPacket,
  { address }: ModelEndpoint,
): boolean {
  return inInterface === undefined || !isLocalAddress(config, address);
}

/** An endpoint's connection to itself by a Service, of whichever Service the endpoint is. */
function isHairpin(
  { ports }: World,
  { source, protocol }: ModelPacket,
  { address, port }: ModelEndpoint,
): boolean {
  if (source !== address) return false;
  return ports.some(
    (each) =>
      each.protocol === protocol &&
      each.reachable.some((other) => other.isLocal && other.address === address && other.port === port),
  );
}

/** The filter hooks that the packet passes on its way: `undefined` when none refuses it. */
function filter(world: World, packet: ModelPacket): 'reject' | 'drop' | undefined {
  const { config } = world;
  const isForNode = isLocalAddress(config, packet.destination);
  const isOwn = packet.inInterface === undefined;
  const outward =
    isOwn || !isForNode ? (serviceCheck(world, packet) ?? clusterIPCheck(world, packet)) : undefined;
  if (outward !== undefined || !isForNode) return outward;
  return nodePortCheck(world, packet) ?? serviceCheck(world, packet);
}

function serviceCheck({ ports }: World, packet: ModelPacket): 'reject' | 'drop' | undefined {
  for (const port of ports) {
    const { hasAny, local } = port.choice;
    const refusal = hasAny ? 'drop' : 'reject';
    const isInternal = isAt(port, packet, [port.clusterIP]);
    if (isInternal && (!hasAny || (port.internalLocal && local.length === 0))) return refusal;
    if (isAt(port, packet, outerIPs(port)) && !servesOutside(port)) return refusal;
  }
  return undefined;
}

function nodePortCheck({ config, ports }: World, packet: ModelPacket): 'reject' | 'drop' | undefined {
  if (!acceptsNodePorts(config, packet.destination)) return undefined;
  const port = ports.find((each) => isAtNodePort(each, packet));
  if (port === undefined || servesOutside(port)) return undefined;
  return port.choice.hasAny ? 'drop' : 'reject';
}

function clusterIPCheck({ config, ports }: World, packet: ModelPacket): 'reject' | 'drop' | undefined {
  if (ports.some(({ clusterIP }) => clusterIP === packet.destination)) return 'reject';
  return within(config.serviceCidrs)(packet.destination) ? 'drop' : undefined;
}

function servesOutside({ choice, externalLocal }: ModelPort): boolean {
  return choice.hasAny && (!externalLocal || choice.local.length > 0);
}

function outerIPs({ externalIPs, loadBalancerIPs }: ModelPort): readonly string[] {
  return [...externalIPs, ...loadBalancerIPs];
}

function isAt({ protocol, port }: ModelPort, packet: ModelPacket, addresses: readonly string[]): boolean {
  return packet.protocol === protocol && packet.port === port && addresses.includes(packet.destination);
}

function isAtNodePort({ family, protocol, nodePort }: ModelPort, packet: ModelPacket): boolean {
  const isSameFamily = packet.destination.includes(':') === (family === 'IPv6');
  return isSameFamily && nodePort !== 0 && packet.protocol === protocol && packet.port === nodePort;
}
