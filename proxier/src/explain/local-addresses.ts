import { readdir, readFile, stat } from 'node:fs/promises';
import { isIP } from 'node:net';
import { formatAddress, parseAddress } from '../kube/address.ts';
import type { Family } from '../model/family.ts';

/** The addresses that `fib … type local` says are the node's own, and how they became known. */
export interface LocalAddresses {
  readonly has: (address: string) => boolean;
  /** For people: `by the routing tables of this namespace`. */
  readonly how: string;
  /** The kernel was not asked: the answer may differ from it. */
  readonly isAssumed: boolean;
}

/** Where the addresses are to come from. */
export interface Whereabouts {
  readonly netns: string | undefined;
  /** What the user says they are. */
  readonly nodeIPs: readonly string[] | undefined;
  /** For a namespace that can't be looked into: what its node ports are on. */
  readonly nodePortIPs: () => Promise<readonly string[]>;
}

/** Rejects when the namespace's path cannot be read. */
export async function localAddresses(family: Family, where: Whereabouts): Promise<LocalAddresses> {
  const { netns, nodeIPs, nodePortIPs } = where;
  if (nodeIPs !== undefined) {
    return { has: oneOf(nodeIPs), how: '--node-ip and loopback', isAssumed: false };
  }
  const process = netns === undefined ? 'self' : await processIn(netns);
  if (process !== undefined) {
    const how = netns === undefined ? "this namespace's routes" : `the routes that process ${process} has`;
    return { has: oneOf(await localRoutes(family, process)), how, isAssumed: false };
  }
  const addresses = await nodePortIPs();
  const how = `those with node ports (${addresses.join(', ') || 'none'}) and loopback: nothing runs in ${netns} whose routes could be read, and --node-ip is not given`;
  return { has: oneOf(addresses), how, isAssumed: true };
}

function oneOf(addresses: readonly string[]): (address: string) => boolean {
  const known = new Set(addresses);
  return (address) => known.has(address) || address === '::1' || address.startsWith('127.');
}

/** A process in the network namespace: by its folder in /proc the namespace's routes can be read. */
async function processIn(netns: string): Promise<string | undefined> {
  const wanted = await stat(netns);
  for (const entry of await readdir('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    const found = await stat(`/proc/${entry}/ns/net`).catch(unlessUnreadable);
    if (found?.ino === wanted.ino && found.dev === wanted.dev) return entry;
  }
  return undefined;
}

/** Processes end while they are looked at, and some are not ours to look at. */
function unlessUnreadable(error: NodeJS.ErrnoException): undefined {
  if (['ENOENT', 'ESRCH', 'EACCES', 'EPERM'].includes(error.code ?? '')) return undefined;
  throw error;
}

async function localRoutes(family: Family, process: string): Promise<readonly string[]> {
  const file = `/proc/${process}/net/${family === 'ip' ? 'fib_trie' : 'ipv6_route'}`;
  const text = await readFile(file, 'utf8');
  return family === 'ip' ? localInTrie(text) : localInRoutes(text);
}

/** Addresses in `/proc/net/fib_trie`: a line with the address, then one for each route to it, `/32 host LOCAL`. */
export function localInTrie(text: string): readonly string[] {
  const found = new Set<string>();
  let address = '';
  for (const line of text.split('\n')) {
    const leaf = /\|-- (\S+)/.exec(line)?.[1];
    if (leaf !== undefined) address = leaf;
    else if (/\/32 host LOCAL/.test(line) && isIP(address) === 4) found.add(address);
  }
  return [...found];
}

/** RTF_LOCAL. */
const ROUTE_LOCAL = 0x8000_0000;

/** Addresses in `/proc/net/ipv6_route`: destination, prefix length, source … flags, device; all in hexadecimal. */
export function localInRoutes(text: string): readonly string[] {
  const found = new Set<string>();
  for (const line of text.split('\n')) {
    const [destination = '', prefixLength, , , , , , , flags = '0'] = line.split(/\s+/);
    if (prefixLength !== '80' || (Number.parseInt(flags, 16) & ROUTE_LOCAL) === 0) continue;
    const address = parseAddress(destination.replace(/(.{4})(?=.)/g, '$1:'));
    if (address !== undefined) found.add(formatAddress(address));
  }
  return [...found];
}
