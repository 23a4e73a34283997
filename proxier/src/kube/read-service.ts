import { formatAddress, type IPFamily, specialRange } from './address.ts';
import { formatCidr, parseCidr } from './cidr.ts';
import { compact } from './compact.ts';
import {
  asAddress,
  asInteger,
  asItems,
  asOneOf,
  asText,
  child,
  complain,
  type Field,
  required,
  show,
} from './fields.ts';
import { asDnsLabel } from './names.ts';
import type { LoadBalancerIngress, ObjectMeta, Service, ServicePortSpec, ServiceSpec } from './objects.ts';

/** Kubernetes' default for `sessionAffinity: ClientIP`: three hours. */
const DEFAULT_AFFINITY_SECONDS = 10_800;

/** Reads a Service's spec and status. Every mistake goes to the field's `complain`; then the result isn't to be used. */
export function readService(root: Field, metadata: ObjectMeta): Service {
  const spec = child(root, 'spec');
  required(spec.value, spec, 'the spec');
  const type =
    asOneOf(child(spec, 'type'), ['ClusterIP', 'NodePort', 'LoadBalancer', 'ExternalName']) ?? 'ClusterIP';
  const clusterIPs = readClusterIPs(spec);
  const ports = readPorts(child(spec, 'ports'), type === 'ExternalName' || clusterIPs[0] === 'None');
  return {
    kind: 'Service',
    metadata,
    spec: {
      type,
      clusterIPs: compact(clusterIPs),
      ...readFamilies(spec, clusterIPs),
      ports: compact(ports),
      internalTrafficPolicy: asOneOf(child(spec, 'internalTrafficPolicy'), ['Cluster', 'Local']) ?? 'Cluster',
      externalTrafficPolicy:
        asOneOf(emptyIsAbsent(child(spec, 'externalTrafficPolicy')), ['Cluster', 'Local']) ?? 'Cluster',
      sessionAffinitySeconds: readAffinity(spec),
      externalIPs: compact(asItems(child(spec, 'externalIPs')).flatMap(readExternalIP)),
      loadBalancerSourceRanges: compact(
        asItems(child(spec, 'loadBalancerSourceRanges')).flatMap(readSourceRange),
      ),
      healthCheckNodePort: readPort(child(spec, 'healthCheckNodePort'), 0) ?? 0,
    },
    loadBalancerIngress: readIngress(child(child(root, 'status'), 'loadBalancer')),
  };
}

function emptyIsAbsent(field: Field): Field {
  return field.value === '' ? { ...field, value: undefined } : field;
}

function readPort(field: Field, min: 0 | 1): number | undefined {
  return asInteger(field, min, 65_535, 'a port number');
}

/** `clusterIPs`, or `clusterIP` alone; the first of the one must be the other. */
function readClusterIPs(spec: Field): readonly string[] {
  const first = child(spec, 'clusterIP');
  const clusterIP = first.value === '' ? undefined : readClusterIP(first);
  const list = child(spec, 'clusterIPs');
  const items = asItems(list);
  const clusterIPs = items.flatMap((item) => readClusterIP(item) ?? []);
  if (items.length === 0) return clusterIP === undefined ? [] : [clusterIP];
  if (items.length !== clusterIPs.length) return [];
  if (clusterIP !== undefined && clusterIP !== clusterIPs[0]) {
    complain(list, `the first is ${clusterIPs[0]}, but clusterIP is ${clusterIP}`);
  }
  if (clusterIPs.length > 1 && clusterIPs.includes('None')) complain(list, 'None must be the only one');
  return clusterIPs;
}

function readClusterIP(field: Field): string | undefined {
  return field.value === 'None' ? 'None' : asAddress(field)?.text;
}

