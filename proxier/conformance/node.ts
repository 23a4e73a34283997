import { PacketLab, type Probe } from '../../lab/packets/packet-lab.ts';
import type { Flow, Scenario, ScenarioConfig } from './corpus.ts';
import { inInterfaceOf } from './node-config.ts';

/** The node of a scenario: its addresses, everything else outside, and a device for each interface that flows name. */
export function openNode({ config, flows = [], steps = [] }: Scenario): Promise<PacketLab> {
  const named = [...flows, ...steps.flatMap((step) => step.flows ?? [])].flatMap(
    ({ inInterface }) => inInterface ?? [],
  );
  const links = Object.fromEntries([...new Set(named)].map((device) => [device, {}]));
  return PacketLab.open({
    label: 'conformance',
    links: {
      ...links,
      outside: {
        addresses: config.localAddresses.map((address) => `${address}/${address.includes(':') ? 128 : 32}`),
        routes: ['0.0.0.0/0', '::/0'],
      },
    },
  });
}

/**
 * Connections of a flow, its share where several flows are observed together: so many that an endpoint which may be chosen is
 * missed once in 10^10 times at most.
 */
export function probesOf(flow: Flow, config: ScenarioConfig, flows: number): readonly Probe[] {
  const { protocol, sourceIP, destIP, destPort, expect } = flow;
  const count = 'endpoints' in expect ? 16 + 24 * expect.endpoints.length : 8;
  const probe: Probe = {
    from: inInterfaceOf(flow, config) ?? 'node',
    protocol,
    source: sourceIP,
    destination: destIP,
    port: destPort,
  };
  return new Array<Probe>(Math.ceil(count / flows)).fill(probe);
}
