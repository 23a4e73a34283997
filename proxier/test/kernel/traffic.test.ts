import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Host, Lab } from '../../../lab/lab.ts';
import { lineOf } from '../../../lab/lines.ts';
import { type Probe, Prober } from '../../../lab/prober.ts';
import { ManifestFiles, type Port, service, slice } from './manifest-files.ts';
import { ProxierProcess } from './proxier-process.ts';

/**
 * The daemon on a node, with real packets of TCP, UDP and SCTP in both families: from a client outside the cluster, from a
 * pod, from the node itself, and from an endpoint to itself. Only b1 is on this node, as far as its EndpointSlices say.
 */
const lab = new Lab('nftlink-traffic');
const manifests = new ManifestFiles();
const program = (name: string) => fileURLToPath(new URL(`../../../lab/${name}`, import.meta.url));

const node = lab.host('node', {
  'net.ipv4.ip_forward': 1,
  'net.ipv6.conf.all.forwarding': 1,
  // Refusals are counted here, so none may be held back.
  'net.ipv4.icmp_ratelimit': 0,
  'net.ipv6.icmp.ratelimit': 0,
});
const NET = { ipv4: '10.244', ipv6: 'fd00:10:244' };
type Family = keyof typeof NET;
const FAMILIES: readonly Family[] = ['ipv4', 'ipv6'];
const PROTOCOLS = ['tcp', 'udp', 'sctp'] as const;
const CASES = FAMILIES.flatMap((family) => PROTOCOLS.map((protocol) => ({ family, protocol })));

const podAddress = (family: Family, n: number, host = 2) =>
  family === 'ipv4' ? `10.244.${n}.${host}` : `fd00:10:244:${n}::${host}`;
/** The node's address on the way to the pod: what masqueraded connections come from. */
const nodeAddress = (family: Family, n: number) => podAddress(family, n, 1);
const CLIENT = { ipv4: '192.0.2.2', ipv6: 'fd00:c::2' };

const FRONTENDS = { tcp: 80, udp: 53, sctp: 3868 };
const servicePorts: readonly Port[] = [
  { name: 'http', protocol: 'TCP', port: FRONTENDS.tcp },
  { name: 'dns', protocol: 'UDP', port: FRONTENDS.udp },
  { name: 'diameter', protocol: 'SCTP', port: FRONTENDS.sctp },
];
const targetPorts = servicePorts.map((port) => ({ ...port, port: 8080 }));
const DUAL_STACK = { ipFamilyPolicy: 'RequireDualStack' };

function slices(name: string, backends: readonly number[]): readonly object[] {
  return FAMILIES.map((family) =>
    slice(
      name,
      targetPorts,
      backends.map((n) => ({ addresses: [podAddress(family, n)], nodeName: `node-${n}` })),
    ),
  );
}

const probers = new Map<string, Prober>();
const clusterIPs = new Map<string, Readonly<Record<Family, string>>>();
let proxier: ProxierProcess;

/** Connects a host by IPv4 and by IPv6. */
function connect(host: Host, addresses: Record<Family, string>, gateways: Record<Family, string>): void {
  lab.connect(host, node, { host: `${addresses.ipv4}/24`, router: `${gateways.ipv4}/24` });
  lab.connect(host, node, { host: `${addresses.ipv6}/64`, router: `${gateways.ipv6}/64` });
}

async function pod(name: string, n: number): Promise<void> {
  const host = lab.host(name);
  const addresses = (last: number) => ({
    ipv4: podAddress('ipv4', n, last),
    ipv6: podAddress('ipv6', n, last),
  });
  connect(host, addresses(2), addresses(1));
  probers.set(name, new Prober(lab, host));
  if (!name.startsWith('b')) return;
  const servers = [
    lab.start(host, 'node', '--import', 'tsx', program('client-ip-server.ts'), name, '8080'),
    lab.start(host, 'python3', program('sctp.py'), 'server', name, '8080'),
  ];
  await Promise.all(servers.map((server) => lineOf(server, /listening/)));
}

