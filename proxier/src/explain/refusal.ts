import type { OwnSet } from '../layout/set-names.ts';
import type { Lookup, Placed } from './facts.ts';
import type { Packet } from './packet.ts';
import { addressPort } from './question.ts';

const NO_ENDPOINTS = 'the Service has no endpoints';
const NONE_USABLE = 'the Service has endpoints, but none that may be used from here';

const REASONS: Readonly<Partial<Record<OwnSet, string>>> = {
  refused: NO_ENDPOINTS,
  refusedNodeports: NO_ENDPOINTS,
  dropped: NONE_USABLE,
  droppedNodeports: NONE_USABLE,
  allowedSources: 'the client is in none of the allowed source ranges',
};

/** Why a rule refuses the packet: what the last set that it asked, or the network that it compared with, says. */
export function refusalReason(facts: readonly Placed[], packet: Readonly<Packet>): string {
  const end = facts.at(-1);
  const asked = facts
    .filter(({ chain, rule }) => chain === end?.chain && rule === end.rule)
    .map(({ fact }) => fact)
    .filter((fact) => fact.kind === 'lookup' || fact.kind === 'network')
    .at(-1);
  const to = addressPort(packet.destination, packet.port);
  if (asked?.kind === 'network') return `no Service has ${packet.destination}, which is in ${asked.network}`;
  return asked === undefined ? `a rule of chain ${end?.chain}` : reasonIn(asked, `${packet.protocol} ${to}`);
}

function reasonIn({ role, set }: Lookup, to: string): string {
  if (role === 'clusterIps') return `no Service is reached at ${to}, though the address is a cluster IP`;
  return (role === undefined ? undefined : REASONS[role]) ?? `a rule that asks ${set}`;
}
