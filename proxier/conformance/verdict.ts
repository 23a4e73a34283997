import { outcomeText } from '../../lab/packets/outcome.ts';
import { endText } from '../../lab/packets/packet.ts';
import type { ProbeResult } from '../../lab/packets/packet-lab.ts';

/** What a proxy did with one connection. */
export type Verdict =
  | { readonly kind: 'endpoint'; readonly endpoint: string; readonly isMasqueraded: boolean }
  | { readonly kind: 'reject' | 'drop' | 'untouched' }
  /** Nothing that a proxy should do. */
  | { readonly kind: 'odd'; readonly text: string };

/** Reads a packet's outcome. */
export function verdictOf({ packet, outcome }: ProbeResult): Verdict {
  if (outcome.fate === 'dropped') return { kind: 'drop' };
  if (outcome.fate === 'refused') {
    return outcome.by === 'port-unreachable'
      ? { kind: 'reject' }
      : { kind: 'odd', text: outcomeText(outcome) };
  }
  const endpoint = endText(outcome.destination);
  const isMasqueraded = endText(outcome.source) !== endText(packet.source);
  if (endpoint !== endText(packet.destination)) return { kind: 'endpoint', endpoint, isMasqueraded };
  return isMasqueraded
    ? { kind: 'odd', text: `masqueraded, not rewritten: ${outcomeText(outcome)}` }
    : { kind: 'untouched' };
}

/** For reports: `10.0.0.1:80 masqueraded`. */
export function verdictText(verdict: Verdict): string {
  if (verdict.kind === 'odd') return verdict.text;
  if (verdict.kind !== 'endpoint') return verdict.kind;
  return `${verdict.endpoint}${verdict.isMasqueraded ? ' masqueraded' : ''}`;
}
