import { spawnSync } from 'node:child_process';
import { Nftables } from 'nftlink';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Host, Lab } from '../../../lab/lab.ts';
import { familyTable } from '../../src/layout/sets.ts';
import { FAMILIES } from '../../src/model/family.ts';
import { ManifestFiles, service, slice } from './manifest-files.ts';
import { runProxier } from './proxier-process.ts';

/**
 * What we write, nft must show, and take back as it showed it. With `nft` and all of NFT_PROGRAMS (paths separated by
 * colons; 1.0.6 or newer, since older ones misprint the offset of `numgen`).
 */
const PROGRAMS = ['nft', ...(process.env['NFT_PROGRAMS'] ?? '').split(':').filter((path) => path !== '')];
const SERVICES = 50;
const PROTOCOLS = ['TCP', 'UDP', 'SCTP'] as const;

const lab = new Lab('nftlink-listing');
const node = lab.host('node');
const manifests = new ManifestFiles();

afterAll(async () => {
  await lab.close();
  manifests.remove();
});

/** What nft must show of one address family of a Service. */
interface Expected {
  readonly frontends: string[];
  readonly endpoints: string[];
}

const expected: Expected = { frontends: [], endpoints: [] };

/** The n-th Service: IPv4, IPv6 or both, 1 to 4 ports of all protocols, 0 to 9 endpoints, some on this node. */
function writeService(n: number): void {
  const name = `s${n}`;
  const ips = [`10.96.1.${n}`, `fd00:10:96::${n.toString(16)}`].filter((_, i) => n % 3 === 2 || i === n % 3);
  const ports = Array.from({ length: 1 + (n % 4) }, (_, i) => {
    const protocol = PROTOCOLS[(n + i) % 3] ?? 'TCP';
    return { name: `p${i}`, protocol, port: 1 + 1301 * i + 17 * n };
  });
  const targets = ports.map((port, i) => ({ ...port, port: 65535 - i }));
  const endpoints = (n * 7) % 10;
  const policy = n % 5 === 4 ? { internalTrafficPolicy: 'Local' } : {};
  // All on another node: with the policy Local they are dropped.
  const nodeName = (i: number) => (n % 2 === 0 ? `node-${i}` : 'node-7');
  const texts = ports.map(({ protocol, port }) => `${protocol.toLowerCase()} . ${port}`);
  expected.frontends.push(...ips.flatMap((ip) => texts.map((text) => `${ip} . ${text}`)));
  const slices = (endpoints === 0 ? [] : ips).map((ip) => {
    const base = ip.includes(':') ? `fd00:10:244:${n}::` : `10.244.${n}.`;
    const addresses = Array.from({ length: endpoints }, (_, i) => `${base}${i + 1}`);
    const isUsed = (i: number) => n % 5 !== 4 || nodeName(i) === 'node-1';
    for (const [i, address] of addresses.entries()) {
      if (isUsed(i)) for (const { port } of targets) expected.endpoints.push(`${address} . ${port}`);
    }
    return slice(
      name,
      targets,
      addresses.map((address, i) => ({ addresses: [address], nodeName: nodeName(i) })),
    );
  });
  manifests.write(
    `${name}.json`,
    service(name, ports, { clusterIP: ips[0], clusterIPs: ips, ...policy }),
    ...slices,
  );
}

function runNft(program: string, host: Host, args: readonly string[], input = '') {
  const result = spawnSync('ip', ['netns', 'exec', host.name, program, ...args], { input, encoding: 'utf8' });
  expect(result.stderr).toBe('');
  expect(result.status).toBe(0);
  return result.stdout;
}

/** The listing with the elements of each set in one line, sorted: the kernel keeps them in no order. */
function sorted(listing: string): string {
  return listing.replace(/elements = \{([^}]*)\}/g, (_, list: string) => {
    const elements = list.split(',').map((element) => element.trim());
    return `elements = { ${elements.sort().join(', ')} }`;
  });
}

/** A `byteorder` of one byte, which nft 1.0.6 writes before it looks into intervals: it changes nothing. */
const NO_CHANGE = /^byteorder .*0800040000000001/;

