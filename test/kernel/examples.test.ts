import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Host, Lab } from '../../lab/lab.ts';
import { lineOf, linesOf } from '../../lab/lines.ts';

/** The examples of the documentation, as they are. */
const lab = new Lab('nftlink-examples');
const host = lab.host('host');

afterAll(() => lab.close());

const NODE = ['node', '--import', 'tsx'] as const;
const run = (on: Host, ...args: readonly string[]) => lab.run(on, ...NODE, ...args);
const start = (on: Host, ...args: readonly string[]) => lab.start(on, ...NODE, ...args);

test('block-list', () => {
  const printed = run(host, 'examples/block-list.ts');
  expect(printed.trim().split('\n').sort()).toEqual(['192.0.2.1 for good', '192.0.2.2 for 60 more minutes']);
  const listing = lab.run(host, 'nft', 'list', 'chain', 'inet', 'example', 'input');
  expect(listing).toContain('ip saddr @blocked counter packets 0 bytes 0 drop comment "blocked"');
});

test('port-forwarding', () => {
  const printed = run(host, 'examples/port-forwarding.ts');
  expect(printed.trim().split('\n').sort()).toEqual(['8080 -> 10.0.0.2:80', '8443 -> 10.0.0.3:443']);
  const listing = lab.run(host, 'nft', 'list', 'table', 'ip', 'forwarding');
  expect(listing).toContain('dnat ip to tcp dport map @forwards');
  expect(listing).toContain('ip daddr 192.0.2.1 tcp dport 2222 dnat to 10.0.0.9:22');
  expect(listing).toContain('oifname "wan0" masquerade');
});

test('watch-changes', async () => {
  const watched = lab.host('watched');
  lab.run(watched, 'nft', 'add table inet t; add set inet t s { type ipv4_addr; }; add chain inet t c');
  const watching = start(watched, 'examples/watch-changes.ts');
  const printed: string[] = [];
  linesOf(watching).on('line', (line) => printed.push(line));
  await lineOf(watching, /^generation \d+: 1 tables, 0 rules$/);
  const deleted = lineOf(watching, /delete table/);
  lab.run(watched, 'nft', 'add element inet t s { 10.0.0.1 }; add rule inet t c drop; add counter inet t n');
  lab.run(watched, 'nft', 'delete table inet t');
  await deleted;
  watching.kill();
  expect(await once(watching, 'exit')).toEqual([0, null]);
  expect(printed.slice(1)).toEqual([
    expect.stringMatching(/^generation \d+, by nft \(\d+\)$/),
    '  new element 10.0.0.1 of set inet t s',
    expect.stringMatching(/^ {2}new rule \d+ of chain inet t c$/),
    '  new counter inet t n',
    expect.stringMatching(/^generation \d+, by nft \(\d+\)$/),
    expect.stringMatching(/^ {2}delete rule \d+ of chain inet t c$/),
    '  delete set inet t s',
    '  delete counter inet t n',
    '  delete chain inet t c',
    '  delete table inet t',
  ]);
});

