import { baseChain, counter, ip, ipv4Addr, Nftables, rule, set, table, updateSet } from 'nftlink';

/**
 * Bytes of each device behind this router: packets themselves put their addresses into two sets, whose elements count. The first run
 * begins to count; every later one prints. Works in the namespace at the path given, or in this one.
 */
const [path] = process.argv.slice(2);
await using nft = Nftables.open(path === undefined ? {} : { netns: { path } });

const accounting = table('inet', 'accounting');
const perDevice = { key: ipv4Addr, dynamic: true, timeouts: true, size: 65_536 } as const;
const sent = set(accounting, 'sent', perDevice);
const received = set(accounting, 'received', perDevice);
const forward = baseChain(accounting, 'forward', { type: 'filter', hook: 'forward', priority: 'filter' });

/** An element that no packet has renewed for a day leaves. */
const element = { timeoutMs: 86_400_000, statements: [counter] };

/** One transaction: whoever looks finds all of it, or nothing. */
async function install(): Promise<void> {
  await nft
    .transaction()
    .create(accounting)
    .add(sent)
    .add(received)
    .add(forward)
    .add(rule(forward, [updateSet(sent, ip.saddr, element)]))
    .add(rule(forward, [updateSet(received, ip.daddr, element)]))
    .commit();
}

/** Bytes by address; a device that has only been answered is in one of the sets alone. */
async function bytesOf(direction: typeof sent): Promise<ReadonlyMap<string, bigint>> {
  const elements = await nft.listElements(direction);
  return new Map(elements.map(({ key, counter: counted }) => [key, counted?.bytes ?? 0n]));
}

const tables = await nft.listTables('inet');
if (tables.some(({ name }) => name === accounting.name)) {
  const [out, back] = await Promise.all([bytesOf(sent), bytesOf(received)]);
  for (const address of new Set([...out.keys(), ...back.keys()])) {
    process.stdout.write(
      `${address} sent ${out.get(address) ?? 0n} and received ${back.get(address) ?? 0n} bytes\n`,
    );
  }
} else {
  await install();
}
