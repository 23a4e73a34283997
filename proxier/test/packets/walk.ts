import { formatAddress, parseAddress } from '../../src/kube/address.ts';
import { advance, type Decision, enter, type Packet, type Step, type Surroundings } from './machine.ts';

/** Who opens the connection. */
export interface Client {
  readonly address: string;
  /** The node itself: its packets begin at the output hook. */
  readonly isNode: boolean;
}

/** What it connects to. */
export interface Target {
  readonly address: string;
  readonly protocol: 'tcp' | 'udp' | 'sctp';
  readonly port: number;
}

const PROTOCOLS = { tcp: 6, udp: 17, sctp: 132 };

/**
 * All that may become of the first packet of a connection that starts at the moment `first`: `drop`, `reject`, `pass` (nobody
 * cares about it) or `10.1.0.1:8080`, and ` masqueraded` behind it. Each lookup sees the newest moment, and a new one may begin
 * between any two.
 */
export function outcomes(
  client: Client,
  target: Target,
  first: number,
  around: Surroundings,
): ReadonlySet<string> {
  const packet: Packet = {
    source: bytesOf(client.address),
    destination: bytesOf(target.address),
    protocol: PROTOCOLS[target.protocol],
    port: target.port,
    interfaceName: client.isNode ? '' : 'eth0',
    mark: 0,
    priority: 0,
    isTranslated: false,
  };
  const hooks = client.isNode
    ? ['filter-output-pre-dnat', 'nat-output', 'filter-output', 'filter-input']
    : ['filter-prerouting-pre-dnat', 'nat-prerouting', 'filter-input', 'filter-forward'];
  let decisions: readonly Decision[] = [{ verdict: 'accept', packet, time: first }];
  for (const hook of [...hooks, 'nat-postrouting']) {
    const goOn = (decision: Decision) =>
      decision.verdict === 'accept' && meets(decision.packet, hook, around)
        ? pass(decision, hook, around)
        : decision;
    decisions = unique(decisions.flatMap(goOn), describe);
  }
  return new Set(decisions.map(resultOf));
}

/** What is for the node itself is not forwarded. (The node's packets to itself come in again by `lo`.) */
function meets({ destination }: Packet, hook: string, { isOwnAddress }: Surroundings): boolean {
  if (hook === 'filter-input') return isOwnAddress(destination);
  return hook !== 'filter-forward' || !isOwnAddress(destination);
}

/** Goes through the rules of one base chain, every way there is. */
function pass({ packet, time }: Decision, chain: string, around: Surroundings): readonly Decision[] {
  const decisions: Decision[] = [];
  const seen = new Set<string>();
  const open: (Step | Decision)[] = [
    ...enter({ packet, time, registers: Buffer.alloc(80), callers: [] }, chain, around),
  ];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if ('verdict' in next) {
      decisions.push(next);
      continue;
    }
    const key = identify(next);
    if (seen.has(key)) continue;
    seen.add(key);
    open.push(...advance(next, around));
  }
  return decisions;
}

function identify({ rules, rule, expression, registers, time, packet, callers }: Step): string {
  const at = `${rules[0]?.chain.name} ${rules[0]?.handle} ${rule} ${expression} ${callers.map((caller) => caller.rule)}`;
  return `${time} ${at} ${registers.toString('latin1')} ${describe({ packet, time, verdict: 'accept' })}`;
}

function describe({ verdict, time, packet }: Decision): string {
  const { destination, port, mark, priority, isTranslated } = packet;
  return `${verdict} ${time} ${destination.join('.')} ${port} ${mark} ${priority} ${isTranslated}`;
}

function unique<T>(values: readonly T[], keyOf: (value: T) => string): readonly T[] {
  return [...new Map(values.map((value) => [keyOf(value), value])).values()];
}

function resultOf({ verdict, packet }: Decision): string {
  if (verdict === 'drop' || verdict === 'reject') return verdict;
  const masqueraded = verdict === 'masquerade' ? ' masqueraded' : '';
  if (!packet.isTranslated) return `pass${masqueraded}`;
  const address = textOf(packet.destination);
  return `${address.includes(':') ? `[${address}]` : address}:${packet.port}${masqueraded}`;
}

export function bytesOf(address: string): Uint8Array {
  const parsed = parseAddress(address);
  if (parsed === undefined) throw new Error(`${address} is no address`);
  const digits = parsed.value.toString(16).padStart(parsed.family === 'IPv4' ? 8 : 32, '0');
  return Uint8Array.from(Buffer.from(digits, 'hex'));
}

function textOf(bytes: Uint8Array): string {
  const value = BigInt(`0x${Buffer.from(bytes).toString('hex')}`);
  return formatAddress({ family: bytes.length === 4 ? 'IPv4' : 'IPv6', value });
}
