import { parseAddress } from '../../src/kube/address.ts';
import { cidrContains, parseCidr } from '../../src/kube/cidr.ts';
import { endpointText } from '../../src/model/endpoints.ts';
import type { Endpoint, Frontend, PortState } from '../../src/model/frontends.ts';
import type { Client } from './walk.ts';

/** A client, and whether it is a pod of this node. */
export interface KnownClient extends Client {
  readonly isPod: boolean;
}

/** What kube-proxy would do with the client's connection to the frontend: results as `outcomes` gives them. */
export function expectedOutcomes(
  { cluster, local, hairpins }: PortState,
  { kind, way, refusal, allowedSources }: Frontend,
  client: KnownClient,
): readonly string[] {
  if (!mayConnect(allowedSources, client)) return ['drop'];
  const isHairpin = (endpoint: Endpoint) =>
    endpoint.address === client.address && hairpins.some(({ address }) => address === endpoint.address);
  const to = (endpoints: readonly Endpoint[], isMasqueraded: boolean) =>
    endpoints.map((endpoint) => {
      const suffix = isMasqueraded || isHairpin(endpoint) ? ' masqueraded' : '';
      return `${endpointText(endpoint.address, endpoint.port)}${suffix}`;
    });
  const refused = refusal === undefined ? [] : [refusal];
  const isOutside = kind === 'cluster-ip' && !client.isPod;
  switch (way) {
    case undefined:
      return refused;
    case 'cluster':
      return to(cluster, isOutside);
    case 'local':
      return to(local, isOutside);
    case 'external-cluster':
      return to(cluster, true);
    default: {
      const isNear = client.isPod || client.isNode;
      if (isNear && cluster.length > 0) return to(cluster, client.isNode);
      return local.length > 0 && !isNear ? to(local, false) : refused;
    }
  }
}

function mayConnect(sources: readonly string[] | undefined, { address }: Client): boolean {
  if (sources === undefined) return true;
  const parsed = parseAddress(address);
  return sources.some((text) => {
    const cidr = parseCidr(text);
    return cidr !== undefined && parsed !== undefined && cidrContains(cidr, parsed);
  });
}