/** Everything that the kernel has in our tables but for handles: chains, rules with their bytes, sets and elements. */
async function contents(host: Host): Promise<unknown> {
  await using nft = Nftables.open({ netns: { path: host.netnsPath } });
  const tables = await nft.listTables();
  return await Promise.all(
    tables.map(async (table) => {
      const rules = await nft.listRules(table);
      const sets = await nft.listSets(table);
      return {
        chains: await nft.listChains(table),
        rules: rules.map(({ chain, expressions, comment }) => {
          const bytes = expressions.map(({ name, data }) => `${name} ${Buffer.from(data).toString('hex')}`);
          return { chain: chain.name, bytes: bytes.filter((text) => !NO_CHANGE.test(text)), comment };
        }),
        sets: await Promise.all(
          sets.map(async (set) => {
            const elements = (await nft.listElements(set)).map((element) => JSON.stringify(element));
            return { name: set.name, kind: set.kind, size: set.size, elements: elements.sort() };
          }),
        ),
      };
    }),
  );
}

beforeAll(async () => {
  for (let n = 1; n <= SERVICES; n++) writeService(n);
  const { status, stderr } = await runProxier([
    ...['run', '--once', '--manifests', manifests.path, '--netns', node.netnsPath, '--node-name', 'node-1'],
    ...['--cluster-cidr', '10.244.0.0/16,fd00:10:244::/48'],
  ]);
  expect(status, stderr).toBe(0);
  expect(stderr).toContain(`programmed ${SERVICES} changed Services`);
});

