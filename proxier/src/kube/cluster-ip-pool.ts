import { createHash } from 'node:crypto';
import { familyOf, type IPFamily } from './address.ts';
import { addressAt, type Cidr } from './cidr.ts';

/**
 * The free addresses of the service CIDRs. Which one a Service gets follows from its name, so that it is the same without
 * any memory, as long as no two names meet; then the next free one is taken.
 */
export class ClusterIPPool {
  readonly #cidrs: readonly Cidr[];
  readonly #isClaimed: (ip: string) => boolean;
  readonly #taken = new Set<string>();
  /** Address to the Service that gave it back, the oldest first. */
  readonly #released: Map<string, string>;
  readonly #releasedBy = new Map<string, string[]>();
  readonly #exhausted = new Set<IPFamily>();

  /** What is taken from it, the pool takes out of `released`. */
  constructor(cidrs: readonly Cidr[], isClaimed: (ip: string) => boolean, released: Map<string, string>) {
    this.#cidrs = cidrs;
    this.#isClaimed = isClaimed;
    this.#released = released;
    for (const [ip, service] of released) {
      this.#releasedBy.set(service, [...(this.#releasedBy.get(service) ?? []), ip]);
    }
  }

  /** Takes an address for the Service; `undefined` when none of the family is free. */
  take(service: string, family: IPFamily): string | undefined {
    const address = this.#former(service, family) ?? this.#byName(service, family) ?? this.#oldest(family);
    if (address === undefined) return undefined;
    this.#released.delete(address);
    this.#taken.add(address);
    return address;
  }

  /** What the Service had before it was deleted. */
  #former(service: string, family: IPFamily): string | undefined {
    return this.#releasedBy
      .get(service)
      ?.findLast((ip) => familyOf(ip) === family && this.#released.get(ip) === service);
  }

  #byName(service: string, family: IPFamily): string | undefined {
    const cidr = this.#cidrs.find((candidate) => candidate.family === family);
    if (cidr === undefined || this.#exhausted.has(family)) return undefined;
    const digest = createHash('sha256').update(`${service} ${family}`).digest();
    const hash = digest.readBigUInt64BE();
    for (const { first, count } of bands(cidr)) {
      for (let probe = 0n; probe < count; probe += 1n) {
        const address = addressAt(cidr, first + ((hash + probe) % count));
        if (this.#isFree(address)) return address;
      }
    }
    this.#exhausted.add(family);
    return undefined;
  }

  #isFree(ip: string): boolean {
    return !this.#taken.has(ip) && !this.#released.has(ip) && !this.#isClaimed(ip);
  }

  #oldest(family: IPFamily): string | undefined {
    for (const ip of this.#released.keys()) if (familyOf(ip) === family) return ip;
    return undefined;
  }
}

/**
 * The addresses that may be given, without the network and the broadcast address. As in the API server, the lowest ones
 * (a sixteenth, 16 to 256) come last: people like to choose those by hand.
 */
function bands({ family, size }: Cidr): readonly { readonly first: bigint; readonly count: bigint }[] {
  const usable = family === 'IPv4' ? size - 2n : size - 1n;
  const sixteenth = size / 16n;
  const low = usable <= 16n ? 0n : sixteenth < 16n ? 16n : sixteenth > 256n ? 256n : sixteenth;
  return [
    { first: 1n + low, count: usable - low },
    { first: 1n, count: low },
  ];
}
