import { endpointKey } from './endpoints.ts';
import type { World } from './world.ts';

/** What the proxy should remember of its clients: which endpoints they stick to, and until when. */
export class AffinityMemory {
  /** Service port and client → endpoint → end in milliseconds. */
  readonly #entries = new Map<string, Map<string, number>>();

  /** A connection went to the endpoint; `untilMs` is on the clock of {@link AffinityMemory.recall}. */
  remember(servicePort: string, client: string, endpoint: string, untilMs: number): void {
    const entry = entryKey(servicePort, client);
    const endpoints = this.#entries.get(entry) ?? new Map<string, number>();
    endpoints.set(endpoint, untilMs);
    this.#entries.set(entry, endpoints);
  }

  /** The endpoints that the client sticks to. */
  recall(servicePort: string, client: string, nowMs: number): ReadonlySet<string> {
    const endpoints = [...(this.#entries.get(entryKey(servicePort, client)) ?? [])];
    return new Set(endpoints.filter(([, untilMs]) => nowMs < untilMs).map(([endpoint]) => endpoint));
  }

  /** Forgets endpoints that no connection may reach any more: when they come back, nobody sticks to them. */
  forgetUnreachable({ ports }: World): void {
    const reachable = new Map(
      ports
        .filter(({ hasAffinity }) => hasAffinity)
        .map((port) => [port.key, new Set(port.reachable.map(endpointKey))]),
    );
    for (const [entry, endpoints] of this.#entries) {
      const left = reachable.get(entry.slice(entry.indexOf(' ') + 1));
      for (const endpoint of endpoints.keys()) if (!left?.has(endpoint)) endpoints.delete(endpoint);
    }
  }
}

function entryKey(servicePort: string, client: string): string {
  return `${client} ${servicePort}`;
}
