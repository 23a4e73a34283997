import { outcomeText } from '../../lab/packets/outcome.ts';
import { endText } from '../../lab/packets/packet.ts';
import type { ProbeResult } from '../../lab/packets/packet-lab.ts';

/**
 * What became of a packet, as far as two proxies must agree on it: `→ 10.180.0.3:8080`, `→ 10.180.0.3:8080 masqueraded as 192.168.0.2`,
 * `untouched`, `refused (port-unreachable)`, `dropped`. Where it went by which device follows from that.
 */
export type Verdict = string;

export function verdictOf({ packet, outcome }: ProbeResult): Verdict {
  if (outcome.fate === 'refused' || outcome.fate === 'dropped') return outcomeText(outcome);
  const { source, destination } = outcome;
  const target = endText(destination);
  const went = target === endText(packet.destination) ? 'untouched' : `→ ${target}`;
  // The node's own packets keep their address: only the port, chosen anew, shows it.
  const isMasqueraded = endText(source) !== endText(packet.source);
  return isMasqueraded ? `${went} masqueraded as ${source.address}` : went;
}

/** A destination was chosen: other tries may have others. */
export function isChoice(verdict: Verdict): boolean {
  return verdict.startsWith('→');
}
