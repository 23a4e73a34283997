import { fileURLToPath } from 'node:url';
import { Nftables } from 'nftlink';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Host, Lab } from '../../../lab/lab.ts';
import { lineOf } from '../../../lab/lines.ts';
import { Prober } from '../../../lab/prober.ts';
import { type Explained, explained } from './explained.ts';
import { ManifestFiles, service, slice } from './manifest-files.ts';
import { runProxier } from './proxier-process.ts';

/**
 * What `explain` says, against what packets meet: each answer is followed by connections of the same kind. Then elements and rules
 * are taken away by hand, and the answer must be another one. No daemon runs meanwhile: it would put that right.
 */
const lab = new Lab('nftlink-explain');
const manifests = new ManifestFiles();
const program = (name: string) => fileURLToPath(new URL(`../../../lab/${name}`, import.meta.url));

const node = lab.host('node', {
  'net.ipv4.ip_forward': 1,
  'net.ipv6.conf.all.forwarding': 1,
  'net.ipv4.icmp_ratelimit': 0,
  'net.ipv6.icmp.ratelimit': 0,
});
type Family = 'ipv4' | 'ipv6';
const FAMILIES: readonly Family[] = ['ipv4', 'ipv6'];
const probers = new Map<string, Prober>();

const podAddress = (family: Family, n: number, last = 2) =>
  family === 'ipv4' ? `10.244.${n}.${last}` : `fd00:10:244:${n}::${last}`;
const ADDRESSES: Readonly<Record<string, Readonly<Record<Family, string>>>> = {
  client: { ipv4: '192.0.2.2', ipv6: 'fd00:c::2' },
  node: { ipv4: '192.0.2.1', ipv6: 'fd00:c::1' },
  b1: { ipv4: podAddress('ipv4', 1), ipv6: podAddress('ipv6', 1) },
  b2: { ipv4: podAddress('ipv4', 2), ipv6: podAddress('ipv6', 2) },
  pod: { ipv4: podAddress('ipv4', 4), ipv6: podAddress('ipv6', 4) },
};
const clusterIP = (n: number) => ({ ipv4: `10.96.0.${n}`, ipv6: `fd00:10:96::${n}` });
const loadBalancerIP = (n: number) => ({ ipv4: `198.51.100.${n}`, ipv6: `2001:db8:51::${n}` });
const addressOf = (name: string, family: Family) => ADDRESSES[name]?.[family] ?? name;

function dualStack(n: number, more: object = {}): object {
  const { ipv4, ipv6 } = clusterIP(n);
  const families = { ipFamilyPolicy: 'RequireDualStack', ipFamilies: ['IPv4', 'IPv6'] };
  return { clusterIP: ipv4, clusterIPs: [ipv4, ipv6], ...families, ...more };
}

function loadBalancer(n: number, more: object): object {
  return { type: 'LoadBalancer', externalTrafficPolicy: 'Local', ...more, ...dualStack(n) };
}

function withIngress(object: object, n: number): object {
  const { ipv4, ipv6 } = loadBalancerIP(n);
  return { ...object, status: { loadBalancer: { ingress: [{ ip: ipv4 }, { ip: ipv6 }] } } };
}

const HTTP = [{ name: 'http', port: 80 }];
const port = (nodePort: number) => [{ name: 'http', port: 80, nodePort }];

function slices(name: string, backends: readonly number[]): readonly object[] {
  return FAMILIES.map((family) =>
    slice(
      name,
      [{ name: 'http', port: 8080 }],
      backends.map((n) => ({ addresses: [podAddress(family, n)], nodeName: `node-${n}` })),
    ),
  );
}

async function connect(name: string, host: Host, gateways: Readonly<Record<Family, string>>): Promise<void> {
  for (const family of FAMILIES) {
    const bits = family === 'ipv4' ? 24 : 64;
    const cable = { host: `${addressOf(name, family)}/${bits}`, router: `${gateways[family]}/${bits}` };
    lab.connect(host, node, cable);
  }
  probers.set(name, new Prober(lab, host));
}

