// A process that does nothing but put a million addresses into a set, from texts in memory: prints the most memory that it
// ever had, in MiB. Usage: node load-alone.mjs NETNS_PATH   (the table `bench` must be there)
import { readFileSync } from 'node:fs';
import { ipv4Addr, Nftables, set, table } from 'nftlink';

const nft = Nftables.open({ netns: { path: process.argv[2] } });
const addresses = Array.from({ length: 1_000_000 }, (_, i) => `10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`);
await nft.set(set(table('ip', 'bench'), 'blocked', { key: ipv4Addr })).create(addresses);
await nft.close();
const [, peakKb] = /VmHWM:\s+(\d+) kB/.exec(readFileSync('/proc/self/status', 'utf8')) ?? [];
console.log((Number(peakKb) / 1024).toFixed(0));