/** Fills in the families of the addresses that are there, as the API server does. */
function readFamilies(
  spec: Field,
  clusterIPs: readonly string[],
): Pick<ServiceSpec, 'ipFamilies' | 'ipFamilyPolicy'> {
  const list = child(spec, 'ipFamilies');
  const given = asItems(list).flatMap((item) => asOneOf(item, ['IPv4', 'IPv6'] as const) ?? []);
  const actual = clusterIPs
    .filter((ip) => ip !== 'None')
    .map((ip): IPFamily => (ip.includes(':') ? 'IPv6' : 'IPv4'));
  const ipFamilies = [...given, ...actual.slice(given.length)];
  const wrong = actual.findIndex((family, index) => ipFamilies[index] !== family);
  if (wrong >= 0) {
    complain(list, `the cluster IP ${clusterIPs[wrong]} is ${actual[wrong]}, not ${ipFamilies[wrong]}`);
  } else if (ipFamilies.length > 2 || new Set(ipFamilies).size !== ipFamilies.length) {
    complain(actual.length > 1 ? child(spec, 'clusterIPs') : list, 'expected at most one of each IP family');
  }
  const policy = child(spec, 'ipFamilyPolicy');
  const ipFamilyPolicy = asOneOf(policy, ['SingleStack', 'PreferDualStack', 'RequireDualStack']);
  if (ipFamilyPolicy === 'SingleStack' && ipFamilies.length > 1) {
    complain(policy, 'SingleStack, but there are two IP families');
  }
  return { ipFamilies: compact(ipFamilies), ipFamilyPolicy };
}

function readPorts(list: Field, mayBeEmpty: boolean): readonly ServicePortSpec[] {
  const items = asItems(list);
  if (items.length === 0 && !mayBeEmpty) complain(list, 'a Service needs at least one port');
  const names = new Map<string, number>();
  const numbers = new Map<string, number>();
  return items.flatMap((item, index) => {
    const spec = readPortSpec(item, items.length > 1);
    if (spec === undefined) return [];
    const { name, protocol, port } = spec;
    if (name !== '') unique(names, show(name), index, child(item, 'name'));
    unique(numbers, `${port}/${protocol}`, index, child(item, 'port'));
    return [spec];
  });
}

function readPortSpec(item: Field, needsName: boolean): ServicePortSpec | undefined {
  const nameField = emptyIsAbsent(child(item, 'name'));
  const name = asDnsLabel(nameField) ?? '';
  if (needsName) required(name, nameField, 'the name (needed where there are several ports)');
  const portField = child(item, 'port');
  const port = required(readPort(portField, 1), portField, 'the port number');
  const protocol = asOneOf(emptyIsAbsent(child(item, 'protocol')), ['TCP', 'UDP', 'SCTP']) ?? 'TCP';
  const nodePort = readPort(child(item, 'nodePort'), 0) ?? 0;
  return port === undefined ? undefined : { name, protocol, port, nodePort };
}

function unique(seen: Map<string, number>, key: string, index: number, field: Field): void {
  const other = seen.get(key);
  if (other !== undefined) complain(field, `${key} is already in ports[${other}]`);
  else seen.set(key, index);
}

function readAffinity(spec: Field): number | undefined {
  const affinity = asOneOf(emptyIsAbsent(child(spec, 'sessionAffinity')), ['None', 'ClientIP']);
  const seconds = child(child(child(spec, 'sessionAffinityConfig'), 'clientIP'), 'timeoutSeconds');
  const timeout = asInteger(seconds, 1, 86_400, 'a time-out in seconds') ?? DEFAULT_AFFINITY_SECONDS;
  return affinity === 'ClientIP' ? timeout : undefined;
}

function readExternalIP(field: Field): readonly string[] {
  const address = asAddress(field);
  if (address === undefined) return [];
  const special = specialRange(address);
  if (special !== undefined) complain(field, `${address.text} is ${special}`);
  return [address.text];
}

function readSourceRange(field: Field): readonly string[] {
  const text = asText(field);
  if (text === undefined) return [];
  const cidr = parseCidr(text.trim());
  if (cidr === undefined) complain(field, `${show(text)} is not an address range like 10.0.0.0/8`);
  return cidr === undefined ? [] : [formatCidr(cidr)];
}

/** Entries with only a host name are of no use to a Service proxy. */
function readIngress(loadBalancer: Field): readonly LoadBalancerIngress[] {
  const entries = asItems(child(loadBalancer, 'ingress')).flatMap((item) => {
    const address = asAddress(emptyIsAbsent(child(item, 'ip')));
    const ipMode = asOneOf(child(item, 'ipMode'), ['VIP', 'Proxy']) ?? 'VIP';
    return address === undefined ? [] : [{ ip: formatAddress(address), ipMode }];
  });
  return compact(entries);
}