async function pod(name: string, n: number): Promise<void> {
  const host = lab.host(name);
  await connect(name, host, { ipv4: podAddress('ipv4', n, 1), ipv6: podAddress('ipv6', n, 1) });
  if (!name.startsWith('b')) return;
  await lineOf(
    lab.start(host, 'node', '--import', 'tsx', program('client-ip-server.ts'), name, '8080'),
    /listening/,
  );
}

/** Programs what the manifests say, and ends. */
async function programAll(): Promise<void> {
  const { status, stderr } = await runProxier([
    ...['run', '--once', '--manifests', manifests.path, '--netns', node.netnsPath, '--node-name', 'node-1'],
    ...['--node-ip', '192.0.2.1,fd00:c::1', '--cluster-cidr', '10.244.0.0/16,fd00:10:244::/48'],
    ...['--service-cidr', '10.96.0.0/12,fd00:10:96::/112'],
  ]);
  expect(status, stderr).toBe(0);
}

const nftables = Nftables.open({ netns: { path: node.netnsPath } });
const explain = (from: string, address: string, to: number) =>
  explained(nftables, node.netnsPath, from, address, to);
/** The program itself. */
const cli = (...args: readonly string[]) => runProxier(['explain', '--netns', node.netnsPath, ...args]);

beforeAll(async () => {
  await connect('client', lab.host('client'), { ipv4: '192.0.2.1', ipv6: 'fd00:c::1' });
  lab.run(node, 'ip', 'route', 'add', 'default', 'via', '192.0.2.2');
  lab.run(node, 'ip', '-6', 'route', 'add', 'default', 'via', 'fd00:c::2');
  probers.set('node', new Prober(lab, node));
  await Promise.all([pod('b1', 1), pod('b2', 2), pod('pod', 4)]);
  const ranges = (...cidrs: readonly string[]) => ({ loadBalancerSourceRanges: cidrs });
  const affinity = {
    sessionAffinity: 'ClientIP',
    sessionAffinityConfig: { clientIP: { timeoutSeconds: 600 } },
  };
  manifests.write(
    'web.json',
    service('web', port(30080), dualStack(10, { type: 'NodePort' })),
    ...slices('web', [1, 2]),
  );
  manifests.write(
    'near.json',
    withIngress(
      service(
        'near',
        port(30081),
        loadBalancer(11, ranges('192.0.2.0/24', 'fd00:c::/64', '10.244.0.0/16', 'fd00:10:244::/48')),
      ),
      11,
    ),
    ...slices('near', [1, 2]),
  );
  manifests.write(
    'closed.json',
    withIngress(
      service('closed', port(30082), loadBalancer(12, ranges('203.0.113.0/24', '2001:db8:3::/48'))),
      12,
    ),
    ...slices('closed', [1]),
  );
  manifests.write('away.json', service('away', port(30083), loadBalancer(13, {})), ...slices('away', [2]));
  manifests.write(
    'far.json',
    service('far', HTTP, dualStack(14, { internalTrafficPolicy: 'Local' })),
    ...slices('far', [2]),
  );
  manifests.write('idle.json', service('idle', port(30085), dualStack(15, { type: 'NodePort' })));
  manifests.write('login.json', service('login', HTTP, dualStack(16, affinity)), ...slices('login', [1, 2]));
  await programAll();
});

afterAll(async () => {
  await nftables.close();
  await lab.close();
  manifests.remove();
});

interface Case {
  readonly what: string;
  readonly from: string;
  readonly to: (family: Family) => string;
  readonly port: number;
  readonly verdict: Explained['outcomes'][number]['verdict'];
  /** How many endpoints it may go to. */
  readonly endpoints?: number;
  readonly client: string;
}

