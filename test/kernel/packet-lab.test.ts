import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { outcomeText } from '../../lab/packets/outcome.ts';
import { endText, type PacketProtocol } from '../../lab/packets/packet.ts';
import { PacketLab, type Probe, type ProbeResult } from '../../lab/packets/packet-lab.ts';

/** The packet laboratory, with rules whose effect is known. */

const RULES = (family: 'ip' | 'ip6', node: string, service: string, endpoint: string) => `
  table ${family} t {
    chain pre {
      type nat hook prerouting priority -100
      ${family} daddr ${service} meta l4proto { tcp, udp, sctp } dnat to ${endText({ address: endpoint, port: 8080 })}
    }
    chain out {
      type nat hook output priority -100
      ${family} daddr ${service} meta l4proto { tcp, udp, sctp } dnat to ${endText({ address: endpoint, port: 8080 })}
    }
    chain post {
      type nat hook postrouting priority 100
      ${family} daddr ${endpoint} masquerade fully-random
    }
    chain in {
      type filter hook input priority 0
      ${family} daddr ${node} th dport 81 reject
      ${family} daddr ${node} th dport 82 drop
      ${family} daddr ${node} tcp dport 83 reject with tcp reset
      ${family} daddr ${node} udp dport 84 reject with ${family === 'ip' ? 'icmp' : 'icmpv6'} admin-prohibited
    }
    chain forward {
      type filter hook forward priority 0
      th dport 81 reject
      th dport 82 drop
    }
    chain own {
      type filter hook output priority 0
      th dport 85 reject
      th dport 86 drop
    }
  }`;

const FAMILIES = {
  ip: {
    node: '192.168.0.2',
    client: '203.0.113.2',
    service: '172.30.0.1',
    endpoint: '10.1.0.1',
    other: '198.51.100.7',
  },
  ip6: {
    node: '2001:db8::1',
    client: '2600:5200::1',
    service: 'fd00:10:96::1',
    endpoint: 'fd00:10::1:1',
    other: '2600::7',
  },
} as const;
const WITH_PORTS: readonly PacketProtocol[] = ['TCP', 'UDP', 'SCTP'];

let lab: PacketLab;

beforeAll(async () => {
  lab = await PacketLab.open({
    label: 'nftlink-packets',
    links: {
      outside: { addresses: ['192.168.0.2/32', '2001:db8::1/128'], routes: ['0.0.0.0/0', '::/0'] },
      pods: { routes: ['10.0.0.0/8', 'fd00:10::/64'] },
      bridge0: {},
    },
  });
  for (const family of ['ip', 'ip6'] as const) {
    const { node, service, endpoint } = FAMILIES[family];
    lab.load(RULES(family, node, service, endpoint));
  }
});

afterAll(() => lab.close());

async function one(probe: Probe): Promise<ProbeResult> {
  const [result] = await lab.send([probe]);
  if (result === undefined) throw new Error('one packet sent, no result');
  return result;
}

