import { Conntrack } from 'nftlink/conntrack';
import type { PacketLab } from '../../lab/packets/packet-lab.ts';

/** A flow that is put into conntrack without a packet. */
export interface PlantedFlow {
  readonly protocol: 'TCP' | 'UDP' | 'SCTP';
  readonly destination: string;
  readonly port: number;
  readonly replySource: string;
  readonly replyPort: number;
}

/** States in which conntrack takes an entry as it is. */
const STATE = {
  TCP: ['--state', 'ESTABLISHED'],
  UDP: ['--status', 'SEEN_REPLY'],
  SCTP: ['--state', 'ESTABLISHED', '--orig-vtag', '1', '--reply-vtag', '1'],
} as const;
const CLIENT = { 4: '10.0.0.99', 6: 'fd00:10::99' } as const;

/** Flows planted into a namespace's conntrack, told apart by their source ports. */
export class PlantedFlows {
  readonly #lab: PacketLab;
  #nextPort = 40_000;

  constructor(lab: PacketLab) {
    this.#lab = lab;
  }

  /** Plants flows; gives their source ports. */
  plant(flows: readonly PlantedFlow[]): readonly number[] {
    const ports = flows.map(() => this.#nextPort++);
    const commands = flows.map((flow, i) => `conntrack ${insertion(flow, ports[i] ?? 0).join(' ')}`);
    if (commands.length > 0) this.#lab.run('sh', '-ec', commands.join('\n'));
    return ports;
  }

  /** The source ports of those that are still there. */
  async left(): Promise<ReadonlySet<number>> {
    await using conntrack = Conntrack.open({ netns: { path: this.#lab.host.netnsPath } });
    const flows = await conntrack.list();
    const ours = flows.filter(({ original }) => Object.values<string>(CLIENT).includes(original.source));
    return new Set(ours.flatMap(({ original }) => original.sourcePort ?? []));
  }
}

function insertion(flow: PlantedFlow, sourcePort: number): readonly (string | number)[] {
  const client = flow.destination.includes(':') ? CLIENT[6] : CLIENT[4];
  return [
    ...['--create', '--timeout', 600, '--proto', flow.protocol.toLowerCase(), ...STATE[flow.protocol]],
    ...['--orig-src', client, '--orig-dst', flow.destination],
    ...['--orig-port-src', sourcePort, '--orig-port-dst', flow.port],
    ...['--reply-src', flow.replySource, '--reply-dst', client],
    ...['--reply-port-src', flow.replyPort, '--reply-port-dst', sourcePort],
  ];
}
