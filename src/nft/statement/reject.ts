import { rejectExpression } from '../expression/act.ts';
import type { Family } from '../family.ts';
import type { Need, Statement } from './source.ts';

/** NFT_REJECT_* types of linux/netfilter/nf_tables.h. */
const ICMP_UNREACHABLE = 0;
const TCP_RESET = 1;
const ICMPX_UNREACHABLE = 2;

/** "Port unreachable" in ICMP, ICMPv6 and the kernel's code for either. */
const PORT_UNREACHABLE: Readonly<Record<Family, readonly [type: number, code: number]>> = {
  ip: [ICMP_UNREACHABLE, 3],
  ip6: [ICMP_UNREACHABLE, 4],
  inet: [ICMPX_UNREACHABLE, 1],
  bridge: [ICMPX_UNREACHABLE, 1],
  netdev: [ICMPX_UNREACHABLE, 1],
  arp: [ICMP_UNREACHABLE, 3],
};

const TCP: readonly Need[] = [{ layer: 'transport', protocol: 6 }];

/** Refuses the packet and tells its sender: nft's `reject` (port unreachable), or `reject with tcp reset`. */
export function reject(how: 'port unreachable' | 'tcp reset' = 'port unreachable'): Statement {
  return Object.freeze({
    kind: 'statement',
    needs: how === 'tcp reset' ? TCP : [],
    expressions(family: Family) {
      return [
        how === 'tcp reset' ? rejectExpression(TCP_RESET, 0) : rejectExpression(...PORT_UNREACHABLE[family]),
      ];
    },
  });
}
