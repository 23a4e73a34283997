import { Nftables } from 'nftlink';
import { Conntrack } from 'nftlink/conntrack';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Lab } from '../../../lab/lab.ts';
import type { EndpointSlice, Service } from '../../src/kube/objects.ts';
import type { ClusterChanges } from '../../src/model/cluster.ts';
import { Proxier, type ProxierConfig } from '../../src/proxier.ts';
import { anEndpoint, aService, aSlice } from '../objects.ts';
import { UNDISTURBED } from '../states.ts';

/** A process after another one, on a kernel: what is as it should be is left alone, to the last generation. */
const lab = new Lab('nftlink-adoption');
const host = lab.host('node');
let nft: Nftables;

beforeAll(() => {
  nft = Nftables.open({ netns: { path: host.netnsPath } });
});

afterAll(async () => {
  await nft.close();
  await lab.close();
});

const config: ProxierConfig = {
  nodeName: 'here',
  nodeIPs: ['192.0.2.10', '2001:db8::10'],
  zone: undefined,
  detectLocal: { mode: 'ClusterCIDR', cidrs: ['10.244.0.0/16', 'fd00:10:244::/48'] },
  masqueradeAll: false,
  masqueradeBit: 14,
  nodePortAddresses: ['primary'],
  serviceCidrs: ['10.96.0.0/12', 'fd00:10:96::/112'],
  interfaceAddresses: () => [],
};

const KINDS = ['ClusterIP', 'NodePort', 'LoadBalancer'] as const;
const RANGES = [['0.0.0.0/0', '::/0'], ['192.0.2.0/24', '10.0.0.1/32', '2001:db8::/32'], []];
const pick = <T>(of: readonly [T, ...T[]], i: number): T => of[i % of.length] ?? of[0];

function serviceOf(i: number): Service {
  const type = pick(KINDS, i);
  const ingress = type === 'LoadBalancer' ? [`203.0.113.${i}`, `2001:db8:2::${i}`] : [];
  const spec = {
    type,
    clusterIPs: [`10.96.0.${i + 1}`, `fd00:10:96::${i + 1}`],
    ports: [{ name: '', protocol: protocolOf(i), port: 80, nodePort: type === 'ClusterIP' ? 0 : 30000 + i }],
    internalTrafficPolicy: pick(['Local', 'Cluster', 'Cluster'] as const, i),
    externalTrafficPolicy: pick(['Local', 'Cluster'] as const, i),
    sessionAffinitySeconds: pick([undefined, 10_800, 20, 10_800], i),
    externalIPs: i === 3 ? ['198.51.100.1', '2001:db8:1::1'] : [],
    loadBalancerSourceRanges: RANGES[i >> 2] ?? [],
  };
  const ips = ingress.map((ip) => ({ ip, ipMode: 'VIP' as const }));
  return aService(`shop/s${i}`, spec, {}, ips);
}

const protocolOf = (i: number) => pick(['TCP', 'UDP'] as const, i);

function sliceOf(i: number, addressType: 'IPv4' | 'IPv6'): EndpointSlice {
  const prefix = addressType === 'IPv4' ? '10.244.1.' : 'fd00:10:244:1::';
  const endpoints = Array.from({ length: i % 6 }, (_, n) =>
    anEndpoint(`${prefix}${n + 1}`, { nodeName: pick(['here', 'there'], n) }),
  );
  const ports = [{ name: '', protocol: protocolOf(i), port: 8080 }];
  return aSlice(`shop/s${i}`, addressType, endpoints, { addressType, ports });
}

/** Twelve Services of all kinds, in both families. */
function everything(): ClusterChanges {
  const numbers = Array.from({ length: 12 }, (_, i) => i);
  const slices = numbers.flatMap((i) => [sliceOf(i, 'IPv4'), sliceOf(i, 'IPv6')]);
  return {
    services: { upserted: numbers.map(serviceOf), deleted: [] },
    endpointSlices: { upserted: slices, deleted: [] },
  };
}

/** A process' whole life; gives how many operations it made. */
async function live(changes: ClusterChanges, more: Partial<ProxierConfig> = {}): Promise<number> {
  let operations = 0;
  const listener = {
    ...UNDISTURBED,
    committed: (report: { readonly operations: number }) => {
      operations += report.operations;
    },
    conflicts: () => undefined,
    flowsEnded: () => undefined,
    flowsFailed: (error: Error) => {
      throw error;
    },
  };
  const proxier = new Proxier(nft, { ...config, ...more }, listener);
  proxier.apply(changes);
  await proxier.settled();
  await proxier.stop();
  return operations;
}

/** The ruleset as nft shows it: tables, chains, sets and elements in no order, since the kernel has them in the order of time. */
function listing(): readonly string[] {
  const text = lab.run(host, 'nft', '-s', 'list', 'ruleset');
  return text
    .split(/^table /m)
    .flatMap((table) => table.split('\n\n').map((block) => `${table.split(' {')[0]}: ${sortElements(block)}`))
    .sort();
}

