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
  readonly internalTrafficPolicy: TrafficPolicy;
  /** Whether some of its traffic may go to any endpoint. */
  readonly usesCluster: boolean;
  /** Whether some of its traffic may go to this node's endpoints only. */
  readonly usesLocal: boolean;
}

/** The ports of a Service that has a cluster IP of the family; none for Services that a proxy has to skip. */
export function servicePorts(service: Service, family: Family): readonly ServicePort[] {
  if (isSkipped(service)) return [];
  const clusterIP = service.spec.clusterIPs.find((ip) => familyOf(ip) === family);
  if (clusterIP === undefined) return [];
  const { internalTrafficPolicy } = service.spec;
  const name = objectName(service);
  return service.spec.ports.map((port) => ({
    key: port.name === '' ? name : `${name}:${port.name}`,
    family,
    portName: port.name,
    protocol: lowerCase(port.protocol),
    port: port.port,
    clusterIP,
    internalTrafficPolicy,
    usesCluster: internalTrafficPolicy === 'Cluster',
    usesLocal: internalTrafficPolicy === 'Local',
  }));
}

/** Kubernetes' spelling to nft's. */
export function lowerCase(protocol: 'TCP' | 'UDP' | 'SCTP'): L4Protocol {
  return protocol === 'TCP' ? 'tcp' : protocol === 'UDP' ? 'udp' : 'sctp';
}
