import {
  and,
  anonymousSet,
  baseChain,
  type Chain,
  chain,
  concat,
  ct,
  dnat,
  drop,
  goto,
  hasAny,
  inetProto,
  ip,
  ip6,
  jump,
  mapped,
  masquerade,
  meta,
  neq,
  notInNetwork,
  numgen,
  oneOf,
  or,
  type Rule,
  reject,
  rule,
  setMeta,
  th,
  vmap,
  xor,
} from 'nftlink';
import type { Family } from '../model/frontends.ts';
import { indexMark, MASQUERADE_MARK } from './numbers.ts';
import type { FamilySets } from './sets.ts';

/** What never changes: the chains and rules that look into the sets. In the order in which they are added. */
export interface FixedPart {
  readonly chains: readonly Chain[];
  readonly rules: readonly Rule[];
  /** Where a class chain goes once it has chosen an index. */
  readonly toEndpoint: Chain;
}

export interface FixedOptions {
  /** Pods' addresses: cluster IPs reached from elsewhere are masqueraded. Without it nothing counts as elsewhere. */
  readonly clusterCidr: string | undefined;
}

export function fixedPart(family: Family, sets: FamilySets, options: FixedOptions): FixedPart {
  const { table } = sets;
  const [saddr, daddr] = family === 'ip' ? [ip.saddr, ip.daddr] : [ip6.saddr, ip6.daddr];
  const frontend = concat(daddr, meta.l4proto, th.dport);

  const toEndpoint = chain(table, 'to-endpoint');
  const services = chain(table, 'services');
  const refuseServices = chain(table, 'refuse-services');
  const refuseClusterIps = chain(table, 'refuse-cluster-ips');
  const natPrerouting = baseChain(table, 'nat-prerouting', {
    type: 'nat',
    hook: 'prerouting',
    priority: 'dstnat',
  });
  const natOutput = baseChain(table, 'nat-output', { type: 'nat', hook: 'output', priority: -100 });
  const natPostrouting = baseChain(table, 'nat-postrouting', {
    type: 'nat',
    hook: 'postrouting',
    priority: 'srcnat',
  });
  const filterInput = baseChain(table, 'filter-input', { type: 'filter', hook: 'input', priority: 'filter' });
  const filterForward = baseChain(table, 'filter-forward', {
    type: 'filter',
    hook: 'forward',
    priority: 'filter',
  });
  const filterOutput = baseChain(table, 'filter-output', {
    type: 'filter',
    hook: 'output',
    priority: 'filter',
  });

  const newConnection = hasAny(ct.state, 'new');
  const markForMasquerade = setMeta('mark', or(meta.mark, MASQUERADE_MARK));
  const fromOutside =
    options.clusterCidr === undefined
      ? []
      : [
          rule(
            services,
            [oneOf(daddr, sets.clusterIps), notInNetwork(saddr, options.clusterCidr), markForMasquerade],
            {
              comment: 'masquerade cluster IPs from outside',
            },
          ),
        ];
  const refusals = [filterForward, filterOutput].flatMap((hook) => [
    rule(hook, [newConnection, jump(refuseServices)]),
    rule(hook, [newConnection, jump(refuseClusterIps)]),
  ]);
  const transport = anonymousSet(inetProto, ['tcp', 'udp', 'sctp']);

  return Object.freeze({
    toEndpoint,
    chains: [
      toEndpoint,
      services,
      refuseServices,
      refuseClusterIps,
      natPrerouting,
      natOutput,
      natPostrouting,
      filterInput,
      filterForward,
      filterOutput,
    ],
    rules: [
      // The one rule that reads the big map stands in one chain: binding it elsewhere walks the whole map.
      rule(toEndpoint, [
        oneOf(meta.l4proto, transport),
        dnat(family, {
          endpoint: mapped(concat(daddr, meta.l4proto, th.dport, meta.priority), sets.endpoints),
        }),
      ]),
      ...fromOutside,
      rule(services, [setMeta('priority', mapped(frontend, sets.services))]),
      rule(services, [vmap(meta.priority, sets.dispatch)]),
      rule(natPrerouting, [jump(services)]),
      rule(natOutput, [jump(services)]),
      rule(natPostrouting, [
        neq(and(meta.mark, MASQUERADE_MARK), 0),
        setMeta('mark', xor(meta.mark, MASQUERADE_MARK)),
        masquerade('fullyRandom'),
      ]),
      rule(natPostrouting, [
        hasAny(ct.status, 'dnat'),
        oneOf(concat(saddr, daddr, meta.l4proto, th.dport), sets.hairpins),
        masquerade('fullyRandom'),
      ]),
      rule(refuseServices, [oneOf(frontend, sets.dropped), drop]),
      rule(refuseServices, [oneOf(frontend, sets.refused), reject()]),
      rule(refuseClusterIps, [oneOf(daddr, sets.clusterIps), reject()]),
      rule(filterInput, [newConnection, jump(refuseServices)]),
      ...refusals,
    ],
  });
}

/** The chain of the class of frontends with n endpoints. */
export function classChain(sets: FamilySets, endpoints: number): Chain {
  return chain(sets.table, `pick-${endpoints}`);
}

/** The rules of a class chain: choose an index, go to its endpoint. */
export function classRules(sets: FamilySets, toEndpoint: Chain, endpoints: number): readonly Rule[] {
  const pick = classChain(sets, endpoints);
  return [
    rule(pick, [setMeta('priority', numgen('random', endpoints, indexMark(0)))]),
    rule(pick, [goto(toEndpoint)]),
  ];
}
