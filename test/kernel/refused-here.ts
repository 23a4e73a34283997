import { ipv4Addr, Nftables, set, table } from '../../src/index.ts';

/** Run by troubleshooting.test.ts with fewer rights than it has: prints as JSON how each attempt ended. */
const [elsewhere = ''] = process.argv.slice(2);
const t = table('inet', 't');
const s = set(t, 's', { key: ipv4Addr });
const nft = Nftables.open();

const ATTEMPTS: Readonly<Record<string, () => unknown>> = {
  commit: () => nft.transaction().add(t).commit(),
  list: () => nft.listTables(),
  monitor: () => nft.monitor(),
  enter: () => Nftables.open({ netns: { path: elsewhere } }),
  large: () => nft.transaction().add(t).add(s).addElements(s, addresses(1_000_000)).commit(),
};

function addresses(count: number): readonly string[] {
  return Array.from({ length: count }, (_, i) => `10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`);
}

const printed: Record<string, string> = {};
for (const [name, attempt] of Object.entries(ATTEMPTS)) {
  try {
    await attempt();
    printed[name] = 'no error';
  } catch (error) {
    printed[name] = String(error);
  }
}
await nft.close();
process.stdout.write(JSON.stringify(printed));
