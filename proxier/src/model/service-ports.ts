import { joined } from '../kube/compact.ts';
import { isSkipped, objectName, type Service, type TrafficPolicy } from '../kube/objects.ts';
import { type Family, familyOf } from './family.ts';

/** A transport protocol as nft writes it. */
export type L4Protocol = 'tcp' | 'udp' | 'sctp';

/** One port of a Service in one address family. */
export interface ServicePort {
  /** `shop/cart:http`, or `shop/cart` for a port without a name. */
  readonly key: string;
  readonly family: Family;
  readonly portName: string;
  readonly protocol: L4Protocol;
  readonly port: number;
  readonly clusterIP: string;
  /** 0: none. */
  readonly nodePort: number;
  readonly externalIPs: readonly string[];
  /** Those that are to be programmed (`ipMode: VIP`). */
  readonly loadBalancerIPs: readonly string[];
  /** Of this family; without any, everybody may use the load balancer IPs. */
  readonly sourceRanges: readonly string[];
  readonly internalTrafficPolicy: TrafficPolicy;
  readonly externalTrafficPolicy: TrafficPolicy;
  /** How long a client keeps its endpoint; undefined: no session affinity. */
  readonly affinityMs: number | undefined;
  /** Whether some of its traffic may go to any endpoint. */
  readonly usesCluster: boolean;
  /** Whether some of its traffic may go to this node's endpoints only. */
  readonly usesLocal: boolean;
}

/** The ports of a Service that has a cluster IP of the family; none for Services that a proxy has to skip. */
export function servicePorts(service: Service, family: Family): readonly ServicePort[] {
  if (isSkipped(service)) return [];
  const { spec } = service;
  const clusterIP = spec.clusterIPs.find((ip) => familyOf(ip) === family);
  if (clusterIP === undefined) return [];
  const externalIPs = ofFamily(spec.externalIPs, family);
  const sourceRanges = ofFamily(spec.loadBalancerSourceRanges, family);
  const loadBalancerIPs = service.loadBalancerIngress
    .filter(({ ip, ipMode }) => ipMode === 'VIP' && familyOf(ip) === family)
    .map(({ ip }) => ip);
  const { internalTrafficPolicy, sessionAffinitySeconds } = spec;
  const externalTrafficPolicy = effectiveExternalPolicy(service);
  const name = objectName(service);
  return spec.ports.map((port) => {
    const isExternal = port.nodePort !== 0 || externalIPs.length + loadBalancerIPs.length > 0;
    return {
      key: port.name === '' ? name : joined(':', name, port.name),
      family,
      portName: port.name,
      protocol: lowerCase(port.protocol),
      port: port.port,
      clusterIP,
      nodePort: port.nodePort,
      externalIPs,
      loadBalancerIPs,
      sourceRanges,
      internalTrafficPolicy,
      externalTrafficPolicy,
      affinityMs:
        sessionAffinitySeconds === undefined ? undefined : Math.round(sessionAffinitySeconds * 1_000),
      usesCluster: internalTrafficPolicy === 'Cluster' || isExternal,
      usesLocal: internalTrafficPolicy === 'Local' || (externalTrafficPolicy === 'Local' && isExternal),
    };
  });
}

function ofFamily(texts: readonly string[], family: Family): readonly string[] {
  return texts.length === 0 ? texts : texts.filter((text) => familyOf(text) === family);
}

/** `Local` counts only where the API allows the field: a Service of type ClusterIP needs an external IP for it. */
function effectiveExternalPolicy({ spec }: Service): TrafficPolicy {
  const isExternal =
    spec.type === 'LoadBalancer' ||
    spec.type === 'NodePort' ||
    (spec.type === 'ClusterIP' && spec.externalIPs.length > 0);
  return isExternal ? spec.externalTrafficPolicy : 'Cluster';
}

/** Kubernetes' spelling to nft's. */
export function lowerCase(protocol: 'TCP' | 'UDP' | 'SCTP'): L4Protocol {
  return protocol === 'TCP' ? 'tcp' : protocol === 'UDP' ? 'udp' : 'sctp';
}