beforeAll(async () => {
  const client = lab.host('client');
  connect(client, CLIENT, { ipv4: '192.0.2.1', ipv6: 'fd00:c::1' });
  // The node's own connections to cluster IPs need a route before they get to the output hook.
  lab.run(node, 'ip', 'route', 'add', 'default', 'via', CLIENT.ipv4);
  lab.run(node, 'ip', '-6', 'route', 'add', 'default', 'via', CLIENT.ipv6);
  probers.set('client', new Prober(lab, client));
  probers.set('node', new Prober(lab, node));
  await Promise.all([pod('b1', 1), pod('b2', 2), pod('b3', 3), pod('pod', 4)]);

  const local = { ...DUAL_STACK, internalTrafficPolicy: 'Local' };
  manifests.write('web.json', service('web', servicePorts, DUAL_STACK), ...slices('web', [1, 2, 3]));
  manifests.write('near.json', service('near', servicePorts, local), ...slices('near', [1, 2]));
  manifests.write('far.json', service('far', servicePorts, local), ...slices('far', [2, 3]));
  manifests.write('idle.json', service('idle', servicePorts, DUAL_STACK));
  manifests.write('later.json', service('later', servicePorts, DUAL_STACK));
  proxier = new ProxierProcess([
    ...['run', '--manifests', manifests.path, '--netns', node.netnsPath, '--node-name', 'node-1'],
    ...['--service-cidr', '10.96.0.0/12,fd00:10:96::/112'],
    ...['--cluster-cidr', '10.244.0.0/16,fd00:10:244::/48'],
  ]);
  lab.track(proxier.child);
  await proxier.programmed();
  for (const match of proxier.log.matchAll(
    /Service default\/(\S+) has no clusterIP: it gets (\S+) and (\S+)/g,
  )) {
    const [, name = '', ipv4 = '', ipv6 = ''] = match;
    clusterIPs.set(name, { ipv4, ipv6 });
  }
});

afterAll(async () => {
  await lab.close();
  manifests.remove();
});

function clusterIP(name: string, family: Family): string {
  const address = clusterIPs.get(name)?.[family];
  if (address === undefined)
    throw new Error(`Service ${name} was given no ${family} address:\n${proxier.log}`);
  return address;
}

function probe(from: string, what: Probe): Promise<readonly string[]> {
  const prober = probers.get(from);
  if (prober === undefined) throw new Error(`no prober on ${from}`);
  return prober.probe(what);
}

interface Case {
  readonly family: Family;
  readonly protocol: (typeof PROTOCOLS)[number];
}

/** Opens connections to the Service's port of the protocol. */
function toService(from: string, name: string, { family, protocol }: Case, more: Partial<Probe> = {}) {
  return probe(from, { protocol, host: clusterIP(name, family), port: FRONTENDS[protocol], ...more });
}

/** Answers and how often each came. */
function tally(results: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const result of results) counts[result] = (counts[result] ?? 0) + 1;
  return counts;
}

