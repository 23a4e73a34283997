import { createHash } from 'node:crypto';
import { endpointKey, type ModelEndpoint } from '../../packet-model/endpoints.ts';
import { nodeIP } from '../../packet-model/origin.ts';
import { type IPFamily, ofFamily, within } from '../../packet-model/ranges.ts';
import type { ModelPort, World } from '../../packet-model/world.ts';

/**
 * A ruleset for nft that does what kube-proxy does, in the plainest form: chains for each Service port, everything else in
 * anonymous maps, all of it written anew each time. It is what the conformance runner itself is tried with.
 */
export function plainRules(world: World): string {
  return (['IPv4', 'IPv6'] as const).map((family) => familyRules(world, family).join('\n')).join('\n');
}

interface Words {
  readonly ip: 'ip' | 'ip6';
  readonly type: 'ipv4_addr' | 'ipv6_addr';
  readonly loopback: string;
}

const WORDS: Readonly<Record<IPFamily, Words>> = {
  IPv4: { ip: 'ip', type: 'ipv4_addr', loopback: '127.0.0.0/8' },
  IPv6: { ip: 'ip6', type: 'ipv6_addr', loopback: '::1' },
};

const MARK = 'meta mark set meta mark or 0x4000';

/** Base chains: type, hook, priority. */
const BASE = {
  'pre-dnat': 'filter hook prerouting priority -110',
  'own-pre-dnat': 'filter hook output priority -110',
  input: 'filter hook input priority 0',
  forward: 'filter hook forward priority 0',
  output: 'filter hook output priority 0',
  prerouting: 'nat hook prerouting priority -100',
  'own-nat': 'nat hook output priority -100',
  postrouting: 'nat hook postrouting priority 100',
} as const;

function familyRules(world: World, family: IPFamily): readonly string[] {
  const words = WORDS[family];
  const ports = world.ports.filter((port) => port.family === family);
  const chains = ['services', 'service-check', 'node-port-check', 'cluster-ip-check', 'rejecting'];
  const out: string[] = [`add table ${words.ip} plain`, `flush table ${words.ip} plain`];
  for (const [chain, hook] of Object.entries(BASE))
    out.push(`add chain ${words.ip} plain ${chain} { type ${hook}; }`);
  for (const chain of chains) out.push(`add chain ${words.ip} plain ${chain}`);
  const rule = (chain: string, ...texts: readonly string[]) =>
    out.push(...texts.map((text) => `add rule ${words.ip} plain ${chain} ${text}`));
  rule('rejecting', 'reject');
  for (const port of ports) portRules(world, port, words, out);
  const triple = `${words.ip} daddr . meta l4proto . th dport`;
  const nodePort = `${nodePortMatch(world, family, words)} meta l4proto . th dport`;
  const clusterIPs = [...new Set(ports.map(({ clusterIP }) => clusterIP))];
  const firewalled = ports.filter(hasFirewall);
  for (const chain of ['pre-dnat', 'own-pre-dnat']) {
    rule(
      chain,
      ...vmap(
        `ct state new ${triple}`,
        firewalled.flatMap((port) => at(port.loadBalancerIPs, port, `goto ${chainOf(port)}-firewall`)),
      ),
    );
  }
  if (clusterIPs.length > 0) {
    const { masqueradeAll } = world.config;
    const notLocal = masqueradeAll ? '' : notFromPod(world, family, words);
    if (notLocal !== undefined)
      rule('services', `${words.ip} daddr { ${clusterIPs.join(', ')} } ${notLocal} ${MARK}`);
    rule('cluster-ip-check', `${words.ip} daddr { ${clusterIPs.join(', ')} } reject`);
  }
  const cidrs = ofFamily(world.config.serviceCidrs, family);
  if (cidrs.length > 0) rule('cluster-ip-check', `${words.ip} daddr { ${cidrs.join(', ')} } drop`);
  rule('services', ...vmap(triple, ports.flatMap(routes)));
  rule(
    'services',
    ...vmap(
      nodePort,
      ports.flatMap((port) =>
        atNodePort(port, port.choice.hasAny ? `goto ${chainOf(port)}-external` : undefined),
      ),
    ),
  );
  rule('service-check', ...vmap(triple, ports.flatMap(refusals)));
  rule(
    'node-port-check',
    ...vmap(
      nodePort,
      ports.flatMap((port) => atNodePort(port, externalRefusal(port))),
    ),
  );
  rule('prerouting', 'jump services');
  rule('own-nat', 'jump services');
  rule('input', 'ct state new jump node-port-check', 'ct state new jump service-check');
  for (const chain of ['forward', 'output'])
    rule(chain, 'ct state new jump service-check', 'ct state new jump cluster-ip-check');
  rule('postrouting', 'meta mark and 0x4000 != 0 meta mark set meta mark xor 0x4000 masquerade fully-random');
  const hairpins = new Set(
    ports.flatMap(({ reachable, protocol }) =>
      reachable
        .filter(({ isLocal }) => isLocal)
        .map(({ address, port }) => `${address} . ${address} . ${protocol.toLowerCase()} . ${port}`),
    ),
  );
  if (hairpins.size > 0) {
    rule(
      'postrouting',
      `ct status dnat ${words.ip} saddr . ${words.ip} daddr . meta l4proto . th dport { ${[...hairpins].join(', ')} } masquerade fully-random`,
    );
  }
  // Chains have to be there before anything goes to them.
  return out.sort((a, b) => order(a) - order(b));
}

