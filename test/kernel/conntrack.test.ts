import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { Lab } from '../../lab/lab.ts';
import { deleteFlows } from '../../src/conntrack/delete.ts';
import { prepareFilter } from '../../src/conntrack/filter.ts';
import { Flow } from '../../src/conntrack/flow.ts';
import { Conntrack, type FlowEvent, type FlowFilter } from '../../src/conntrack/index.ts';
import { CTA, IPCTNL_MSG_CT, NLM_F_DUMP } from '../../src/conntrack/uapi.ts';
import { NativeTransport, NFNL_SUBSYS } from '../../src/netlink/native-transport.ts';
import { ask } from '../../src/netlink/request.ts';

/** Flows of real packets, beside what conntrack prints of them. */

const lab = new Lab('nftlink-conntrack');
const host = lab.host('host', {
  'net.netfilter.nf_conntrack_acct': 1,
  'net.netfilter.nf_conntrack_timestamp': 1,
});
const netns = { path: host.netnsPath };
const conntrack = Conntrack.open({ netns });

beforeAll(() => {
  // Without a rule that asks for it nothing is tracked.
  lab.load(
    host,
    `table inet t {
       chain zone {
         type filter hook output priority -300
         udp dport 5999 ct zone set 9
       }
       chain out {
         type filter hook output priority 0
         ct state new ct mark set 0x107
         udp dport 5999 ct mark set 0x200
       }
       chain nat {
         type nat hook output priority -100
         ip daddr 127.0.0.9 tcp dport 80 dnat ip to 127.0.0.1:5001
       }
     }\n`,
  );
});

beforeEach(() => void lab.run(host, 'conntrack', '-F'));

afterAll(async () => {
  await conntrack.close();
  await lab.close();
});

/** The kernel has no SCTP sockets: `lab/sctp.py` makes its messages. */
const PRELUDE = `
import socket, sys
sys.path.insert(0, '${fileURLToPath(new URL('../../lab', import.meta.url))}')
import sctp
V4, V6, UDP, TCP = socket.AF_INET, socket.AF_INET6, socket.SOCK_DGRAM, socket.SOCK_STREAM
def bound(family, kind, address, port):
  s = socket.socket(family, kind)
  s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
  s.bind((address, port))
  return s
def udp(family, address, source, port):
  bound(family, UDP, address, source).sendto(b'x', (address, port))
def sctp_init(family, address, source, port):
  init = sctp.packet(source, port, 0, sctp.INIT, 1)
  socket.socket(family, socket.SOCK_RAW, 132).sendto(init, (address, 0))
def connect(family, address, source, port, to=None):
  listener = bound(family, TCP, address, port)
  listener.listen()
  client = bound(family, TCP, address, source)
  client.connect(to or (address, port))
  return listener, client, listener.accept()
def echo(family, address):
  if family == V4: socket.socket(V4, socket.SOCK_RAW, 1).sendto(bytes([8, 0, 0xe5, 0xca, 0x12, 0x34, 0, 1]), (address, 0))
  else: socket.socket(V6, socket.SOCK_RAW, 58).sendto(bytes([128, 0, 0, 0, 0x12, 0x34, 0, 1]), (address, 0))
`;

/** What a program sends; its flows stay after its end. */
const send = (script: string) => void lab.run(host, 'python3', '-c', `${PRELUDE}\n${script}`);

const ONE_OF_EACH = `
bystanders = [bound(V4, UDP, '127.0.0.1', 5000), bound(V6, UDP, '::1', 5000), bound(V4, UDP, '127.0.0.1', 5999)]
for family, address in ((V4, '127.0.0.1'), (V6, '::1')):
  udp(family, address, 6000, 5000)
  connect(family, address, 6001, 5001)
  sctp_init(family, address, 6002, 5002)
  echo(family, address)
udp(V4, '127.0.0.1', 6003, 5999)
connect(V4, '127.0.0.1', 6004, 5001, ('127.0.0.9', 80))
`;
const FLOWS = 10;

/** `udp 127.0.0.1:6000 127.0.0.1:5000`. */
function nameOf({
  original: { protocol, source, destination, sourcePort, destinationPort, icmp },
}: Flow): string {
  const ports = icmp === undefined ? [`:${sourcePort}`, `:${destinationPort}`] : [`#${icmp.id}`, ''];
  return `${protocol} ${source}${ports[0]} ${destination}${ports[1]}`;
}