const POD = 'a pod';
const OUTSIDE = 'outside';
const NODE = 'the node itself';
const cluster = (n: number) => (family: Family) => clusterIP(n)[family];
const balancer = (n: number) => (family: Family) => loadBalancerIP(n)[family];
const host = (name: string) => (family: Family) => addressOf(name, family);

const CASES: readonly Case[] = [
  {
    what: 'cluster IP from a pod',
    from: 'pod',
    to: cluster(10),
    port: 80,
    verdict: 'forwarded',
    endpoints: 2,
    client: POD,
  },
  {
    what: 'cluster IP from outside',
    from: 'client',
    to: cluster(10),
    port: 80,
    verdict: 'forwarded',
    endpoints: 2,
    client: OUTSIDE,
  },
  {
    what: 'cluster IP from the node',
    from: 'node',
    to: cluster(10),
    port: 80,
    verdict: 'forwarded',
    endpoints: 2,
    client: NODE,
  },
  { what: 'hairpin', from: 'b1', to: cluster(10), port: 80, verdict: 'forwarded', endpoints: 2, client: POD },
  {
    what: 'node port from outside',
    from: 'client',
    to: host('node'),
    port: 30080,
    verdict: 'forwarded',
    endpoints: 2,
    client: OUTSIDE,
  },
  {
    what: 'node port from the node',
    from: 'node',
    to: host('node'),
    port: 30080,
    verdict: 'forwarded',
    endpoints: 2,
    client: NODE,
  },
  {
    what: 'eTP Local, load balancer IP',
    from: 'client',
    to: balancer(11),
    port: 80,
    verdict: 'forwarded',
    endpoints: 1,
    client: OUTSIDE,
  },
  {
    what: 'eTP Local, short circuit of pods',
    from: 'pod',
    to: balancer(11),
    port: 80,
    verdict: 'forwarded',
    endpoints: 2,
    client: POD,
  },
  {
    what: 'eTP Local, node port',
    from: 'client',
    to: host('node'),
    port: 30081,
    verdict: 'forwarded',
    endpoints: 1,
    client: OUTSIDE,
  },
  {
    what: 'outside the source ranges',
    from: 'client',
    to: balancer(12),
    port: 80,
    verdict: 'dropped',
    client: OUTSIDE,
  },
  {
    what: 'eTP Local, endpoints elsewhere',
    from: 'client',
    to: host('node'),
    port: 30083,
    verdict: 'dropped',
    client: OUTSIDE,
  },
  {
    what: 'eTP Local, elsewhere, from the node',
    from: 'node',
    to: host('node'),
    port: 30083,
    verdict: 'forwarded',
    endpoints: 1,
    client: NODE,
  },
  {
    what: 'iTP Local, endpoints elsewhere',
    from: 'pod',
    to: cluster(14),
    port: 80,
    verdict: 'dropped',
    client: POD,
  },
  { what: 'no endpoints', from: 'client', to: cluster(15), port: 80, verdict: 'rejected', client: OUTSIDE },
  {
    what: 'no endpoints, node port',
    from: 'client',
    to: host('node'),
    port: 30085,
    verdict: 'rejected',
    client: OUTSIDE,
  },
  {
    what: 'another port of a cluster IP',
    from: 'pod',
    to: cluster(10),
    port: 4321,
    verdict: 'rejected',
    client: POD,
  },
  {
    what: 'straight to an endpoint',
    from: 'client',
    to: host('b1'),
    port: 8080,
    verdict: 'untouched',
    client: OUTSIDE,
  },
];

/** What connections must meet if the answer is right. */
function expectedAnswers({ outcomes }: Explained, { from, to }: Case, family: Family): readonly string[] {
  const answers = outcomes.map(({ verdict, endpoint, masqueraded }) => {
    if (verdict === 'rejected') return 'ECONNREFUSED';
    if (verdict === 'dropped') return 'silent';
    const address = endpoint?.address ?? to(family);
    const n = address === podAddress(family, 1) ? 1 : 2;
    // The node's own connections come from its address on the way to the pod, but for those to itself.
    const isSame = !masqueraded && from !== 'node';
    return `b${n} ${isSame ? addressOf(from, family) : podAddress(family, n, 1)}`;
  });
  return [...new Set(answers)].sort();
}

