import {
  accept,
  anonymousMap,
  anonymousObjectMap,
  anonymousSet,
  anonymousVerdictMap,
  concat,
  concatType,
  continue_,
  dnat,
  drop,
  ifname,
  inetService,
  ip,
  ipv4Addr,
  jump,
  mapped,
  mark,
  meta,
  noneOf,
  objectFrom,
  oneOf,
  type Statement,
  setMeta,
  snat,
  tcp,
  type Verdict,
  vmap,
} from '../../src/index.ts';

/** A rule with sets without a name, in nft's words and in ours. The table has a chain `d` and a counter `n`. */
export interface AnonymousCase {
  readonly text: string;
  readonly parts: readonly (Statement | Verdict)[];
}

const pair = concat(ip.saddr, tcp.dport);

export const ANONYMOUS: readonly AnonymousCase[] = (
  [
    ['tcp dport { 443, 22 } accept', oneOf(tcp.dport, anonymousSet(inetService, [443, 22])), accept],
    [
      'ip saddr { 192.168.0.0/16, 10.0.0.0/8 } accept',
      oneOf(ip.saddr, anonymousSet(ipv4Addr, ['192.168.0.0/16', '10.0.0.0/8'])),
      accept,
    ],
    [
      'ip saddr != { 10.0.0.0/8, 10.1.0.0/16, 0.0.0.0/8, 240.0.0.0/4 } drop',
      noneOf(ip.saddr, anonymousSet(ipv4Addr, ['10.0.0.0/8', '10.1.0.0/16', '0.0.0.0/8', '240.0.0.0/4'])),
      drop,
    ],
    [
      'ip saddr { 10.0.0.0/8, 11.0.0.0/8, 1.1.1.1 } accept',
      oneOf(ip.saddr, anonymousSet(ipv4Addr, ['10.0.0.0/8', '11.0.0.0/8', '1.1.1.1'])),
      accept,
    ],
    ['meta mark { 1-5, 9 } accept', oneOf(meta.mark, anonymousSet(mark, [{ from: 1, to: 5 }, 9])), accept],
    ['iifname { "eth*", "lo" } drop', oneOf(meta.iifname, anonymousSet(ifname, ['eth*', 'lo'])), drop],
    [
      'ip saddr . tcp dport { 10.0.0.0/8 . 1-5, 1.1.1.1 . 80 } accept',
      oneOf(
        pair,
        anonymousSet(pair.type, [
          ['10.0.0.0/8', { from: 1, to: 5 }],
          ['1.1.1.1', 80],
        ]),
      ),
      accept,
    ],
    [
      'tcp dport vmap { 443 : accept, 22 : jump d }',
      vmap(
        tcp.dport,
        anonymousVerdictMap(inetService, [
          [443, accept],
          [22, jump('d')],
        ]),
      ),
    ],
    [
      'ip saddr vmap { 10.0.0.0/8 : accept, 9.0.0.0/8 : drop, * : continue }',
      vmap(
        ip.saddr,
        anonymousVerdictMap(ipv4Addr, [
          ['10.0.0.0/8', accept],
          ['9.0.0.0/8', drop],
          ['*', continue_],
        ]),
      ),
    ],
    [
      'ip saddr vmap { 10.0.0.0/8 : accept, 9.0.0.0/8 : drop, 11.0.0.0/8 : drop, 255.0.0.0/8 : drop }',
      vmap(
        ip.saddr,
        anonymousVerdictMap(ipv4Addr, [
          ['10.0.0.0/8', accept],
          ['9.0.0.0/8', drop],
          ['11.0.0.0/8', drop],
          ['255.0.0.0/8', drop],
        ]),
      ),
    ],
    [
      'ip saddr . tcp dport vmap { 10.0.0.0/8 . 1-5 : accept, 1.1.1.1 . 80 : drop }',
      vmap(
        pair,
        anonymousVerdictMap(pair.type, [
          [['10.0.0.0/8', { from: 1, to: 5 }], accept],
          [['1.1.1.1', 80], drop],
        ]),
      ),
    ],
    [
      'meta mark set ip saddr map { 10.0.0.2 : 5, 10.0.0.1 : 6 }',
      setMeta(
        'mark',
        mapped(
          ip.saddr,
          anonymousMap(ipv4Addr, mark, [
            ['10.0.0.2', 5],
            ['10.0.0.1', 6],
          ]),
        ),
      ),
    ],
    [
      'meta mark set ip saddr map { 10.0.0.0/8 : 5, 11.0.0.0/8 : 5, 20.0.0.1 : 7 }',
      setMeta(
        'mark',
        mapped(
          ip.saddr,
          anonymousMap(ipv4Addr, mark, [
            ['10.0.0.0/8', 5],
            ['11.0.0.0/8', 5],
            ['20.0.0.1', 7],
          ]),
        ),
      ),
    ],
    [
      'meta mark set tcp dport map { 22 comment "shell" : 5, * : 6 }',
      setMeta(
        'mark',
        mapped(
          tcp.dport,
          anonymousMap(inetService, mark, [{ key: 22, value: 5, comment: 'shell' }, ['*', 6]]),
        ),
      ),
    ],
    [
      'dnat ip to tcp dport map { 80 : 10.0.0.1 . 8080, 443 : 10.0.0.2 . 8443 }',
      dnat('ip', {
        endpoint: mapped(
          tcp.dport,
          anonymousMap(inetService, concatType(ipv4Addr, inetService), [
            [80, ['10.0.0.1', 8080]],
            [443, ['10.0.0.2', 8443]],
          ]),
        ),
      }),
    ],
    [
      'snat ip to ip saddr map { 10.0.0.1 : 192.0.2.1 }',
      snat('ip', {
        address: mapped(ip.saddr, anonymousMap(ipv4Addr, ipv4Addr, [['10.0.0.1', '192.0.2.1']])),
      }),
    ],
    [
      'counter name tcp dport map { 22 : "n", 80-90 : "n" }',
      objectFrom(
        tcp.dport,
        anonymousObjectMap(inetService, 'counter', [
          [22, 'n'],
          [{ from: 80, to: 90 }, 'n'],
        ]),
      ),
    ],
    [
      'ip saddr { 10.0.0.1, 10.0.0.2 } tcp dport vmap { 22 : accept, 23 : drop }',
      oneOf(ip.saddr, anonymousSet(ipv4Addr, ['10.0.0.1', '10.0.0.2'])),
      vmap(
        tcp.dport,
        anonymousVerdictMap(inetService, [
          [22, accept],
          [23, drop],
        ]),
      ),
    ],
  ] as const
).map(([text, ...parts]) => ({ text, parts }));