async function names(filter: FlowFilter): Promise<readonly string[]> {
  return (await conntrack.list(filter)).map(nameOf).sort();
}

/** A line of conntrack's for a flow. */
function printed(flow: Flow): string {
  const { original, reply, status, mark, zone, timeoutSeconds, counters, tcpState, sctpState, id, family } =
    flow;
  const numbers: Record<string, number> = { tcp: 6, udp: 17, sctp: 132, icmp: 1, 'ipv6-icmp': 58 };
  const name = original.protocol === 'ipv6-icmp' ? 'icmpv6' : original.protocol;
  const tuple = ({ source, destination, sourcePort, destinationPort, icmp }: Flow['original']) =>
    icmp === undefined
      ? `src=${source} dst=${destination} sport=${sourcePort} dport=${destinationPort}`
      : `src=${source} dst=${destination} type=${icmp.type} code=${icmp.code} id=${icmp.id}`;
  const count = (counter = { packets: 0n, bytes: 0n }) => `packets=${counter.packets} bytes=${counter.bytes}`;
  return [
    family === 'ip' ? 'ipv4 2' : 'ipv6 10',
    `${name} ${numbers[original.protocol]} ${timeoutSeconds}`,
    tcpState?.replaceAll('-', '_').replace('received', 'recv').toUpperCase(),
    sctpState?.replaceAll('-', '_').replace('received', 'recv').toUpperCase(),
    tuple(original),
    count(counters?.original),
    status.includes('seen-reply') ? undefined : '[UNREPLIED]',
    tuple(reply),
    count(counters?.reply),
    status.includes('assured') ? '[ASSURED]' : undefined,
    `mark=${mark}`,
    zone === 0 ? undefined : `zone=${zone}`,
    `id=${id}`,
  ]
    .filter((part) => part !== undefined)
    .join(' ');
}

/** A timeout that changed between two looks, the use and the age do not count. */
function withoutTime(line: string): string {
  return line
    .replace(/\s+/g, ' ')
    .replace(/^(\S+ \d+ \S+ \d+) \d+/, '$1')
    .replace(/ (use|delta-time)=\d+/g, '')
    .trim();
}

