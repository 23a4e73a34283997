import {
  and,
  anonymousSet,
  type BaseChainOptions,
  baseChain,
  type Chain,
  chain,
  concat,
  ct,
  dnat,
  drop,
  eq,
  fibType,
  goto,
  hasAny,
  inetProto,
  inNetwork,
  ip,
  ip6,
  jump,
  mapped,
  masquerade,
  meta,
  neq,
  noneOf,
  notInNetwork,
  oneOf,
  or,
  reject,
  type Statement,
  setMeta,
  type Table,
  th,
  vmap,
  xor,
} from 'nftlink';
import type { Family } from '../model/frontends.ts';
import { type ChainSpec, chainSpec, type RuleText } from './chain-spec.ts';
import { isLocalTraffic, isOtherTraffic, type LocalTraffic } from './detection.ts';
import type { FamilySets } from './sets.ts';

/** A change of the rules or of what the sets mean is another version: such a table is replaced, not adopted. */
const LAYOUT_VERSION = 2;
/** By this comment of the chain `services` a table is known as one of ours. */
export const LAYOUT_COMMENT = `nft-proxier, layout ${LAYOUT_VERSION}`;

/** What the rules depend on besides Services. Fixed for the life of a proxy. */
export interface RuleOptions {
  readonly localTraffic: LocalTraffic | undefined;
  readonly masqueradeAll: boolean;
  /** The bit of the packet mark that asks for masquerading. */
  readonly masqueradeMark: number;
  /** Node ports are on every address of the node but loopback, not only on those in a set. */
  readonly nodePortsEverywhere: boolean;
  /** Cluster IPs that no Service has are dropped within these networks. */
  readonly serviceCidrs: readonly string[];
}

const BASE_CHAINS = {
  'nat-prerouting': { type: 'nat', hook: 'prerouting', priority: 'dstnat' },
  'nat-output': { type: 'nat', hook: 'output', priority: -100 },
  'nat-postrouting': { type: 'nat', hook: 'postrouting', priority: 'srcnat' },
  'filter-prerouting-pre-dnat': { type: 'filter', hook: 'prerouting', priority: -110 },
  'filter-output-pre-dnat': { type: 'filter', hook: 'output', priority: -110 },
  'filter-input': { type: 'filter', hook: 'input', priority: 'filter' },
  'filter-forward': { type: 'filter', hook: 'forward', priority: 'filter' },
  'filter-output': { type: 'filter', hook: 'output', priority: 'filter' },
} as const satisfies Readonly<Record<string, BaseChainOptions>>;

/** Chains that are always there and that no hook calls. */
const PLAIN_CHAINS = [
  'to-endpoint',
  'to-nodeport-endpoint',
  'to-sticky-endpoint',
  'short-circuit',
  'external-local',
  'nodeport-short-circuit',
  'nodeport-external-local',
  'services',
  'refuse-services',
  'refuse-nodeports',
  'refuse-cluster-ips',
] as const;

type BaseName = keyof typeof BASE_CHAINS;
type PlainName = (typeof PLAIN_CHAINS)[number];
export type FixedName = BaseName | PlainName;

/** The chains that are always there, empty, under the kernel's names. */
export type FixedChains = Readonly<Record<FixedName, Chain>>;

/** The kernel's name of a chain at an epoch: only a table of another layout gives reason for a second one. */
export function chainName(name: string, epoch: number): string {
  return epoch === 1 ? name : `${name}-${epoch}`;
}

/** The name at epoch 1 of a chain at another one; undefined for what has no name of that epoch. */
export function withoutEpoch(name: string, epoch: number): string | undefined {
  if (epoch === 1) return name;
  const suffix = `-${epoch}`;
  return name.endsWith(suffix) ? name.slice(0, -suffix.length) : undefined;
}

/** The chains that hooks call, by name. */
export function baseChains(table: Table): ReadonlyMap<string, Chain> {
  return new Map(
    Object.entries(BASE_CHAINS).map(([name, options]) => [name, baseChain(table, name, options)]),
  );
}

export function fixedChains(sets: FamilySets, epoch: number): FixedChains {
  const chains: Partial<Record<FixedName, Chain>> = {};
  for (const name of PLAIN_CHAINS) {
    const comment = name === 'services' ? { comment: LAYOUT_COMMENT } : {};
    chains[name] = chain(sets.table, chainName(name, epoch), comment);
  }
  // Base chains keep their names: what a table of another layout has at the same hook is filled anew.
  for (const [name, base] of baseChains(sets.table)) chains[name as BaseName] = base;
  return chains as FixedChains;
}

/** What is in the fixed chains. Those without a hook come first: rules may lead only to chains that exist. */
export function fixedSpecs(
  family: Family,
  sets: FamilySets,
  chains: FixedChains,
  options: RuleOptions,
): readonly ChainSpec[] {
  const rules = fixedRules(family, sets, chains, options);
  // Only names of sets and chains, and the options, make a difference.
  const names = Object.values(sets).map(({ name }) => name);
  const content = JSON.stringify([LAYOUT_VERSION, names, chains.services.name, options]);
  return [...PLAIN_CHAINS, ...(Object.keys(BASE_CHAINS) as BaseName[])].map((name) =>
    chainSpec(chains[name], content, rules[name]),
  );
}

type Rules = Readonly<Record<FixedName, () => readonly RuleText[]>>;