function order(command: string): number {
  return ['add table', 'flush table', 'add set', 'add chain', 'add rule'].findIndex((verb) =>
    command.startsWith(verb),
  );
}

/** The chains of one Service port. */
function portRules(world: World, port: ModelPort, words: Words, out: string[]): void {
  const chain = chainOf(port);
  const { cluster, local, hasAny } = port.choice;
  const define = (name: string, rules: readonly string[]) => {
    out.push(
      `add chain ${words.ip} plain ${name}`,
      ...rules.map((text) => `add rule ${words.ip} plain ${name} ${text}`),
    );
  };
  for (const endpoint of port.reachable) {
    const name = `${chain}-${hash(endpointKey(endpoint))}`;
    const dnat = `meta l4proto ${port.protocol.toLowerCase()} dnat to ${endpointKey(endpoint)}`;
    if (port.hasAffinity)
      out.push(
        `add set ${words.ip} plain ${name} { type ${words.type}; flags dynamic,timeout; timeout ${AFFINITY}; }`,
      );
    define(name, [...(port.hasAffinity ? [`update @${name} { ${words.ip} saddr }`] : []), dnat]);
  }
  define(`${chain}-cluster`, pick(port, cluster, words));
  define(`${chain}-local`, pick(port, local, words));
  define(`${chain}-external`, hasAny ? externalRules(world, port, words) : []);
  const ranges = [...port.sourceRanges, ...(rangesHaveNode(world, port) ? port.loadBalancerIPs : [])];
  define(
    `${chain}-firewall`,
    hasFirewall(port) ? [`${words.ip} saddr != { ${ranges.join(', ')} } drop`] : [],
  );
}

/** The corpus' only short time, by conformance's scale; longer ones just have to be longer. */
const AFFINITY = '6s';

function externalRules(world: World, port: ModelPort, words: Words): readonly string[] {
  const chain = chainOf(port);
  if (!port.externalLocal) return [MARK, `goto ${chain}-cluster`];
  const fromPod = notFromPod(world, port.family, words)?.replace('!= ', '');
  return [
    ...(fromPod === undefined ? [] : [`${fromPod} goto ${chain}-cluster`]),
    `fib saddr type local ${MARK}`,
    `fib saddr type local goto ${chain}-cluster`,
    `goto ${chain}-local`,
  ];
}