describe('flows', () => {
  test('are what conntrack prints: UDP, TCP, SCTP, ICMP, IPv4 and IPv6, NAT, marks, zones, counters', async () => {
    send(ONE_OF_EACH);
    const lines = lab.run(host, 'conntrack', '-L', '-o', 'id,extended').trim().split('\n');
    const flows = await conntrack.list();
    expect(flows.length).toBe(FLOWS);
    expect(flows.map((flow) => withoutTime(printed(flow))).sort()).toEqual(lines.map(withoutTime).sort());
    const [nat] = flows.filter(({ original }) => original.destination === '127.0.0.9');
    expect(nat?.describe()).toMatchObject({
      family: 'ip',
      original: { source: '127.0.0.1', destination: '127.0.0.9', sourcePort: 6004, destinationPort: 80 },
      reply: { source: '127.0.0.1', destination: '127.0.0.1', sourcePort: 5001, destinationPort: 6004 },
      status: expect.arrayContaining(['seen-reply', 'assured', 'confirmed', 'dnat', 'dnat-done']),
      mark: 0x107,
      zone: 0,
    });
    const age = BigInt(Date.now()) * 1_000_000n - (nat?.startedNs ?? 0n);
    expect(age > -1_000_000_000n && age < 60_000_000_000n).toBe(true);
  });

  const filters: readonly [FlowFilter, number][] = [
    [{}, FLOWS],
    [{ family: 'ip' }, 6],
    [{ family: 'ip6' }, 4],
    [{ protocol: 'udp' }, 3],
    [{ protocol: 17, family: 'ip6' }, 1],
    [{ protocol: 'sctp' }, 2],
    [{ mark: 0x107 }, 9],
    [{ mark: { value: 0x200, mask: 0xf00 } }, 1],
    [{ mark: 1 }, 0],
    [{ zone: 0 }, 9],
    [{ zone: 9 }, 1],
    [{ status: ['dnat'] }, 1],
    [{ original: { destination: '127.0.0.9' } }, 1],
    [{ protocol: 'udp', original: { source: '127.0.0.1', destination: '127.0.0.1' } }, 2],
    [{ protocol: 'tcp', original: { destinationPort: 5001 } }, 2],
    [{ protocol: 'icmp', original: { icmpId: 0x1234, icmpType: 8, icmpCode: 0 } }, 1],
    [{ protocol: 'ipv6-icmp', original: { icmpId: 0x1234, icmpType: 128 } }, 1],
    [{ protocol: 'ipv6-icmp', original: { icmpId: 1 } }, 0],
  ];

  test.each(filters)('are filtered in the kernel: %j', async (filter, count) => {
    send(ONE_OF_EACH);
    expect((await names(filter)).length).toBe(count);
    // The kernel sends no others.
    const transport = new NativeTransport(netns, NFNL_SUBSYS.ctnetlink);
    let sent = 0;
    for (const { family, attributes } of prepareFilter(filter).questions) {
      sent += (await ask(transport, 'test', IPCTNL_MSG_CT.get, NLM_F_DUMP, family, attributes)).length;
    }
    await transport.close();
    expect(sent).toBe(count);
  });

  const checkedHere: readonly [FlowFilter, number][] = [
    [{ original: { source: '0:0::1' } }, 4],
    [{ original: { destination: '::2' } }, 0],
    [{ original: { destinationPort: 5001 } }, 2],
    [{ original: { icmpId: 0x1234 } }, 2],
    [{ protocol: 'tcp', reply: { sourcePort: 5001 } }, 3],
    [{ reply: { source: '::1', sourcePort: 5001 } }, 1],
    [{ family: 'ip', status: ['assured'], mark: 0x107, zone: 0, protocol: 'tcp' }, 2],
  ];

  test.each(checkedHere)('are filtered, here where the kernel cannot: %j', async (filter, count) => {
    send(ONE_OF_EACH);
    expect((await names(filter)).length).toBe(count);
  });

  test('are not asked for by what cannot be', async () => {
    const bad: readonly [unknown, string][] = [
      [{ family: 'inet' }, 'family'],
      [{ protocol: 'quic' }, 'protocol'],
      [{ mark: -1 }, 'mark'],
      [{ zone: 65536 }, 'zone'],
      [{ status: ['busy'] }, 'status'],
      [{ original: { source: '10.0.0' } }, 'original.source'],
      [{ reply: { sourcePort: 70000 } }, 'reply.sourcePort'],
      [{ family: 'ip6', original: { source: '10.0.0.1' } }, 'original.source'],
    ];
    for (const [filter, argument] of bad) {
      await expect(conntrack.list(filter as FlowFilter)).rejects.toMatchObject({ argument });
    }
  });
});

describe('deleting', () => {
  test('takes flows or a filter, and what has gone is no error', async () => {
    send(ONE_OF_EACH);
    const all = await conntrack.list();
    expect(await conntrack.delete({ protocol: 'udp' })).toEqual({ deleted: 3, alreadyGone: 0, failed: [] });
    expect((await names({})).length).toBe(FLOWS - 3);
    expect(await conntrack.delete(all)).toEqual({ deleted: FLOWS - 3, alreadyGone: 3, failed: [] });
    expect(await conntrack.delete(all)).toEqual({ deleted: 0, alreadyGone: FLOWS, failed: [] });
    expect(await conntrack.delete([])).toEqual({ deleted: 0, alreadyGone: 0, failed: [] });
  });

  test('leaves a flow with the same addresses and another id alone', async () => {
    send(`b = bound(V4, UDP, '127.0.0.1', 5000); udp(V4, '127.0.0.1', 6000, 5000)`);
    const transport = new NativeTransport(netns, NFNL_SUBSYS.ctnetlink);
    const [reply] = await ask(transport, 'test', IPCTNL_MSG_CT.get, NLM_F_DUMP, 0, new Uint8Array(0));
    await transport.close();
    if (reply === undefined) throw new Error('no flow');
    const id = new Flow(reply).attribute(CTA.id);
    id?.set([(id[0] ?? 0) ^ 1]);
    expect(await conntrack.delete([new Flow(reply)])).toMatchObject({ deleted: 0, alreadyGone: 1 });
    expect((await names({})).length).toBe(1);
  });

  test('takes 20,000 flows in few pieces', async () => {
    send(`
b = bound(V4, UDP, '127.0.0.1', 5000)
for low in range(0, 20000):
  s = socket.socket(V4, UDP); s.bind((f'127.0.{1 + low // 250}.{1 + low % 250}', 7000)); s.sendto(b'x', ('127.0.0.1', 5000)); s.close()
`);
    const flows = await conntrack.list({ protocol: 'udp', original: { destinationPort: 5000 } });
    expect(flows.length).toBe(20_000);
    const socket = new NativeTransport(netns, NFNL_SUBSYS.ctnetlink);
    const sizes: number[] = [];
    const sender = {
      send(messages: Uint8Array) {
        sizes.push(messages.length);
        return socket.send(messages);
      },
    };
    expect(await deleteFlows(sender, flows)).toEqual({ deleted: 20_000, alreadyGone: 0, failed: [] });
    await socket.close();
    // 4,096 flows a time, which the native side sends by the thousand.
    expect(sizes).toHaveLength(5);
    expect(await conntrack.list()).toEqual([]);
  });
});