function fixedRules(family: Family, sets: FamilySets, chains: FixedChains, options: RuleOptions): Rules {
  const [saddr, daddr] = family === 'ip' ? [ip.saddr, ip.daddr] : [ip6.saddr, ip6.daddr];
  const frontend = concat(daddr, meta.l4proto, th.dport);
  const nodeport = concat(meta.l4proto, th.dport);
  const transport = oneOf(meta.l4proto, anonymousSet(inetProto, ['tcp', 'udp', 'sctp']));
  const newConnection = hasAny(ct.state, 'new');
  const mark = markForMasquerade(options);
  const loopback = family === 'ip' ? notInNetwork(daddr, '127.0.0.0/8') : neq(daddr, '::1');
  const onNodePortAddress = options.nodePortsEverywhere
    ? [eq(fibType('daddr'), 'local'), loopback]
    : [oneOf(daddr, sets.nodeportIps)];
  const { localTraffic } = options;
  const shortCircuits = (to: Chain): readonly RuleText[] => [
    ...(localTraffic === undefined ? [] : [[isLocalTraffic(family, localTraffic), goto(to)]]),
    [eq(fibType('saddr'), 'local'), mark],
    [eq(fibType('saddr'), 'local'), goto(to)],
  ];
  const checkSources = () => [
    [
      newConnection,
      oneOf(frontend, sets.restricted),
      noneOf(concat(daddr, meta.l4proto, th.dport, saddr), sets.allowedSources),
      drop,
    ],
  ];
  const refuseServices = [newConnection, jump(chains['refuse-services'])];
  const refuseClusterIps = [newConnection, jump(chains['refuse-cluster-ips'])];
  return {
    // Each big map is read in one chain only: the first rule of a chain that uses it walks all of it.
    'to-endpoint': () => [
      [
        transport,
        dnat(family, {
          endpoint: mapped(concat(daddr, meta.l4proto, th.dport, meta.priority), sets.endpoints),
        }),
      ],
    ],
    'to-nodeport-endpoint': () => [
      [
        transport,
        dnat(family, {
          endpoint: mapped(concat(meta.l4proto, th.dport, meta.priority), sets.nodeportEndpoints),
        }),
      ],
    ],
    'to-sticky-endpoint': () => [
      [transport, dnat(family, { endpoint: mapped(meta.priority, sets.stickyEndpoints) })],
    ],
    'short-circuit': () => [
      [setMeta('priority', mapped(frontend, sets.shortCircuits))],
      [vmap(meta.priority, sets.dispatchLocal)],
    ],
    'external-local': () => [
      ...shortCircuits(chains['short-circuit']),
      [setMeta('priority', mapped(frontend, sets.localServices))],
      [vmap(meta.priority, sets.dispatchLocal)],
    ],
    'nodeport-short-circuit': () => [
      [setMeta('priority', mapped(nodeport, sets.nodeportShortCircuits))],
      [vmap(meta.priority, sets.dispatchLocal)],
    ],
    'nodeport-external-local': () => [
      ...shortCircuits(chains['nodeport-short-circuit']),
      [setMeta('priority', mapped(nodeport, sets.localNodeports))],
      [vmap(meta.priority, sets.dispatchLocal)],
    ],
    services: () => [
      ...masqueradeClusterIPs(family, oneOf(daddr, sets.clusterIps), options),
      [setMeta('priority', mapped(frontend, sets.services))],
      [vmap(meta.priority, sets.dispatch)],
      [...onNodePortAddress, setMeta('priority', mapped(nodeport, sets.nodeports))],
      [...onNodePortAddress, vmap(meta.priority, sets.dispatch)],
    ],
    'refuse-services': () => [
      [oneOf(frontend, sets.dropped), drop],
      [oneOf(frontend, sets.refused), reject()],
    ],
    'refuse-nodeports': () => {
      const address = options.nodePortsEverywhere ? [loopback] : onNodePortAddress;
      return [
        [...address, oneOf(nodeport, sets.droppedNodeports), drop],
        [...address, oneOf(nodeport, sets.refusedNodeports), reject()],
      ];
    },
    'refuse-cluster-ips': () => [
      [oneOf(daddr, sets.clusterIps), reject()],
      ...options.serviceCidrs.map((cidr) => [inNetwork(daddr, cidr), drop]),
    ],
    'nat-prerouting': () => [[jump(chains.services)]],
    'nat-output': () => [[jump(chains.services)]],
    'nat-postrouting': () => [
      [
        neq(and(meta.mark, options.masqueradeMark), 0),
        // The bit goes: a tunnel that takes the packet in would masquerade it again.
        setMeta('mark', xor(meta.mark, options.masqueradeMark)),
        masquerade('fullyRandom'),
      ],
      [
        hasAny(ct.status, 'dnat'),
        oneOf(concat(saddr, daddr, meta.l4proto, th.dport), sets.hairpins),
        masquerade('fullyRandom'),
      ],
    ],
    'filter-prerouting-pre-dnat': checkSources,
    'filter-output-pre-dnat': checkSources,
    'filter-input': () => [[newConnection, jump(chains['refuse-nodeports'])], refuseServices],
    'filter-forward': () => [refuseServices, refuseClusterIps],
    'filter-output': () => [refuseServices, refuseClusterIps],
  };
}

/** The statement that asks for masquerading in postrouting. */
export function markForMasquerade({ masqueradeMark }: RuleOptions): Statement {
  return setMeta('mark', or(meta.mark, masqueradeMark));
}

function masqueradeClusterIPs(
  family: Family,
  toClusterIP: Statement,
  options: RuleOptions,
): readonly RuleText[] {
  const mark = markForMasquerade(options);
  if (options.masqueradeAll) {
    return [{ statements: [toClusterIP, mark], comment: 'masquerade all traffic to cluster IPs' }];
  }
  if (options.localTraffic === undefined) return [];
  const statements = [toClusterIP, isOtherTraffic(family, options.localTraffic), mark];
  return [{ statements, comment: 'masquerade traffic to cluster IPs from outside' }];
}