function pick(port: ModelPort, endpoints: readonly ModelEndpoint[], { ip }: Words): readonly string[] {
  // A policy that the port doesn't use has endpoints too, but nobody goes to them.
  if (!endpoints.every((endpoint) => port.reachable.includes(endpoint)) || endpoints.length === 0) return [];
  const chains = endpoints.map((endpoint) => `${chainOf(port)}-${hash(endpointKey(endpoint))}`);
  const kept = port.hasAffinity ? chains.map((chain) => `${ip} saddr @${chain} goto ${chain}`) : [];
  return [
    ...kept,
    `numgen random mod ${chains.length} vmap { ${chains.map((chain, i) => `${i} : goto ${chain}`).join(', ')} }`,
  ];
}

function routes(port: ModelPort): readonly string[] {
  const { hasAny, local } = port.choice;
  const isServed = hasAny && (!port.internalLocal || local.length > 0);
  return [
    ...(isServed
      ? at([port.clusterIP], port, `goto ${chainOf(port)}-${port.internalLocal ? 'local' : 'cluster'}`)
      : []),
    ...(hasAny
      ? at([...port.externalIPs, ...port.loadBalancerIPs], port, `goto ${chainOf(port)}-external`)
      : []),
  ];
}

function refusals(port: ModelPort): readonly string[] {
  const { hasAny, local } = port.choice;
  const isServed = hasAny && (!port.internalLocal || local.length > 0);
  const external = externalRefusal(port);
  return [
    ...(isServed ? [] : at([port.clusterIP], port, hasAny ? 'drop' : 'goto rejecting')),
    ...(external === undefined ? [] : at([...port.externalIPs, ...port.loadBalancerIPs], port, external)),
  ];
}

function externalRefusal({ choice, externalLocal }: ModelPort): string | undefined {
  if (!choice.hasAny) return 'goto rejecting';
  return externalLocal && choice.local.length === 0 ? 'drop' : undefined;
}

function at(addresses: readonly string[], { protocol, port }: ModelPort, verdict: string): readonly string[] {
  return addresses.map((address) => `${address} . ${protocol.toLowerCase()} . ${port} : ${verdict}`);
}

function atNodePort({ nodePort, protocol }: ModelPort, verdict: string | undefined): readonly string[] {
  return nodePort === 0 || verdict === undefined
    ? []
    : [`${protocol.toLowerCase()} . ${nodePort} : ${verdict}`];
}

function vmap(key: string, elements: readonly string[]): readonly string[] {
  return elements.length === 0 ? [] : [`${key} vmap { ${elements.join(', ')} }`];
}

function hasFirewall({ sourceRanges, loadBalancerIPs }: ModelPort): boolean {
  return sourceRanges.length > 0 && loadBalancerIPs.length > 0;
}

function nodePortMatch({ config }: World, family: IPFamily, { ip, loopback }: Words): string {
  const cidrs = config.nodePortAddresses.includes('primary')
    ? [nodeIP(config, family) ?? '']
    : ofFamily(config.nodePortAddresses, family);
  const everywhere = `fib daddr type local ${ip} daddr != ${loopback}`;
  const isAll = cidrs.length === 0 || cidrs.some((cidr) => cidr.endsWith('/0'));
  return isAll ? everywhere : `${everywhere} ${ip} daddr { ${cidrs.join(', ')} }`;
}

/** A match for what does not come from pods; `undefined`: it can't be told. */
function notFromPod({ config: { detectLocal } }: World, family: IPFamily, { ip }: Words): string | undefined {
  if (detectLocal.mode === 'none') return undefined;
  if (detectLocal.mode === 'BridgeInterface') return `iifname != "${detectLocal.name}"`;
  if (detectLocal.mode === 'InterfaceNamePrefix') return `iifname != "${detectLocal.prefix}*"`;
  const [cidr] = ofFamily(detectLocal.cidrs, family);
  return cidr && `${ip} saddr != ${cidr}`;
}

function rangesHaveNode({ config }: World, { family, sourceRanges }: ModelPort): boolean {
  const node = nodeIP(config, family);
  return node !== undefined && within(sourceRanges)(node);
}

function chainOf({ key }: ModelPort): string {
  return `port-${hash(key)}`;
}

/** A name that nft takes. */
function hash(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}