describe.each(['ip', 'ip6'] as const)('%s', (family) => {
  const { node, client, service, endpoint, other } = FAMILIES[family];
  describe.each(WITH_PORTS)('%s', (protocol) => {
    test('a forwarded packet is rewritten and masqueraded', async () => {
      const { outcome, packet } = await one({
        from: 'outside',
        protocol,
        source: client,
        destination: service,
        port: 80,
      });
      expect(outcome).toMatchObject({
        fate: 'left',
        device: 'pods',
        source: { address: node },
        destination: { address: endpoint, port: 8080 },
      });
      expect(outcome.fate === 'left' && outcome.source.port).not.toBe(packet.source.port);
    });

    test("the node's own packet is rewritten and gets another source port", async () => {
      const results = await lab.send(
        Array.from({ length: 4 }, () => ({
          from: 'node',
          protocol,
          source: node,
          destination: service,
          port: 80,
        })),
      );
      for (const { outcome } of results) {
        expect(outcome).toMatchObject({ device: 'pods', destination: { address: endpoint, port: 8080 } });
      }
      expect(
        results.some(
          ({ outcome, packet }) => outcome.fate === 'left' && outcome.source.port !== packet.source.port,
        ),
      ).toBe(true);
    });

    test('what no rule concerns passes as it is', async () => {
      const { outcome, packet } = await one({
        from: 'pods',
        protocol,
        source: client,
        destination: other,
        port: 443,
      });
      expect(outcome).toEqual({ fate: 'left', device: 'outside', ...ends(packet) });
      const own = await one({ from: 'node', protocol, source: node, destination: other, port: 443 });
      expect(own.outcome).toEqual({ fate: 'left', device: 'outside', ...ends(own.packet) });
    });

    test('a packet to the node is delivered', async () => {
      for (const probe of [
        { from: 'outside', source: client, destination: node },
        { from: 'node', source: node, destination: node },
      ]) {
        const { outcome, packet } = await one({ ...probe, protocol, port: 22 });
        expect(outcome).toEqual({ fate: 'delivered', ...ends(packet) });
      }
    });

    test('refused and dropped are told apart, on the way in, through and out', async () => {
      const probes: Probe[] = [
        { from: 'outside', protocol, source: client, destination: node, port: 81 },
        { from: 'outside', protocol, source: client, destination: node, port: 82 },
        { from: 'outside', protocol, source: client, destination: other, port: 81 },
        { from: 'outside', protocol, source: client, destination: other, port: 82 },
        { from: 'node', protocol, source: node, destination: other, port: 85 },
        { from: 'node', protocol, source: node, destination: other, port: 86 },
        { from: 'node', protocol, source: node, destination: node, port: 81 },
        { from: 'node', protocol, source: node, destination: node, port: 82 },
      ];
      const texts = (await lab.send(probes)).map(({ outcome }) => outcomeText(outcome));
      expect(texts).toEqual(probes.map((_, i) => (i % 2 === 0 ? 'refused (port-unreachable)' : 'dropped')));
    });
  });

  test('an answer of another kind is named', async () => {
    const reset = await one({
      from: 'outside',
      protocol: 'TCP',
      source: client,
      destination: node,
      port: 83,
    });
    expect(reset.outcome).toEqual({ fate: 'refused', by: 'reset' });
    const prohibited = await one({
      from: 'outside',
      protocol: 'UDP',
      source: client,
      destination: node,
      port: 84,
    });
    expect(prohibited.outcome).toEqual({ fate: 'refused', by: family === 'ip' ? 'icmp 3/13' : 'icmp 1/1' });
  });

  test('an echo request goes through and is delivered', async () => {
    const through = await one({
      from: 'outside',
      protocol: 'ICMP',
      source: client,
      destination: other,
      port: 0,
    });
    expect(through.outcome).toMatchObject({ fate: 'left', destination: { address: other, port: 0 } });
    const here = await one({ from: 'outside', protocol: 'ICMP', source: client, destination: node, port: 0 });
    expect(here.outcome).toMatchObject({ fate: 'delivered' });
  });

  test('rules see the device by which a packet came in', async () => {
    lab.load(`table ${family} seen {
      chain c {
        type filter hook prerouting priority 0
        iifname "bridge0" counter
      }
    }`);
    for (const from of ['bridge0', 'pods']) {
      await one({ from, protocol: 'UDP', source: client, destination: other, port: 443 });
    }
    expect(lab.run('nft', 'list', 'table', family, 'seen')).toContain('counter packets 1 ');
    lab.run('nft', 'delete', 'table', family, 'seen');
  });
});

test('the loopback', async () => {
  const { outcome, packet } = await one({
    from: 'node',
    protocol: 'TCP',
    source: '127.0.0.1',
    destination: '127.0.0.1',
    port: 80,
  });
  expect(outcome).toEqual({ fate: 'delivered', ...ends(packet) });
});

test('20,000 packets at once, each with its own outcome', async () => {
  const { node, client, service, other } = FAMILIES.ip;
  const kinds: readonly Omit<Probe, 'protocol'>[] = [
    { from: 'outside', source: client, destination: service, port: 80 },
    { from: 'outside', source: client, destination: node, port: 81 },
    { from: 'node', source: node, destination: node, port: 82 },
    { from: 'node', source: node, destination: node, port: 80 },
    { from: 'outside', source: client, destination: other, port: 80 },
  ];
  const probes = Array.from({ length: 20_000 }, (_, i) => ({ ...kinds[i % 5], protocol: 'UDP' }) as Probe);
  const fates = (await lab.send(probes)).map(({ outcome }) => outcome.fate);
  expect(fates).toEqual(probes.map((_, i) => ['left', 'refused', 'dropped', 'delivered', 'left'][i % 5]));
});

test('when all source ports were used, they begin anew with new connections', async () => {
  const { client, endpoint, service } = FAMILIES.ip;
  const probes = Array.from(
    { length: 29_000 },
    (): Probe => ({ from: 'outside', protocol: 'UDP', source: client, destination: service, port: 80 }),
  );
  for (let round = 0; round < 2; round++) {
    const results = await lab.send(probes);
    expect(
      results.every(({ outcome }) => outcome.fate === 'left' && outcome.destination.address === endpoint),
    ).toBe(true);
  }
  await expect(lab.send([...probes, ...probes])).rejects.toThrow('too few source ports');
});

test('a device that is not there is named', async () => {
  await expect(
    one({ from: 'eth0', protocol: 'UDP', source: '192.0.2.1', destination: '192.0.2.2', port: 1 }),
  ).rejects.toThrow('there is no device eth0: outside, pods, bridge0, node');
});

function ends({ source, destination }: ProbeResult['packet']) {
  return { source, destination };
}