describe.each(CASES)('$protocol over $family', (what) => {
  const { family, protocol } = what;
  const refusal = protocol === 'tcp' ? ['ECONNREFUSED'] : ['ECONNREFUSED', 'EPERM'];

  test('from outside: all endpoints answer, and see the node', async () => {
    const answers = tally(await toService('client', 'web', what, { count: 90 }));
    expect(Object.keys(answers).sort()).toEqual([1, 2, 3].map((n) => `b${n} ${nodeAddress(family, n)}`));
    // 30 each are expected; fewer than 8 happens once in millions of times.
    for (const count of Object.values(answers)) expect(count).toBeGreaterThanOrEqual(8);
  });

  test('from a pod: all endpoints answer, and see the pod', async () => {
    const answers = tally(await toService('pod', 'web', what, { count: 60 }));
    expect(Object.keys(answers).sort()).toEqual([1, 2, 3].map((n) => `b${n} ${podAddress(family, 4)}`));
  });

  test('from the node itself: all endpoints answer', async () => {
    const answers = tally(await toService('node', 'web', what, { count: 60 }));
    expect(Object.keys(answers).sort()).toEqual([1, 2, 3].map((n) => `b${n} ${nodeAddress(family, n)}`));
  });

  test('from an endpoint to itself: it sees the node', async () => {
    expect(tally(await toService('b1', 'near', what, { count: 3 }))).toEqual({
      [`b1 ${nodeAddress(family, 1)}`]: 3,
    });
    const answers = tally(await toService('b1', 'web', what, { count: 60 }));
    expect(Object.keys(answers).sort()).toEqual([
      `b1 ${nodeAddress(family, 1)}`,
      `b2 ${podAddress(family, 1)}`,
      `b3 ${podAddress(family, 1)}`,
    ]);
  });

  test('straight to an endpoint: nobody interferes', async () => {
    const direct = { protocol, host: podAddress(family, 1), port: 8080 };
    expect(await probe('client', direct)).toEqual([`b1 ${CLIENT[family]}`]);
    expect(await probe('b1', direct)).toEqual([`b1 ${podAddress(family, 1)}`]);
  });

  test('a Service without endpoints refuses clients, pods and its neighbours', async () => {
    // Here ICMP comes so soon that connect() still holds the socket; then the second SYN, after 1 s, is the one refused.
    const timeoutMs = protocol === 'tcp' ? 2500 : 900;
    const results = await Promise.all(
      ['client', 'pod', 'b1'].map((from) => toService(from, 'idle', what, { count: 3, timeoutMs })),
    );
    expect(results.flat()).toEqual(new Array(9).fill('ECONNREFUSED'));
  });

  test('from the node itself: a Service without endpoints refuses', async () => {
    const [result] = await toService('node', 'idle', what);
    expect(refusal).toContain(result);
  });

  test('another port of a cluster IP refuses', async () => {
    const other = { protocol, host: clusterIP('web', family), port: 4321 };
    expect(await probe('client', other)).toEqual(['ECONNREFUSED']);
    expect(refusal).toContain((await probe('node', other))[0]);
  });

  test('internalTrafficPolicy Local: only the endpoint on this node, or silence', async () => {
    expect(tally(await toService('pod', 'near', what, { count: 10 }))).toEqual({
      [`b1 ${podAddress(family, 4)}`]: 10,
    });
    expect(await toService('client', 'far', what, { timeoutMs: 300 })).toEqual(['silent']);
    // A raw socket is told that a rule dropped its packet on the way out.
    const [result] = await toService('node', 'far', what, { timeoutMs: 300 });
    expect(result).toBe(protocol === 'sctp' ? 'EPERM' : 'silent');
  });
});

test('a Service gets its first endpoints, loses them, and gets others', async () => {
  const withoutDelay = CASES.filter(({ protocol }) => protocol !== 'tcp');
  const ask = (what: Case) => toService('client', 'later', what);
  for (const what of withoutDelay) expect(await ask(what)).toEqual(['ECONNREFUSED']);
  manifests.write('later-endpoints.json', ...slices('later', [2]));
  await proxier.programmed();
  for (const what of CASES) expect(await ask(what)).toEqual([`b2 ${nodeAddress(what.family, 2)}`]);
  manifests.delete('later-endpoints.json');
  await proxier.programmed();
  for (const what of withoutDelay) expect(await ask(what)).toEqual(['ECONNREFUSED']);
  manifests.write('later-endpoints.json', ...slices('later', [3]));
  await proxier.programmed();
  for (const what of CASES) expect(await ask(what)).toEqual([`b3 ${nodeAddress(what.family, 3)}`]);
});
