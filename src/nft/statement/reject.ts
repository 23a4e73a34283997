import { rejectKind } from '../expression/kinds.ts';
import type { Family } from '../family.ts';
import type { Need, Statement } from './source.ts';

/** "Port unreachable" in ICMP, ICMPv6 and the kernel's code for either. */
const ICMP = { type: 'icmp', code: 3 } as const;
const ICMPV6 = { type: 'icmp', code: 4 } as const;
const EITHER = { type: 'icmpx', code: 1 } as const;
const PORT_UNREACHABLE = {
  ip: ICMP,
  ip6: ICMPV6,
  inet: EITHER,
  bridge: EITHER,
  netdev: EITHER,
  arp: ICMP,
} as const;

const TCP: readonly Need[] = [{ layer: 'transport', protocol: 6 }];

/** Refuses the packet and tells its sender: nft's `reject` (port unreachable), or `reject with tcp reset`. */
export function reject(how: 'port unreachable' | 'tcp reset' = 'port unreachable'): Statement {
  return Object.freeze({
    kind: 'statement',
    needs: how === 'tcp reset' ? TCP : [],
    expressions(family: Family) {
      return [rejectKind.make(how === 'tcp reset' ? { type: 'tcp reset' } : PORT_UNREACHABLE[family])];
    },
  });
}