describe.each(FAMILIES)('%s: as packets find it', (family) => {
  test.each(CASES)('$what', async (given) => {
    const destination = given.to(family);
    const answer = await explain(addressOf(given.from, family), destination, given.port);
    expect(answer.outcomes.map(({ verdict }) => verdict)).toEqual(
      new Array(given.endpoints ?? 1).fill(given.verdict),
    );
    expect(answer.client?.is).toBe(given.client);
    expect(answer.broken).toEqual([]);
    expect(answer.status).toBe(['forwarded', 'untouched'].includes(given.verdict) ? 0 : 1);
    const isForwarded = given.verdict === 'forwarded';
    const results = await probers.get(given.from)?.probe({
      protocol: 'tcp',
      host: destination,
      port: given.port,
      // One of two endpoints is missed once in 2^39 times.
      count: isForwarded ? 40 : 1,
      timeoutMs: given.verdict === 'dropped' ? 300 : 2500,
    });
    expect([...new Set(results)].sort()).toEqual(expectedAnswers(answer, given, family));
  });

  test('session affinity: a client that is remembered, and one that is not', async () => {
    const to = clusterIP(16)[family];
    const before = await explain(addressOf('pod', family), to, 80);
    expect(before.outcomes).toHaveLength(2);
    expect(before.service).toBe('default/login:http');
    const probe = { protocol: 'tcp', host: to, port: 80 } as const;
    const [answer = ''] = (await probers.get('pod')?.probe(probe)) ?? [];
    const after = await explain(addressOf('pod', family), to, 80);
    const n = answer.startsWith('b1') ? 1 : 2;
    expect(after.outcomes.map(({ endpoint }) => endpoint?.address)).toEqual([podAddress(family, n)]);
    const remembered = after.steps.find(({ where }) => where === 'affinity')?.text;
    expect(remembered).toMatch(
      /the client is remembered: endpoint 5000:\d, for another (9 min \d+ s|10 min)$/,
    );
    expect(new Set(await probers.get('pod')?.probe({ ...probe, count: 10 }))).toEqual(new Set([answer]));
    expect((await explain(addressOf('client', family), to, 80)).outcomes).toHaveLength(2);
  });
});

