import { endText, ICMP, type PacketEnd } from './packet.ts';
import type { Sighting } from './sighting.ts';

/** What became of a packet. */
export type Outcome =
  /** It went out by a device, with these addresses and ports. */
  | {
      readonly fate: 'left';
      readonly device: string;
      readonly source: PacketEnd;
      readonly destination: PacketEnd;
    }
  /** It came to a socket of the node, behind all hooks. */
  | { readonly fate: 'delivered'; readonly source: PacketEnd; readonly destination: PacketEnd }
  /** Its sender was told so: `port-unreachable` is nft's plain `reject`; others as `icmp 3/13`. */
  | { readonly fate: 'refused'; readonly by: 'port-unreachable' | 'reset' | `icmp ${number}/${number}` }
  /** It neither left, nor arrived, nor was answered. */
  | { readonly fate: 'dropped' };

/** Where something was seen: a device's name, or the node itself. */
export interface Seen {
  /** `undefined`: delivered to the node. */
  readonly device: string | undefined;
  readonly sighting: Sighting;
}

/**
 * The outcome of one packet by all that was seen of it. One that went its way is not refused, even if an answer followed: to
 * one that was delivered the node's own protocol stack answers, since nobody listens.
 */
export function outcomeOf(seen: readonly Seen[]): Outcome {
  for (const { device, sighting } of seen) {
    if (sighting.kind !== 'packet') continue;
    const { source, destination } = sighting;
    return device === undefined
      ? { fate: 'delivered', source, destination }
      : { fate: 'left', device, source, destination };
  }
  for (const { sighting } of seen) {
    if (sighting.kind === 'reset') return { fate: 'refused', by: 'reset' };
    if (sighting.kind === 'error') return { fate: 'refused', by: errorName(sighting) };
  }
  return { fate: 'dropped' };
}

/** In a few words: `10.0.0.7:5000 → 10.1.0.1:8080 by pods`. */
export function outcomeText(outcome: Outcome): string {
  if (outcome.fate === 'refused') return `refused (${outcome.by})`;
  if (outcome.fate === 'dropped') return 'dropped';
  const where = outcome.fate === 'left' ? `by ${outcome.device}` : 'to the node';
  return `${endText(outcome.source)} → ${endText(outcome.destination)} ${where}`;
}

function errorName({ version, type, code }: Extract<Sighting, { readonly kind: 'error' }>) {
  const { unreachable, portUnreachable } = ICMP[version];
  const isPort = type === unreachable && code === portUnreachable;
  return isPort ? ('port-unreachable' as const) : (`icmp ${type}/${code}` as const);
}
