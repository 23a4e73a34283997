import { type EndpointSlice, isSkipped, type Service } from '../kube/objects.ts';

/** What a Service asks for and this version does not programme, in words for the user. */
export function limits(service: Service, slices: readonly EndpointSlice[]): readonly string[] {
  if (isSkipped(service)) return [];
  const { spec } = service;
  const found: string[] = [];
  const nodePorts = spec.ports.map((port) => port.nodePort).filter((nodePort) => nodePort !== 0);
  if (spec.sessionAffinitySeconds !== undefined) {
    found.push('sessionAffinity: ClientIP is not followed yet: each connection may go to any endpoint');
  }
  if (nodePorts.length > 0) found.push(`node ports are not programmed yet: ${nodePorts.join(', ')}`);
  if (spec.externalIPs.length > 0) {
    found.push(`external IPs are not programmed yet: ${spec.externalIPs.join(', ')}`);
  }
  const loadBalancerIPs = service.loadBalancerIngress.filter(({ ipMode }) => ipMode === 'VIP');
  if (loadBalancerIPs.length > 0) {
    const ips = loadBalancerIPs.map(({ ip }) => ip).join(', ');
    found.push(`load balancer IPs are not programmed yet: ${ips}`);
  }
  if (
    slices.some((slice) => slice.endpoints.some(({ hints }) => hints.zones.length + hints.nodes.length > 0))
  ) {
    found.push('topology hints are not followed yet: endpoints in all zones are used');
  }
  return found;
}
