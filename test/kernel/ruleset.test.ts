import { beforeAll, describe, expect, test } from 'vitest';
import {
  accept,
  and,
  anonymousSet,
  baseChain,
  between,
  chain,
  classid,
  concat,
  concatType,
  constant,
  counter,
  ct,
  dnat,
  drop,
  type ExpressionAttribute,
  eq,
  etherAddr,
  expressions,
  fibType,
  goto,
  hasAny,
  ifname,
  inetProto,
  inetService,
  inNetwork,
  ip,
  ip6,
  ipv4Addr,
  ipv6Addr,
  jump,
  limit,
  log,
  map,
  mapped,
  mark,
  masquerade,
  meta,
  neq,
  noneOf,
  notInNetwork,
  numgen,
  oneOf,
  or,
  redirect,
  reject,
  return_,
  rule,
  set,
  setCtMark,
  setMeta,
  snat,
  table,
  tcp,
  th,
  udp,
  verdictMap,
  vmap,
  xor,
} from '../../src/index.ts';
import type { ListedRule } from '../../src/read/objects.ts';
import { besideNft } from './beside-nft.ts';
import { rawSets } from './raw-dump.ts';

/** What we write, as nft lists it, beside what nft makes of the same text: the bytes in the kernel must be equal. */

const { ours, theirs, nft, reference, listing, reload } = besideNft('nftlink-ruleset');

const inet = table('inet', 'firewall', { comment: 'a firewall' });
const blocked = set(inet, 'blocked', {
  key: ipv4Addr,
  timeouts: true,
  size: 65536,
  comment: 'do not talk to them',
});
const names = set(inet, 'names', { key: ifname });
const marks = set(inet, 'marks', { key: mark, timeoutMs: 3_600_000 });
const macs = set(inet, 'macs', { key: etherAddr });
const pairs = set(inet, 'pairs', { key: concatType(ipv6Addr, inetService) });
const classes = map(inet, 'classes', {
  key: concatType(ipv4Addr, inetProto, inetService),
  data: classid,
  size: 1000,
});
const toMark = map(inet, 'to-mark', { key: ipv4Addr, data: mark });
const backends = map(inet, 'backends', { key: inetService, data: concatType(ipv4Addr, inetService) });
const decide = verdictMap(inet, 'decide', { key: inetService });
const input = baseChain(inet, 'input', {
  type: 'filter',
  hook: 'input',
  priority: 'filter',
  policy: 'drop',
  comment: 'from outside',
});
const nat = baseChain(inet, 'nat', { type: 'nat', hook: 'prerouting', priority: 'dstnat' });
const out = baseChain(inet, 'out', { type: 'nat', hook: 'postrouting', priority: 'srcnat' });
const ssh = chain(inet, 'ssh', { comment: 'from the office only' });