function sortElements(block: string): string {
  const [text = '', list = ''] = block.replace(/\}\s*$/, '').split('elements = {');
  const elements = list.split(/[,}]/).map((element) => element.trim());
  return [text.trim().replace(/\n\}$/, ''), ...elements.filter((element) => element !== '').sort()].join(
    '\n',
  );
}

describe('a second process', () => {
  test('finds everything in place, and commits nothing', async () => {
    expect(await live(everything())).toBeGreaterThan(100);
    const generation = await nft.generation();
    expect(await live(everything())).toBe(0);
    expect(await nft.generation()).toBe(generation);
  });

  test('with other options changes what they change, and the next one changes it back', async () => {
    await live(everything());
    const before = listing();
    const other = { masqueradeAll: true, masqueradeBit: 31, nodePortAddresses: [], affinitySize: 4096 };
    expect(await live(everything(), other)).toBeGreaterThan(0);
    expect(await live(everything(), other)).toBe(0);
    await live(everything());
    // `affinity` was replaced, and has another name now.
    const plain = (block: string) => block.replaceAll(/(@|map )affinity-\d+/g, '$1affinity');
    expect(listing().map(plain).sort()).toEqual(before.map(plain).sort());
  });

  test('mends what was done to the table meanwhile', async () => {
    await live(everything());
    const before = listing();
    for (const command of [
      'flush map ip kube-proxy services',
      'delete element ip6 kube-proxy cluster-ips { fd00:10:96::2 }',
      'add rule ip kube-proxy to-endpoint drop',
      'flush chain ip6 kube-proxy nat-postrouting',
      'add chain ip kube-proxy mine { type filter hook input priority 3; policy drop; }',
      'add set ip kube-proxy mine { type ipv4_addr; }',
      'flush set ip kube-proxy allowed-sources',
    ]) {
      lab.run(host, 'nft', command);
      expect(listing(), command).not.toEqual(before);
      expect(await live(everything())).toBeGreaterThan(0);
      expect(listing(), command).toEqual(before);
    }
  });
});

test('UDP connections to endpoints that are gone end, others go on', async () => {
  await using conntrack = Conntrack.open({ netns: { path: host.netnsPath } });
  const add = (destination: string, port: number, from: string, id: number) =>
    lab.run(
      host,
      ...(['conntrack', '-I', '-p', 'udp', '-s', '198.51.100.7', '-d', destination] as const),
      ...['--sport', String(1000 + id), '--dport', String(port), '-r', from, '-q', '198.51.100.7'],
      ...['--reply-port-src', '8080', '--reply-port-dst', String(1000 + id), '-t', '600'],
    );
  const ended: number[] = [];
  const listener = {
    ...UNDISTURBED,
    conflicts: () => undefined,
    flowsEnded: (count: number) => ended.push(count),
    flowsFailed: (error: Error) => {
      throw error;
    },
  };
  const proxier = new Proxier(nft, config, listener, conntrack);
  const ports = [{ name: '', protocol: 'UDP' as const, port: 53, nodePort: 30053 }];
  const dns = aService('shop/dns', {
    type: 'NodePort',
    clusterIPs: ['10.96.1.1'],
    ports,
    externalIPs: ['203.0.113.9'],
  });
  const slice = (...servers: readonly string[]) =>
    aSlice(
      'shop/dns',
      '1',
      servers.map((ip) => anEndpoint(ip)),
      {
        addressType: 'IPv4',
        ports: [{ name: '', protocol: 'UDP', port: 8080 }],
      },
    );
  const nothing = { upserted: [], deleted: [] };
  const endpoints = async (...servers: readonly string[]) => {
    proxier.apply({ services: nothing, endpointSlices: { upserted: [slice(...servers)], deleted: [] } });
    await proxier.settled();
  };
  const ports7 = async () =>
    (await conntrack.list({ family: 'ip', protocol: 'udp' }))
      .map(({ original }) => original.sourcePort ?? 0)
      .sort();
  proxier.apply({ services: { upserted: [dns], deleted: [] }, endpointSlices: nothing });
  await endpoints('10.244.1.1', '10.244.1.2');
  add('10.96.1.1', 53, '10.244.1.1', 1);
  add('10.96.1.1', 53, '10.244.1.2', 2);
  add('203.0.113.9', 53, '10.244.1.2', 3);
  add('192.0.2.10', 30053, '10.244.1.2', 4);
  // Never translated: it began before there was an endpoint.
  add('10.96.1.1', 53, '10.96.1.1', 5);
  add('192.0.2.99', 53, '10.244.1.2', 6);
  await endpoints('10.244.1.1');
  expect(await ports7()).toEqual([1001, 1006]);
  expect(ended).toEqual([4]);
  proxier.apply({ services: { upserted: [], deleted: ['shop/dns'] }, endpointSlices: nothing });
  await proxier.settled();
  expect(await ports7()).toEqual([1006]);
  expect(ended).toEqual([4, 1]);
  await proxier.stop();
});