describe('with packets', () => {
  const router = lab.host('router', { 'net.ipv4.ip_forward': 1 });
  const device = lab.host('device');
  const server = lab.host('server');

  /** Answers each datagram at port 7 with four bytes, and takes connections at port 80. */
  const SERVER = `
import socket
listener = socket.create_server(("0.0.0.0", 80))
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("0.0.0.0", 7))
print("ready", flush=True)
while True:
  _, peer = s.recvfrom(2048)
  s.sendto(b"four", peer)
`;

  beforeAll(async () => {
    lab.connect(device, router, { host: '10.8.1.2/24', router: '10.8.1.1/24' });
    lab.connect(server, router, { host: '10.8.2.2/24', router: '10.8.2.1/24' });
    await lineOf(lab.start(server, 'python3', '-c', SERVER), /ready/);
  });

  /** A datagram from the device to the server's port 7; `then` may wait for the answer. */
  const send = (bytes: number, then = '') =>
    lab.run(
      device,
      'python3',
      '-c',
      `import socket; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.sendto(b"x" * ${bytes}, ("10.8.2.2", 7)); ${then}`,
    );

  test('device-accounting', () => {
    expect(run(router, 'examples/device-accounting.ts')).toBe('');
    send(100, 's.recv(9)');
    send(200, 's.recv(9)');
    const printed = run(router, 'examples/device-accounting.ts');
    // 28 bytes of headers each.
    expect(printed.trim().split('\n').sort()).toEqual([
      '10.8.1.2 sent 356 and received 64 bytes',
      '10.8.2.2 sent 64 and received 356 bytes',
    ]);
    lab.run(router, 'nft', 'delete table inet accounting');
  });

  test('trace-packets', async () => {
    lab.load(
      router,
      `table ip t {
         chain known { meta length > 100 accept; }
         chain filter { type filter hook forward priority 0; policy drop; udp dport 7 jump known; }
       }`,
    );
    const tracing = start(router, 'examples/trace-packets.ts', '10.8.1.2');
    const printed: string[] = [];
    linesOf(tracing).on('line', (line) => printed.push(line));
    await lineOf(tracing, /^tracing packets of 10\.8\.1\.2$/);
    const dropped = lineOf(tracing, /policy drop/);
    send(500);
    send(1);
    await dropped;
    const listing = lab.run(router, 'nft', '-a', 'list', 'table', 'ip', 't');
    const [, accepts] = /accept # handle (\d+)/.exec(listing) ?? [];
    const [, jumps] = /jump known # handle (\d+)/.exec(listing) ?? [];
    expect(printed.slice(1).map((line) => line.replace(/^packet [0-9a-f]+ chain /, ''))).toEqual([
      `ip t filter: rule ${jumps}, jump known`,
      `ip t known: rule ${accepts}, accept`,
      `ip t filter: rule ${jumps}, jump known`,
      'ip t filter: policy drop',
    ]);
    tracing.kill('SIGKILL');
    await once(tracing, 'exit');
    expect(lab.run(router, 'nft', 'list', 'tables')).toBe('table ip t\n');
    lab.run(router, 'nft', 'delete table ip t');
  });

  test('connections', async () => {
    lab.load(
      router,
      `table ip t {
         chain nat { type nat hook prerouting priority dstnat; ip daddr 10.8.1.1 tcp dport 8000 dnat to 10.8.2.2:80; }
       }`,
    );
    const watching = start(router, 'examples/connections.ts', 'watch', '10.8.1.1');
    const printed: string[] = [];
    linesOf(watching).on('line', (line) => printed.push(line));
    await lineOf(watching, /^watching connections to 10\.8\.1\.1$/);
    const CLIENT = `
import socket, sys
s = socket.create_connection(("10.8.1.1", 8000), source_address=("10.8.1.2", 41000))
print("connected", flush=True)
sys.stdin.read()
`;
    await lineOf(lab.start(device, 'python3', '-c', CLIENT), /connected/);
    const asked = '10.8.1.2:41000 -> 10.8.1.1:8000';
    expect(run(router, 'examples/connections.ts', 'list', '10.8.1.1')).toBe(
      `${asked} established, answered by 10.8.2.2:80\n`,
    );
    expect(run(router, 'examples/connections.ts', 'list', '10.8.9.9')).toBe('');
    const destroyed = lineOf(watching, /^destroy /);
    expect(run(router, 'examples/connections.ts', 'delete', '10.8.1.1')).toBe(
      '1 deleted, 0 had ended, 0 failed\n',
    );
    await destroyed;
    expect(run(router, 'examples/connections.ts', 'list', '10.8.1.1')).toBe('');
    watching.kill();
    expect(await once(watching, 'exit')).toEqual([0, null]);
    expect(printed.slice(1)).toEqual([
      `new ${asked} syn-sent, answered by 10.8.2.2:80`,
      expect.stringMatching(new RegExp(`^destroy ${asked} [a-z-]+, answered by 10\\.8\\.2\\.2:80$`)),
    ]);
  });
});