describe('taken away by hand', () => {
  const nft = (...args: readonly string[]) => lab.run(node, 'nft', args.join(' '));
  const web = () => explain(addressOf('pod', 'ipv4'), '10.96.0.10', 80);
  const verdicts = ({ outcomes }: Explained) => outcomes.map(({ verdict }) => verdict);

  /** What is taken away, what explain says then; and that it is well again once the proxier has run. */
  async function taken(command: string, ask: () => Promise<Explained>): Promise<Explained> {
    const before = await ask();
    nft(command);
    const after = await ask();
    await programAll();
    const again = await ask();
    expect([again.verdict, again.broken]).toEqual([before.verdict, before.broken]);
    return after;
  }

  test('a frontend', async () => {
    const after = await taken('delete element ip kube-proxy services { 10.96.0.10 . tcp . 80 }', web);
    expect(verdicts(after)).toEqual(['rejected']);
    expect(after.verdict).toContain('no Service is reached at tcp 10.96.0.10:80');
    expect(after.broken).toEqual([]);
  });

  test('a class', async () => {
    const { steps } = await web();
    const mark = steps.flatMap(({ text }) => /a frontend of class (\S+)$/.exec(text)?.[1] ?? [])[0];
    const after = await taken(`delete element ip kube-proxy dispatch { ${mark} }`, web);
    expect(verdicts(after)).toEqual(['rejected']);
    expect(after.broken).toEqual([`dispatch has no element ${mark}, and an earlier lookup leads to it`]);
    expect(after.status).toBe(1);
  });

  test('an endpoint', async () => {
    const after = await taken(
      'delete element ip kube-proxy endpoints { 10.96.0.10 . tcp . 80 . 4b52:1 }',
      web,
    );
    expect(verdicts(after)).toEqual(['forwarded', 'rejected']);
    expect(after.verdict).toMatch(
      /^1 of 2: forwarded to 10\.244\.\d\.2:8080; 1 of 2: rejected .* The table is broken$/,
    );
    expect(after.broken.join()).toContain('endpoints has no element 10.96.0.10 . tcp . 80 . 4b52:1');
  });

  test('the rules of a class chain, and one of them', async () => {
    const flushed = await taken('flush chain ip kube-proxy pick-2', web);
    expect(flushed.broken).toEqual(['the chain pick-2 has no rules']);
    const handle = /goto to-endpoint # handle (\d+)/.exec(
      lab.run(node, 'nft', '-a', 'list', 'chain', 'ip', 'kube-proxy', 'pick-2'),
    )?.[1];
    const cut = await taken(`delete rule ip kube-proxy pick-2 handle ${handle}`, web);
    expect(cut.broken).toEqual([
      'the chain pick-2 decides nothing: its rules are not those that belong there',
    ]);
  });

  test('a base chain', async () => {
    const after = await taken(
      'flush chain ip kube-proxy nat-prerouting; delete chain ip kube-proxy nat-prerouting',
      web,
    );
    expect(verdicts(after)).toEqual(['rejected']);
    expect(after.broken).toEqual(['the base chain nat-prerouting is missing']);
  });

  test("a node port's address, a source range, a hairpin", async () => {
    const client = addressOf('client', 'ipv4');
    const nodePort = await taken('delete element ip kube-proxy nodeport-ips { 192.0.2.1 }', () =>
      explain(client, '192.0.2.1', 30080),
    );
    expect(verdicts(nodePort)).toEqual(['untouched']);
    const element = '{ 198.51.100.11 . tcp . 80 . 192.0.2.0/24 }';
    const range = await taken(`delete element ip kube-proxy allowed-sources ${element}`, () =>
      explain(client, '198.51.100.11', 80),
    );
    expect(verdicts(range)).toEqual(['dropped']);
    const hairpin = await taken(
      'delete element ip kube-proxy hairpin-connections { 10.244.1.2 . 10.244.1.2 . tcp . 8080 }',
      () => explain('10.244.1.2', '10.96.0.10', 80),
    );
    expect(hairpin.outcomes.some(({ masqueraded }) => masqueraded)).toBe(false);
  });

  test('an endpoint of a sticky Service: who was remembered for it is not any more', async () => {
    const ask = () => explain('10.244.9.9', '10.96.0.16', 80);
    nft('add element ip kube-proxy affinity { 10.244.9.9 . 4b51:1 timeout 10m : 5000:0 }');
    expect((await ask()).outcomes).toHaveLength(1);
    const after = await taken('delete element ip kube-proxy sticky-cluster { 5000:0 }', ask);
    expect(after.outcomes).toHaveLength(2);
    expect(after.steps.map(({ text }) => text)).toContain('endpoint 5000:0 may no longer be used: forgotten');
  });

  test('a rule of a kind that nobody here knows: it cannot be told', async () => {
    nft('insert rule ip kube-proxy services ip ttl 3 accept');
    const answer = await cli('--from', '1.2.3.4', '--to', '10.96.0.10:80');
    await programAll();
    expect(answer.status).toBe(3);
    expect(answer.stderr).toContain('rule 1 of chain services has 1 bytes at 8 of the network header');
  });
});