describe('events', () => {
  test('tell of a flow from its beginning to its end', async () => {
    await using events = conntrack.events({ filter: { protocol: 'tcp' } });
    send(
      `bound(V4, UDP, '127.0.0.1', 5000); udp(V4, '127.0.0.1', 6000, 5000); connect(V4, '127.0.0.1', 6001, 5001)`,
    );
    await conntrack.delete({});
    const seen: FlowEvent[] = [];
    for await (const event of events) {
      seen.push(event);
      if (event.kind === 'destroy') break;
    }
    expect(seen[0]).toMatchObject({ kind: 'new' });
    expect(seen.slice(1, -1).every(({ kind }) => kind === 'update')).toBe(true);
    const flows = seen.flatMap((event) => (event.kind === 'gap' ? [] : [event.flow]));
    expect(new Set(flows.map(nameOf))).toEqual(new Set(['tcp 127.0.0.1:6001 127.0.0.1:5001']));
    expect(new Set(flows.map(({ id }) => id)).size).toBe(1);
    expect(flows.map(({ tcpState }) => tcpState)).toEqual(
      expect.arrayContaining(['syn-sent', 'established']),
    );
    expect(flows.at(-1)?.counters?.original.packets).toBeGreaterThan(1n);
    expect(flows.at(-1)?.stoppedNs).toBeGreaterThan(flows.at(-1)?.startedNs ?? 0n);
  });

  test('of kinds that nobody wants are not sent', async () => {
    await using events = conntrack.events({ kinds: ['destroy'] });
    send(ONE_OF_EACH);
    await conntrack.delete({});
    for (let i = 0; i < FLOWS; i++) expect((await events.next()).value?.kind).toBe('destroy');
  });

  test('that the kernel had to drop are a gap, and they go on', async () => {
    await using events = conntrack.events({ receiveBufferBytes: 2048, kinds: ['new', 'destroy'] });
    send(`
b = bound(V4, UDP, '127.0.0.1', 5000)
for low in range(0, 3000):
  s = socket.socket(V4, UDP); s.bind((f'127.0.{1 + low // 250}.{1 + low % 250}', 7000)); s.sendto(b'x', ('127.0.0.1', 5000)); s.close()
`);
    await conntrack.delete({});
    send(`b = bound(V4, UDP, '127.0.0.1', 5777); udp(V4, '127.0.0.1', 6000, 5777)`);
    let gaps = 0;
    for await (const event of events) {
      if (event.kind === 'gap') gaps++;
      else if (event.flow.original.destinationPort === 5777) break;
    }
    expect(gaps).toBeGreaterThan(0);
  });

  test('end by their signal, and with conntrack', async () => {
    const other = Conntrack.open({ netns });
    const controller = new AbortController();
    const aborted = other.events({ signal: controller.signal });
    const closed = other.events();
    const waiting = [aborted.next(), closed.next()];
    controller.abort();
    await aborted.closed;
    await other.close();
    expect(await Promise.all(waiting)).toEqual([
      { done: true, value: undefined },
      { done: true, value: undefined },
    ]);
  });
});
