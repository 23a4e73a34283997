import { ADDRESS_PLAN } from './address-plan.ts';
import type {
  IngressManifest,
  IPFamily,
  Protocol,
  ServiceManifest,
  ServicePortManifest,
  ServiceSpecManifest,
} from './manifests.ts';
import type { Random } from './random.ts';

type Spec = ServiceSpecManifest;

/** Serial numbers are below this: cluster IPs and node ports follow from them, so that no two Services want the same. */
export const SERIALS = 60;

const NAMED_PORTS: readonly { readonly name: string; readonly port: number; readonly protocol: Protocol }[] =
  [
    { name: 'http', port: 80, protocol: 'TCP' },
    { name: 'https', port: 443, protocol: 'TCP' },
    { name: 'dns', port: 53, protocol: 'UDP' },
    { name: 'dns-tcp', port: 53, protocol: 'TCP' },
    { name: 'dns-sctp', port: 53, protocol: 'SCTP' },
    { name: 'quic', port: 443, protocol: 'UDP' },
  ];
const FAMILIES: readonly (readonly IPFamily[])[] = [
  ['IPv4'],
  ['IPv4'],
  ['IPv6'],
  ['IPv4', 'IPv6'],
  ['IPv4', 'IPv6'],
  ['IPv6', 'IPv4'],
];

/** A Service of any kind, with the serial number in its name, cluster IPs and node ports. */
export function randomService(random: Random, serial: number): ServiceManifest {
  const families = random.pick(FAMILIES);
  const type = random.pick(['ClusterIP', 'ClusterIP', 'NodePort', 'LoadBalancer', 'LoadBalancer'] as const);
  const spec: Spec = {
    type,
    ...clusterIPs(random, serial, families),
    ports: randomPorts(random, serial, type),
    ...randomExternalIPs(random, serial, families),
    ...randomPolicies(random, type),
    ...randomAffinity(random),
    ...(type === 'LoadBalancer' || random.chance(5) ? randomSourceRanges(random) : {}),
  };
  const ingress = type === 'LoadBalancer' || random.chance(3) ? randomIngress(random, serial, families) : [];
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: {
      name: `svc-${serial}`,
      namespace: serial % 3 === 0 ? 'ns-b' : 'ns-a',
      ...(random.chance(4)
        ? { labels: { 'service.kubernetes.io/service-proxy-name': random.pick(['', 'other']) } }
        : {}),
    },
    spec: withHealthPort(
      random.chance(4) ? { ...spec, type: 'ExternalName', externalName: 'example.org' } : spec,
      serial,
    ),
    ...(ingress.length > 0 ? { status: { loadBalancer: { ingress } } } : {}),
  };
}

function clusterIPs(random: Random, serial: number, families: readonly IPFamily[]): Spec {
  const addresses = random.chance(5)
    ? ['None']
    : families.map((family) => ADDRESS_PLAN[family].clusterIP(serial + 1));
  const [clusterIP = 'None'] = addresses;
  const ipFamilyPolicy = families.length > 1 ? 'PreferDualStack' : 'SingleStack';
  return { clusterIP, clusterIPs: addresses, ipFamilies: families, ipFamilyPolicy };
}

/** Ports with a name each, or a single one that may do without. */
export function randomPorts(
  random: Random,
  serial: number,
  type: Spec['type'],
): readonly ServicePortManifest[] {
  const chosen = random.some(NAMED_PORTS, random.pick([1, 1, 1, 2, 3, 6]));
  const mayHaveNodePorts =
    type === 'NodePort' || (type === 'LoadBalancer' && random.chance(80)) || random.chance(3);
  return chosen.map(({ name, port, protocol }) => ({
    ...(chosen.length === 1 && random.chance(50) ? {} : { name }),
    ...(protocol === 'TCP' && random.chance(30) ? {} : { protocol }),
    port,
    // One number for all protocols of a port.
    ...(mayHaveNodePorts ? { nodePort: nodePortOf(serial, port) } : {}),
  }));
}

function nodePortOf(serial: number, port: number): number {
  return 30_000 + serial * 4 + (port === 80 ? 0 : port === 443 ? 1 : 2);
}

function randomExternalIPs(random: Random, serial: number, families: readonly IPFamily[]): Spec {
  if (!random.chance(35)) return {};
  // An address of a family that the Service doesn't have is not used.
  const of = random.chance(90) ? families : (['IPv4', 'IPv6'] as const);
  const externalIPs = of.flatMap((family) => {
    const { externalIP, otherLocalIPs } = ADDRESS_PLAN[family];
    const local = random.chance(30) ? otherLocalIPs.slice(-1) : [];
    const text = externalIP(serial % 20);
    return [...local, random.chance(5) && family === 'IPv4' ? withLeadingZero(text) : text];
  });
  return { externalIPs };
}

/** IPv4 addresses are read leniently, with leading zeros. */
function withLeadingZero(text: string): string {
  return text.replace(/[0-9]+$/, (last) => last.padStart(3, '0'));
}

/** Traffic policies that an API server would take for the type. */
export function randomPolicies(random: Random, type: Spec['type']): Spec {
  return {
    ...(random.chance(25) ? { internalTrafficPolicy: 'Local' } : {}),
    ...(type !== 'ClusterIP' || random.chance(40)
      ? { externalTrafficPolicy: random.chance(50) ? 'Local' : 'Cluster' }
      : {}),
  };
}

/** The health-check port that goes with externalTrafficPolicy Local. */
export function withHealthPort(spec: Spec, serial: number): Spec {
  const { healthCheckNodePort: _, ...rest } = spec;
  const has = spec.type === 'LoadBalancer' && spec.externalTrafficPolicy === 'Local';
  return has ? { ...rest, healthCheckNodePort: 31_000 + serial } : rest;
}

export function randomAffinity(random: Random): Spec {
  if (!random.chance(20)) return {};
  if (random.chance(20)) return { sessionAffinity: 'ClientIP' };
  const timeoutSeconds = random.pick([600, 10_800, 86_400]);
  return { sessionAffinity: 'ClientIP', sessionAffinityConfig: { clientIP: { timeoutSeconds } } };
}

/** Ranges of either family, of both, or of the wrong one. */
export function randomSourceRanges(random: Random): Spec {
  if (random.chance(45)) return {};
  const ranges = [ADDRESS_PLAN.IPv4, ADDRESS_PLAN.IPv6].flatMap((plan) =>
    random.chance(70) ? random.some(plan.sourceRanges, 1 + random.below(3)) : [],
  );
  return ranges.length > 0 ? { loadBalancerSourceRanges: ranges } : {};
}

export function randomIngress(
  random: Random,
  serial: number,
  families: readonly IPFamily[],
): readonly IngressManifest[] {
  if (random.chance(10)) return [];
  const addresses = families.flatMap((family): readonly IngressManifest[] => {
    const { loadBalancerIP, nodeIP } = ADDRESS_PLAN[family];
    const mode = random.pick([{}, { ipMode: 'VIP' }, { ipMode: 'VIP' }, { ipMode: 'Proxy' }] as const);
    const second = random.chance(20) ? [{ ip: loadBalancerIP(60 + (serial % 20)), ...mode }] : [];
    const ip = random.chance(4) ? nodeIP : loadBalancerIP(serial % 20);
    return [{ ip, ...mode }, ...second];
  });
  return random.chance(10) ? [{ hostname: 'lb.example.org' }, ...addresses] : addresses;
}