describe('the program', () => {
  test('prints a numbered way, the verdict in the last line', async () => {
    const { status, stdout, stderr } = await cli('--from', '10.244.1.2', '--to', '10.96.0.10:80/tcp');
    expect([status, stderr]).toEqual([0, '']);
    const lines = stdout.trimEnd().split('\n');
    expect(lines[0]).toBe('TCP from 10.244.1.2 to 10.96.0.10:80: a new connection');
    expect(lines[2]).toBe('10.244.1.2 counts as a pod: it is in 10.244.0.0/16');
    expect(lines.filter((line) => /^ +\d+[. ab]/.test(line)).length).toBeGreaterThan(5);
    expect(lines.at(-1)).toMatch(
      /^forwarded to 10\.244\.\d\.2:8080 or 10\.244\.\d\.2:8080, masqueraded if it is 10\.244\.1\.2:8080 \(hairpin\)$/,
    );
  });

  test('--json, of a refused connection: exit status 1', async () => {
    const { status, stdout } = await cli(
      '--from',
      '2001:db8::1',
      '--to',
      '[fd00:10:96::15]:80/udp',
      '--json',
    );
    expect(status).toBe(1);
    const answer = JSON.parse(stdout);
    expect(answer.question).toMatchObject({ family: 'ip6', source: '2001:db8::1' });
    expect(answer.outcomes).toMatchObject([{ verdict: 'rejected', masqueraded: false }]);
  });

  test.each([
    ['a family of each', ['--from', '10.0.0.1', '--to', '[::1]:80'], 'are not of one family'],
    ['no port', ['--from', '10.0.0.1', '--to', '10.0.0.2'], 'is not like 10.96.0.10:80/tcp'],
    ['port 0', ['--from', '10.0.0.1', '--to', '10.0.0.2:0'], 'is not like 10.96.0.10:80/tcp'],
    [
      'a protocol without ports',
      ['--from', '10.0.0.1', '--to', '10.0.0.2:1/icmp'],
      'is not like 10.96.0.10:80/tcp',
    ],
    [
      'an IPv4 address in an IPv6 one',
      ['--from', '::ffff:10.0.0.1', '--to', '[::1]:1'],
      'inside an IPv6 one',
    ],
    ['nothing to reach', ['--from', '10.0.0.1'], 'required option'],
  ])('wrong arguments, exit status 2: %s', async (_what, args, message) => {
    const { status, stdout, stderr } = await cli(...args);
    expect([status, stdout]).toEqual([2, '']);
    expect(stderr).toContain(message);
  });

  test('a namespace that is not there: exit status 3', async () => {
    const args = [
      'explain',
      '--netns',
      '/run/netns/nftlink-none',
      '--from',
      '10.0.0.1',
      '--to',
      '10.0.0.2:1',
    ];
    expect((await runProxier(args)).status).toBe(3);
  });
});

test('pods known by their interface; a namespace without processes; no table', async () => {
  const lone = lab.host('lone');
  await using nft = Nftables.open({ netns: { path: lone.netnsPath } });
  const ask = (iif?: string) => explained(nft, lone.netnsPath, '10.244.4.2', '10.96.0.10', 80, iif);
  const empty = await ask();
  expect(empty.outcomes.map(({ verdict }) => verdict)).toEqual(['untouched']);
  expect(empty.notes).toEqual(['there is no table ip kube-proxy: nothing is programmed']);
  await runProxier([
    ...['run', '--once', '--manifests', manifests.path, '--netns', lone.netnsPath, '--node-ip', '192.0.2.1'],
    ...['--pod-interface-name-prefix', 'veth'],
  ]);
  const [pod, other, unknown] = [await ask('veth7'), await ask('eth0'), await ask()];
  expect(pod.client).toEqual({ is: 'a pod', why: 'it comes in by veth*' });
  expect(pod.outcomes.every(({ masqueraded }) => masqueraded)).toBe(false);
  expect(other.client?.is).toBe('outside');
  expect(other.outcomes.every(({ masqueraded }) => masqueraded)).toBe(true);
  expect(unknown.client?.why).toContain('no interface was given');
  expect(unknown.notes[0]).toContain('those with node ports (192.0.2.1) and loopback');
});
