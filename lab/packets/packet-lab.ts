import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type Host, Lab } from '../lab.ts';
import { craft } from './craft.ts';
import { Injector } from './injector.ts';
import { type Outcome, outcomeOf, type Seen } from './outcome.ts';
import type { Packet, PacketProtocol } from './packet.ts';
import { readSighting } from './sighting.ts';

/** A link of the node: a TUN device. */
export interface Link {
  /** The node's addresses on it, `192.168.0.2/32`. */
  readonly addresses?: readonly string[];
  /** What the node sends by it: CIDRs, `0.0.0.0/0` and `::/0` for everything else. */
  readonly routes?: readonly string[];
}

export interface PacketLabOptions {
  /** Shows in the namespace's name. */
  readonly label: string;
  /** By the devices' names; at most 16. */
  readonly links: Readonly<Record<string, Link>>;
}

/** The first packet of a new connection, to be sent. */
export interface Probe {
  /** The device by which it comes in, or `node`: the node sends it itself. */
  readonly from: string;
  readonly protocol: PacketProtocol;
  readonly source: string;
  readonly destination: string;
  /** The destination's; 0 for ICMP. */
  readonly port: number;
  /** Default: one that no other packet of this laboratory had. */
  readonly sourcePort?: number;
}

/** What was sent and what became of it. */
export interface ProbeResult {
  readonly packet: Packet;
  readonly outcome: Outcome;
}

/** A router that answers everybody at once: ICMP errors are not rationed, return paths are not checked. */
const SYSCTLS = {
  'net.ipv4.ip_forward': 1,
  'net.ipv4.conf.all.rp_filter': 0,
  'net.ipv4.conf.default.rp_filter': 0,
  'net.ipv4.conf.all.send_redirects': 0,
  'net.ipv4.conf.default.send_redirects': 0,
  'net.ipv4.icmp_ratelimit': 0,
  'net.ipv4.icmp_ratemask': 0,
  'net.ipv6.conf.all.forwarding': 1,
  'net.ipv6.conf.default.accept_dad': 0,
  'net.ipv6.icmp.ratelimit': 0,
  // A type that nobody sends: an empty mask is not taken.
  'net.ipv6.icmp.ratemask': 255,
} as const;

/** Source ports: above those that NAT treats as privileged, and so few that masquerading to one endpoint always finds a free one. */
const FIRST_PORT = 2_000;
const LAST_PORT = 32_000;

/**
 * One node in a network namespace of its own, whose links end here: packets go in one by one, and of each is told what became of
 * it, without any waiting (some 20 to 40 µs a packet). What is under test is whatever ruleset somebody loads into `host`.
 */
export class PacketLab implements AsyncDisposable {
  readonly #lab: Lab;
  /** The node, for `Nftables.open({ netns: { path: host.netnsPath } })`. */
  readonly host: Host;
  readonly #injector: Injector;
  #nextId = 0x1000_0000;
  #nextPort = FIRST_PORT;
  #last: Promise<unknown> = Promise.resolve();

  private constructor(lab: Lab, host: Host, injector: Injector) {
    this.#lab = lab;
    this.host = host;
    this.#injector = injector;
  }

  /** Makes the namespace and its links. Needs root, `/dev/net/tun`, and the program of `npm run build:lab`. */
  static async open({ label, links }: PacketLabOptions): Promise<PacketLab> {
    const program = fileURLToPath(new URL('../out/injector', import.meta.url));
    if (!existsSync(program)) throw new Error(`${program} is missing: run "npm run build:lab"`);
    const lab = new Lab(label);
    try {
      const host = lab.host('node', SYSCTLS);
      const devices = Object.keys(links);
      const injector = await Injector.open(lab.start(host, program, ...devices), devices);
      lab.configure(host, linkCommands(links));
      return new PacketLab(lab, host, injector);
    } catch (error) {
      await lab.close();
      throw error;
    }
  }

  /**
   * Sends packets in this order and gives what became of each, in the same order. The node's own may have another source port without
   * being masqueraded: when a masqueraded connection to the same destination has it already ({@link PacketLab.forgetConnections}). When 30,000 source ports were chosen, the
   * namespace's conntrack is emptied and they begin anew. Rejects when the injecting program ends.
   */
  send(probes: readonly Probe[]): Promise<readonly ProbeResult[]> {
    const sent = this.#last.then(() => this.#send(probes));
    this.#last = sent.catch(() => undefined);
    return sent;
  }

  /** Empties the namespace's conntrack: all connections are new again. */
  forgetConnections(): void {
    this.#lab.run(this.host, 'conntrack', '-F');
  }

  /** Runs a command in the namespace, as {@link Lab.run}. */
  run(command: string, ...args: readonly string[]): string {
    return this.#lab.run(this.host, command, ...args);
  }

  /** Loads a ruleset's text with nft. */
  load(ruleset: string): void {
    this.#lab.load(this.host, ruleset);
  }

  /** Ends the program and deletes the namespace. */
  close(): Promise<void> {
    return this.#lab.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #send(probes: readonly Probe[]): Promise<readonly ProbeResult[]> {
    if (this.#nextPort + probes.length > LAST_PORT) this.#startPortsAnew(probes.length);
    const firstId = this.#nextId;
    this.#nextId += probes.length;
    const packets = probes.map((probe) => this.#packetOf(probe));
    const seen = probes.map((): Seen[] => []);
    const frames = probes.map(({ from }, i) => {
      const packet = packets[i];
      if (packet === undefined) throw new Error('a probe without a packet');
      return { place: this.#injector.placeOf(from), bytes: craft(packet, firstId + i) };
    });
    for (const { device, bytes } of await this.#injector.exchange(frames)) {
      const sighting = readSighting(bytes);
      if (sighting !== undefined) seen[sighting.id - firstId]?.push({ device, sighting });
    }
    return packets.map((packet, i) => ({ packet, outcome: outcomeOf(seen[i] ?? []) }));
  }

  #packetOf({ protocol, source, destination, port, sourcePort }: Probe): Packet {
    const chosen = protocol === 'ICMP' ? 0 : (sourcePort ?? this.#nextPort++);
    return {
      protocol,
      source: { address: source, port: chosen },
      destination: { address: destination, port },
    };
  }

  #startPortsAnew(count: number): void {
    if (count > LAST_PORT - FIRST_PORT) throw new Error(`${count} packets at once have too few source ports`);
    this.forgetConnections();
    this.#nextPort = FIRST_PORT;
  }
}

/** For `ip -batch`. */
function linkCommands(links: PacketLabOptions['links']): readonly string[] {
  return Object.entries(links).flatMap(([device, { addresses = [], routes = [] }]) => [
    `link set dev ${device} txqueuelen 4096 addrgenmode none up`,
    ...addresses.map(
      (address) => `addr add ${address} dev ${device}${address.includes(':') ? ' nodad' : ''}`,
    ),
    ...routes.map((route) => `route add ${route} dev ${device}`),
  ]);
}