describe.each(PROGRAMS)('%s', (program) => {
  test(`lists ${SERVICES} Services with every frontend and endpoint`, () => {
    const listing = runNft(program, node, ['list', 'ruleset']);
    const missing = (texts: readonly string[]) =>
      texts.filter((text) => !new RegExp(`[ \\t]${text.replaceAll('.', '\\.')}(?![\\d.:])`).test(listing));
    expect(expected.frontends.length).toBeGreaterThan(SERVICES);
    expect(missing(expected.frontends)).toEqual([]);
    expect(expected.endpoints.length).toBeGreaterThan(SERVICES);
    expect(missing(expected.endpoints)).toEqual([]);
  });

  test('lists every chain, set and map by itself', () => {
    const listing = runNft(program, node, ['list', 'ruleset']);
    const objects = [...listing.matchAll(/^\t(chain|set|map) (\S+) \{$/gm)];
    expect(objects.length).toBeGreaterThan(40);
    for (const { family, name } of FAMILIES.map(familyTable)) {
      const table = runNft(program, node, ['list', 'table', family, name]);
      expect(listing).toContain(table);
      for (const [, kind = '', object = ''] of table.matchAll(/^\t(chain|set|map) (\S+) \{$/gm)) {
        expect(runNft(program, node, ['list', kind, family, name, object])).toContain(`${kind} ${object} {`);
      }
    }
  });

  test('takes its own listing back: same listing, same bytes', async () => {
    const copy = lab.host(`copy${PROGRAMS.indexOf(program)}`);
    const listing = runNft(program, node, ['list', 'ruleset']);
    runNft(program, copy, ['-f', '-'], listing);
    expect(sorted(runNft(program, copy, ['list', 'ruleset']))).toBe(sorted(listing));
    const original = await contents(node);
    expect(await contents(copy)).toEqual(original);
    // The elements were read, and not as nothing.
    expect(JSON.stringify(original)).toContain('10.244.2.4');
  });
});

test('the whole table as nft shows it', async () => {
  const host = lab.host('small');
  const folder = new ManifestFiles();
  const tcp = (name: string, port: number) => ({ name, protocol: 'TCP' as const, port });
  // One element in each set: one port has an endpoint here, one elsewhere, and one has none.
  folder.write(
    'shop.json',
    service('shop', [tcp('here', 80), tcp('elsewhere', 81), tcp('nowhere', 82)], {
      clusterIP: '10.96.0.10',
      internalTrafficPolicy: 'Local',
    }),
    slice('shop', [tcp('here', 8080)], [{ addresses: ['10.244.1.2'], nodeName: 'node-1' }]),
    slice(
      'shop',
      [tcp('elsewhere', 8081)],
      [{ addresses: ['10.244.2.2'], nodeName: 'node-2' }],
      'shop-other',
    ),
  );
  const { status, stderr } = await runProxier([
    ...['run', '--once', '--manifests', folder.path, '--netns', host.netnsPath, '--node-name', 'node-1'],
    ...['--cluster-cidr', '10.244.0.0/16'],
  ]);
  folder.remove();
  expect(status, stderr).toBe(0);
  expect(runNft('nft', host, ['-s', 'list', 'table', 'ip', 'kube-proxy'])).toMatchInlineSnapshot(`
    "table ip kube-proxy {
    	comment "rules of nft-proxier"
    	map services {
    		type ipv4_addr . inet_proto . inet_service : classid
    		size 1024
    		elements = { 10.96.0.10 . tcp . 80 : 4b50:1 }
    	}

    	map nodeports {
    		type inet_proto . inet_service : classid
    		size 1024
    	}

    	map local-services {
    		type ipv4_addr . inet_proto . inet_service : classid
    		size 1024
    	}

    	map short-circuits {
    		type ipv4_addr . inet_proto . inet_service : classid
    		size 1024
    	}

    	map local-nodeports {
    		type inet_proto . inet_service : classid
    		size 1024
    	}

    	map nodeport-short-circuits {
    		type inet_proto . inet_service : classid
    		size 1024
    	}

    	map endpoints {
    		type ipv4_addr . inet_proto . inet_service . classid : ipv4_addr . inet_service
    		size 1024
    		elements = { 10.96.0.10 . tcp . 80 . 4b53:0 : 10.244.1.2 . 8080 }
    	}

    	map nodeport-endpoints {
    		type inet_proto . inet_service . classid : ipv4_addr . inet_service
    		size 1024
    	}

    	map sticky-slots {
    		type classid : classid
    		size 1024
    	}

    	map sticky-endpoints {
    		type classid : ipv4_addr . inet_service
    		size 1024
    	}

    	set sticky-cluster {
    		type classid
    		size 1024
    	}

    	set sticky-local {
    		type classid
    		size 1024
    	}

    	map affinity {
    		type ipv4_addr . classid : classid
    		size 65536
    		flags dynamic,timeout
    	}

    	set refused {
    		type ipv4_addr . inet_proto . inet_service
    		size 1024
    		elements = { 10.96.0.10 . tcp . 82 }
    	}

    	set dropped {
    		type ipv4_addr . inet_proto . inet_service
    		size 1024
    		elements = { 10.96.0.10 . tcp . 81 }
    	}

    	set refused-nodeports {
    		type inet_proto . inet_service
    		size 1024
    	}

    	set dropped-nodeports {
    		type inet_proto . inet_service
    		size 1024
    	}

    	set restricted {
    		type ipv4_addr . inet_proto . inet_service
    		size 1024
    	}

    	set allowed-sources {
    		type ipv4_addr . inet_proto . inet_service . ipv4_addr
    		size 1024
    		flags interval
    	}

    	set cluster-ips {
    		type ipv4_addr
    		size 1024
    		elements = { 10.96.0.10 }
    	}

    	set nodeport-ips {
    		type ipv4_addr
    		size 1024
    	}

    	set hairpin-connections {
    		type ipv4_addr . ipv4_addr . inet_proto . inet_service
    		size 1024
    		elements = { 10.244.1.2 . 10.244.1.2 . tcp . 8080 }
    	}

    	map dispatch {
    		type classid : verdict
    		elements = { 4b50:1 : goto local-pick-1 }
    	}

    	map dispatch-local {
    		type classid : verdict
    	}

    	chain to-endpoint {
    		meta l4proto { tcp, udp, sctp } dnat ip to ip daddr . meta l4proto . th dport . meta priority map @endpoints
    	}

    	chain to-nodeport-endpoint {
    		meta l4proto { tcp, udp, sctp } dnat ip to meta l4proto . th dport . meta priority map @nodeport-endpoints
    	}

    	chain to-sticky-endpoint {
    		meta l4proto { tcp, udp, sctp } dnat ip to meta priority map @sticky-endpoints
    	}

    	chain short-circuit {
    		meta priority set ip daddr . meta l4proto . th dport map @short-circuits
    		meta priority vmap @dispatch-local
    	}

    	chain external-local {
    		ip saddr 10.244.0.0/16 goto short-circuit
    		fib saddr type local meta mark set meta mark | 0x00004000
    		fib saddr type local goto short-circuit
    		meta priority set ip daddr . meta l4proto . th dport map @local-services
    		meta priority vmap @dispatch-local
    	}

    	chain nodeport-short-circuit {
    		meta priority set meta l4proto . th dport map @nodeport-short-circuits
    		meta priority vmap @dispatch-local
    	}

    	chain nodeport-external-local {
    		ip saddr 10.244.0.0/16 goto nodeport-short-circuit
    		fib saddr type local meta mark set meta mark | 0x00004000
    		fib saddr type local goto nodeport-short-circuit
    		meta priority set meta l4proto . th dport map @local-nodeports
    		meta priority vmap @dispatch-local
    	}

    	chain services {
    		comment "nft-proxier, layout 2"
    		ip daddr @cluster-ips ip saddr != 10.244.0.0/16 meta mark set meta mark | 0x00004000 comment "masquerade traffic to cluster IPs from outside"
    		meta priority set ip daddr . meta l4proto . th dport map @services
    		meta priority vmap @dispatch
    		ip daddr @nodeport-ips meta priority set meta l4proto . th dport map @nodeports
    		ip daddr @nodeport-ips meta priority vmap @dispatch
    	}

    	chain refuse-services {
    		ip daddr . meta l4proto . th dport @dropped drop
    		ip daddr . meta l4proto . th dport @refused reject
    	}

    	chain refuse-nodeports {
    		ip daddr @nodeport-ips meta l4proto . th dport @dropped-nodeports drop
    		ip daddr @nodeport-ips meta l4proto . th dport @refused-nodeports reject
    	}

    	chain refuse-cluster-ips {
    		ip daddr @cluster-ips reject
    	}

    	chain nat-prerouting {
    		type nat hook prerouting priority dstnat; policy accept;
    		jump services
    	}

    	chain nat-output {
    		type nat hook output priority -100; policy accept;
    		jump services
    	}

    	chain nat-postrouting {
    		type nat hook postrouting priority srcnat; policy accept;
    		meta mark & 0x00004000 != 0x00000000 meta mark set meta mark ^ 0x00004000 masquerade fully-random
    		ct status dnat ip saddr . ip daddr . meta l4proto . th dport @hairpin-connections masquerade fully-random
    	}

    	chain filter-prerouting-pre-dnat {
    		type filter hook prerouting priority dstnat - 10; policy accept;
    		ct state new ip daddr . meta l4proto . th dport @restricted ip daddr . meta l4proto . th dport . ip saddr != @allowed-sources drop
    	}

    	chain filter-output-pre-dnat {
    		type filter hook output priority -110; policy accept;
    		ct state new ip daddr . meta l4proto . th dport @restricted ip daddr . meta l4proto . th dport . ip saddr != @allowed-sources drop
    	}

    	chain filter-input {
    		type filter hook input priority filter; policy accept;
    		ct state new jump refuse-nodeports
    		ct state new jump refuse-services
    	}

    	chain filter-forward {
    		type filter hook forward priority filter; policy accept;
    		ct state new jump refuse-services
    		ct state new jump refuse-cluster-ips
    	}

    	chain filter-output {
    		type filter hook output priority filter; policy accept;
    		ct state new jump refuse-services
    		ct state new jump refuse-cluster-ips
    	}

    	chain local-pick-1 {
    		meta priority set numgen random mod 1 offset 1263730688
    		goto to-endpoint
    	}
    }
    "
  `);
});
