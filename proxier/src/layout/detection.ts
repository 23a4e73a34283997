import {
  eq,
  inNetwork,
  ip,
  ip6,
  meta,
  neq,
  notInNetwork,
  type Statement,
  startsOtherwise,
  startsWith,
} from 'nftlink';
import type { Family } from '../model/frontends.ts';

/** How a family's rules tell traffic of this node's pods from other traffic; undefined: they can't. */
export type LocalTraffic =
  | { readonly kind: 'network'; readonly cidr: string }
  | { readonly kind: 'interface'; readonly name: string }
  | { readonly kind: 'interface prefix'; readonly prefix: string };

/** The statement that matches packets of local pods. */
export function isLocalTraffic(family: Family, traffic: LocalTraffic): Statement {
  switch (traffic.kind) {
    case 'network':
      return inNetwork(sourceOf(family), traffic.cidr);
    case 'interface':
      return eq(meta.iifname, traffic.name);
    default:
      return startsWith(meta.iifname, traffic.prefix);
  }
}

/** The opposite. The node's own packets come from no interface: by interface they are not local. */
export function isOtherTraffic(family: Family, traffic: LocalTraffic): Statement {
  switch (traffic.kind) {
    case 'network':
      return notInNetwork(sourceOf(family), traffic.cidr);
    case 'interface':
      return neq(meta.iifname, traffic.name);
    default:
      return startsOtherwise(meta.iifname, traffic.prefix);
  }
}

function sourceOf(family: Family) {
  return family === 'ip' ? ip.saddr : ip6.saddr;
}
