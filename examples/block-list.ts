import { baseChain, counter, drop, ip, ipv4Addr, Nftables, oneOf, rule, set, table } from 'nftlink';

/** A block list whose entries leave by themselves. Works in the namespace at the path given, or in this one. */
const [path] = process.argv.slice(2);
await using nft = Nftables.open(path === undefined ? {} : { netns: { path } });

const filter = table('inet', 'example');
const blocked = set(filter, 'blocked', { key: ipv4Addr, timeouts: true, size: 65_536 });
const input = baseChain(filter, 'input', { type: 'filter', hook: 'input', priority: 'filter' });

await nft
  .transaction()
  .add(filter)
  .add(blocked)
  .add(input)
  .add(rule(input, [oneOf(ip.saddr, blocked), counter, drop], { comment: 'blocked' }))
  .addElements(blocked, ['192.0.2.1', { key: '192.0.2.2', timeoutMs: 3_600_000, comment: 'for an hour' }])
  .commit();

for (const { key, expiresMs } of await nft.listElements(blocked)) {
  process.stdout.write(
    `${key} ${expiresMs === undefined ? 'for good' : `for ${Math.round(expiresMs / 60_000)} more minutes`}\n`,
  );
}