const rules = [
  rule(input, [hasAny(ct.state, 'established', 'related'), accept]),
  rule(input, [oneOf(ip.saddr, blocked), counter, drop], { comment: 'blocked' }),
  rule(input, [eq(meta.iifname, 'lo'), accept]),
  rule(input, [oneOf(meta.iifname, names), accept]),
  rule(input, [oneOf(tcp.dport, anonymousSet(inetService, [443, 22])), jump(ssh)]),
  rule(input, [eq(ip.saddr, '10.0.0.1'), eq(tcp.dport, 80), accept]),
  rule(input, [inNetwork(ip.saddr, '10.0.0.0/8'), notInNetwork(ip.saddr, '10.128.0.0/9'), accept]),
  rule(input, [inNetwork(ip6.saddr, 'fd00::/8'), accept]),
  rule(input, [between(udp.dport, 8000, 8999), limit({ rate: 5, per: 'second' }), accept]),
  rule(input, [limit({ rate: 10, per: 'minute', burst: 3, over: true }), drop]),
  rule(input, [eq(fibType('daddr'), 'local'), accept]),
  rule(input, [vmap(tcp.dport, decide)]),
  rule(input, [oneOf(concat(ip6.saddr, th.dport), pairs), accept]),
  rule(input, [noneOf(meta.mark, marks), log({ prefix: 'refused: ', level: 4 }), reject()]),
  rule(input, [reject('tcp reset')]),
  rule(ssh, [setMeta('mark', or(meta.mark, 0x4000))]),
  rule(ssh, [neq(and(meta.mark, 0x4000), 0), setMeta('mark', xor(meta.mark, 0x4000))]),
  rule(ssh, [setMeta('mark', mapped(ip.saddr, toMark))]),
  rule(ssh, [setCtMark(constant(mark, 7)), return_]),
  rule(ssh, [setMeta('priority', mapped(concat(ip.daddr, meta.l4proto, th.dport), classes))]),
  rule(ssh, [setMeta('priority', numgen('random', 3, 1263665152))]),
  rule(ssh, [hasAny(ct.status, 'dnat'), accept]),
  rule(nat, [eq(tcp.dport, 8080), redirect(constant(inetService, 80))]),
  rule(nat, [
    eq(tcp.dport, 81),
    dnat('ip', { address: constant(ipv4Addr, '10.0.0.9'), port: constant(inetService, 8080) }),
  ]),
  rule(nat, [dnat('ip', { endpoint: mapped(tcp.dport, backends) })]),
  rule(out, [eq(meta.oifname, 'eth0'), masquerade('fullyRandom')]),
  rule(out, [eq(ip.daddr, '192.0.2.1'), snat('ip', { address: constant(ipv4Addr, '192.0.2.2') })]),
];

const attributesAsText = (attributes: readonly ExpressionAttribute[] = []) =>
  attributes.map(({ id, bytes }) => `${id}: ${Buffer.from(bytes).toString('hex')}`);
const KINDS = Object.values(expressions).filter((value) => 'make' in value);

/** One element a set: the kernel's order of more is its own affair. */
async function write(): Promise<void> {
  const transaction = nft.transaction().add(inet);
  for (const object of [input, nat, out, ssh]) transaction.add(object);
  for (const object of [blocked, names, marks, macs, pairs, classes, toMark, backends, decide])
    transaction.add(object);
  transaction
    .addElements(blocked, [{ key: '192.0.2.2', timeoutMs: 86_400_000, comment: 'for a day' }])
    .addElements(names, ['wg0'])
    .addElements(marks, [0x10])
    .addElements(macs, ['52:54:00:12:34:56'])
    .addElements(pairs, [['fd00::1', 443]])
    .addElements(classes, [[['172.30.0.41', 'tcp', 80], '4b50:3']])
    .addElements(toMark, [['10.0.0.1', 0x20]])
    .addElements(backends, [[80, ['10.1.0.1', 8080]]])
    .addElements(decide, [[23, goto(ssh)]]);
  for (const each of rules) transaction.add(each);
  await transaction.commit();
}

