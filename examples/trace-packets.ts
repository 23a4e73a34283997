import { baseChain, eq, ip, Nftables, rule, setMeta, type TraceStep, table } from 'nftlink';

/**
 * Prints which rules the packets of an address meet, until SIGINT or SIGTERM: trace-packets.ts ADDRESS [NETNS]. The rule that marks them
 * is in a table of its own, which goes with the program, even when that is killed.
 */
const [address, path] = process.argv.slice(2);
if (address === undefined) throw new Error('usage: trace-packets.ts ADDRESS [NETNS]');
await using nft = Nftables.open(path === undefined ? {} : { netns: { path } });

const end = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => end.abort());

// The kernel deletes a table with an owner when the owner's socket is closed.
const tracing = table('inet', 'trace-packets', { owner: true });
const raw = { type: 'filter', priority: -301 } as const;
const chains = [
  baseChain(tracing, 'arriving', { ...raw, hook: 'prerouting' }),
  baseChain(tracing, 'leaving', { ...raw, hook: 'output' }),
];

// Listening first: no packet is marked that nobody hears of.
const steps = nft.trace({ signal: end.signal });
const transaction = nft.transaction().add(tracing);
for (const chain of chains) {
  transaction.add(chain).add(rule(chain, [eq(ip.saddr, address), setMeta('nftrace', true)]));
}
await transaction.commit();
process.stdout.write(`tracing packets of ${address}\n`);

/** `packet 1f chain inet filter input: rule 7, drop`. */
function textOf({ id, type, chain, rule: matched, verdict, policy }: TraceStep): string {
  const where = `packet ${id.toString(16)} chain ${chain.table.family} ${chain.table.name} ${chain.name}`;
  if (type === 'policy') return `${where}: policy ${policy}`;
  const target = verdict?.chain === undefined ? '' : ` ${verdict.chain}`;
  return `${where}: rule ${matched?.handle}, ${verdict?.name}${target}`;
}

for await (const event of steps) {
  if (event.kind === 'gap') process.stdout.write('some steps were lost\n');
  else if (event.type !== 'end' && event.chain.table.name !== tracing.name)
    process.stdout.write(`${textOf(event)}\n`);
}
