import type { ServiceManifest } from '../cluster-generator/manifests.ts';
import { DEFAULT_NODE } from '../cluster-generator/node-config.ts';
import { sourceAddress, type TestPacket } from '../cluster-generator/packets.ts';
import type { Difference } from './compare.ts';
import type { Counterexample } from './counterexample.ts';
import type { Side } from './side.ts';

/** The packet and what became of it, on four lines. */
export function differenceText(
  { packet, seen: [left, right], tries }: Difference,
  [ours, reference]: readonly [Side, Side],
): string {
  const side = ({ name }: Side, verdicts: readonly string[]) => `    ${name}: ${verdicts.join('; ')}`;
  return [`  ${packetText(packet)} (${tries} tries)`, side(ours, left), side(reference, right)].join('\n');
}

/** Who sends what where, with the source of its first try. */
export function packetText(packet: TestPacket): string {
  const { name, origin, protocol, destination, port } = packet;
  return `${name}: ${protocol} from ${sourceAddress(packet, 0)} (${origin}) to ${destination} port ${port}`;
}

/** The node's settings that are not the default, and each step with the objects that it has. */
export function exampleText({ node, steps }: Counterexample): string {
  const settings = Object.entries(node).filter(
    ([key, value]) =>
      JSON.stringify(value) !== JSON.stringify(DEFAULT_NODE[key as keyof typeof DEFAULT_NODE]),
  );
  const lines = settings.map(([key, value]) => `  node ${key}: ${JSON.stringify(value)}`);
  for (const { name, state, restart } of steps) {
    lines.push(`  ${restart ? 'after a restart, ' : ''}${name}, in zone ${state.zone ?? 'none'}:`);
    for (const object of state.cluster.services.values()) lines.push(`    ${JSON.stringify(brief(object))}`);
    for (const slice of state.cluster.endpointSlices.values()) lines.push(`    ${JSON.stringify(slice)}`);
  }
  return lines.join('\n');
}

/** Without what every Service has. */
function brief({ kind, metadata, spec, status }: ServiceManifest): object {
  return { kind, metadata, spec, ...(status === undefined ? {} : { status }) };
}
