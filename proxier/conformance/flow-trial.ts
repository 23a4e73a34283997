import type { PacketLab } from '../../lab/packets/packet-lab.ts';
import { allowedOutcomes } from '../packet-model/outcomes.ts';
import type { World } from '../packet-model/world.ts';
import type { Flow, ScenarioConfig } from './corpus.ts';
import { judge, type Observation, observationText, onlyEndpoint, type Remembered } from './judge.ts';
import { probesOf } from './node.ts';
import { inInterfaceOf } from './node-config.ts';
import { verdictOf } from './verdict.ts';
import { modelPacket } from './world-of.ts';

/** What came of a flow. */
export interface Trial {
  /** Nothing: all is as expected. The last one says what was seen. */
  readonly problems: readonly string[];
  /** Where the client's connections went, if they went to an endpoint. */
  readonly endpoint: string | undefined;
}

/** Sends a flow's connections, and judges what became of them. Of a client with affinity others are sent too: it sees one endpoint only. */
export async function tryFlow(
  lab: PacketLab,
  config: ScenarioConfig,
  world: World,
  flow: Flow,
  remembered: Remembered,
): Promise<Trial> {
  const isSticky = allowed(world, flow, config).some(
    (outcome) => outcome.kind === 'endpoint' && outcome.stickyBy !== undefined,
  );
  const own = await observe(lab, config, [flow], isSticky);
  const problems = [...judge(flow.expect, own, remembered)];
  const seen = [`seen ${observationText(own)}`];
  const clients = isSticky ? otherClients(world, flow, config) : [];
  if (clients.length > 0 && 'endpoints' in flow.expect) {
    const others = await observe(lab, config, clients, false);
    const { endpoints, masquerade } = flow.expect;
    problems.push(...judge({ endpoints, masquerade }, others, remembered));
    seen.push(`of other clients ${observationText(others)}`);
  }
  return {
    problems: problems.length === 0 ? [] : [...problems, seen.join('; ')],
    endpoint: onlyEndpoint(own),
  };
}

async function observe(
  lab: PacketLab,
  config: ScenarioConfig,
  flows: readonly Flow[],
  isSticky: boolean,
): Promise<Observation> {
  const [first] = flows;
  const isOwn = first !== undefined && inInterfaceOf(first, config) === undefined;
  // When a masqueraded connection has the node's address and the same port, the node's own gets another port, as if it were masqueraded.
  if (isOwn) lab.forgetConnections();
  const results = await lab.send(flows.flatMap((flow) => probesOf(flow, config, flows.length)));
  return { verdicts: results.map(verdictOf), isSticky, isOwn };
}

/** The flow from addresses near by for which the same holds, by the packet model. */
function otherClients(world: World, flow: Flow, config: ScenarioConfig): readonly Flow[] {
  const wanted = JSON.stringify(allowed(world, flow, config));
  return Array.from({ length: CLIENTS }, (_, i): Flow => {
    const { sourceIP } = flow;
    const last = FIRST_CLIENT + i;
    return {
      ...flow,
      sourceIP: sourceIP.replace(/[^.:]*$/, flow.family === 'IPv6' ? last.toString(16) : `${last}`),
    };
  }).filter((other) => JSON.stringify(allowed(world, other, config)) === wanted);
}

/** Last parts of addresses that the corpus' own clients don't have. */
const FIRST_CLIENT = 140;
const CLIENTS = 100;

function allowed(world: World, flow: Flow, config: ScenarioConfig) {
  return allowedOutcomes(world, modelPacket(flow, config));
}
