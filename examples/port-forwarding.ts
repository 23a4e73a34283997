import {
  baseChain,
  concatType,
  constant,
  dnat,
  eq,
  inetService,
  ip,
  ipv4Addr,
  map,
  mapped,
  masquerade,
  meta,
  Nftables,
  rule,
  table,
  tcp,
} from 'nftlink';

/** Ports of this machine forwarded to others: one rule looks into a map, so a new forwarding is one element. */
const [path] = process.argv.slice(2);
await using nft = Nftables.open(path === undefined ? {} : { netns: { path } });

const nat = table('ip', 'forwarding');
const forwards = map(nat, 'forwards', {
  key: inetService,
  data: concatType(ipv4Addr, inetService),
  size: 1024,
});
const prerouting = baseChain(nat, 'prerouting', { type: 'nat', hook: 'prerouting', priority: 'dstnat' });
const postrouting = baseChain(nat, 'postrouting', { type: 'nat', hook: 'postrouting', priority: 'srcnat' });

await nft
  .transaction()
  .add(nat)
  .add(forwards)
  .add(prerouting)
  .add(postrouting)
  .add(rule(prerouting, [dnat('ip', { endpoint: mapped(tcp.dport, forwards) })]))
  .add(
    rule(prerouting, [
      eq(ip.daddr, '192.0.2.1'),
      eq(tcp.dport, 2222),
      dnat('ip', { address: constant(ipv4Addr, '10.0.0.9'), port: constant(inetService, 22) }),
    ]),
  )
  .add(rule(postrouting, [eq(meta.oifname, 'wan0'), masquerade()]))
  .addElements(forwards, [
    [8080, ['10.0.0.2', 80]],
    [8443, ['10.0.0.2', 443]],
  ])
  .commit();

// Another destination for one of them: both operations together, or neither.
await nft
  .transaction()
  .deleteElements(forwards, [8443])
  .addElements(forwards, [[8443, ['10.0.0.3', 443]]])
  .commit();

for (const { key, value } of await nft.listElements(forwards)) {
  process.stdout.write(`${key} -> ${value.join(':')}\n`);
}