describe('a ruleset that we write', () => {
  beforeAll(write);

  test('is listed by nft as its authors know it', () => {
    expect(listing()).toMatchInlineSnapshot(`
      "table inet firewall {
      	comment "a firewall"
      	set blocked {
      		type ipv4_addr
      		size 65536
      		flags timeout
      		comment "do not talk to them"
      		elements = { 192.0.2.2 timeout 1d comment "for a day" }
      	}

      	set names {
      		type ifname
      		elements = { "wg0" }
      	}

      	set marks {
      		type mark
      		timeout 1h
      		elements = { 0x00000010 }
      	}

      	set macs {
      		type ether_addr
      		elements = { 52:54:00:12:34:56 }
      	}

      	set pairs {
      		type ipv6_addr . inet_service
      		elements = { fd00::1 . 443 }
      	}

      	map classes {
      		type ipv4_addr . inet_proto . inet_service : classid
      		size 1000
      		elements = { 172.30.0.41 . tcp . 80 : 4b50:3 }
      	}

      	map to-mark {
      		type ipv4_addr : mark
      		elements = { 10.0.0.1 : 0x00000020 }
      	}

      	map backends {
      		type inet_service : ipv4_addr . inet_service
      		elements = { 80 : 10.1.0.1 . 8080 }
      	}

      	map decide {
      		type inet_service : verdict
      		elements = { 23 : goto ssh }
      	}

      	chain input {
      		comment "from outside"
      		type filter hook input priority filter; policy drop;
      		ct state established,related accept
      		ip saddr @blocked counter drop comment "blocked"
      		iifname "lo" accept
      		iifname @names accept
      		tcp dport { 22, 443 } jump ssh
      		ip saddr 10.0.0.1 tcp dport 80 accept
      		ip saddr 10.0.0.0/8 ip saddr != 10.128.0.0/9 accept
      		ip6 saddr fd00::/8 accept
      		udp dport 8000-8999 limit rate 5/second accept
      		limit rate over 10/minute burst 3 packets drop
      		fib daddr type local accept
      		tcp dport vmap @decide
      		ip6 saddr . th dport @pairs accept
      		meta mark != @marks log prefix "refused: " reject
      		meta l4proto tcp reject with tcp reset
      	}

      	chain nat {
      		type nat hook prerouting priority dstnat; policy accept;
      		tcp dport 8080 redirect to :80
      		tcp dport 81 dnat ip to 10.0.0.9:8080
      		dnat ip to tcp dport map @backends
      	}

      	chain out {
      		type nat hook postrouting priority srcnat; policy accept;
      		oifname "eth0" masquerade fully-random
      		ip daddr 192.0.2.1 snat ip to 192.0.2.2
      	}

      	chain ssh {
      		comment "from the office only"
      		meta mark set meta mark | 0x00004000
      		meta mark & 0x00004000 != 0x00000000 meta mark set meta mark ^ 0x00004000
      		meta mark set ip saddr map @to-mark
      		ct mark set 0x00000007 return
      		meta priority set ip daddr . meta l4proto . th dport map @classes
      		meta priority set numgen random mod 3 offset 1263665152
      		ct status dnat accept
      	}
      }
      "
    `);
  });

  test('is, byte for byte, what nft makes of that listing', async () => {
    reload();

    const [mine, nfts] = [await nft.listRules(inet), await reference.listRules(inet)];
    expect(nfts).toHaveLength(rules.length);
    // nft before 1.1 makes two comparisons of a range, later ones what we make: one expression.
    const hasRange = ({ expressions }: ListedRule) =>
      expressions.some(
        ({ name }, i) => name === 'range' || (name === 'cmp' && expressions[i - 1]?.name === 'cmp'),
      );
    expect(mine.filter(hasRange)).toHaveLength(1);
    const bytes = (listed: typeof mine) =>
      listed
        .filter((listedRule) => !hasRange(listedRule))
        .map(({ expressions, comment }) => ({
          comment,
          expressions: expressions.map(({ name, data }) => `${name} ${Buffer.from(data).toString('hex')}`),
        }));
    expect(bytes(mine)).toEqual(bytes(nfts));
  });

  test('is read back field by field, and what was read makes the same expressions', async () => {
    const listed = (await nft.listRules(inet)).flatMap((each) => each.expressions);
    const inOrder = [input, nat, out, ssh].flatMap((of) => rules.filter((each) => each.chain === of));
    const written = inOrder.flatMap((each) => each.expressions);
    expect(listed).toHaveLength(written.length);
    for (const [i, { name, fields }] of listed.entries()) {
      expect(fields, name).toBeDefined();
      const kind = KINDS.find((candidate) => candidate.name === name);
      // Anonymous sets got numbers, and the kernel adds what it normalises: what we wrote must be there as we wrote it.
      const again = attributesAsText(kind?.make(fields as never).attributes);
      const before = attributesAsText(kind === undefined ? undefined : written[i]?.attributes);
      expect(again, name).toEqual(expect.arrayContaining(before));
    }
  });

  test('has the same sets, with the userdata that nft gives its own', async () => {
    const [mine, nfts] = [await rawSets(ours, inet), await rawSets(theirs, inet)];
    expect(mine.size).toBe(9);
    expect(mine).toEqual(nfts);
  });
});
