import { endpointText } from '../model/endpoints.ts';
import type { Endpoint, PortState } from '../model/frontends.ts';
import { FIRST_ENDPOINT_ID, FIRST_SLOT, LAST_ENDPOINT_ID, LAST_SLOT, MAX_STICKY } from './numbers.ts';
import { type SlotRange, type StickyPort, stickyComment } from './sticky-chains.ts';

/** What the kernel has of a sticky Service port already. */
export interface AdoptedSticky {
  readonly number: number;
  readonly cluster: SlotRange | undefined;
  readonly local: SlotRange | undefined;
  /** `ip:port` → id. */
  readonly ids: ReadonlyMap<string, number>;
}

/** What the kernel has of all of them. */
export interface AdoptedStickies {
  /** By their chains' comment. */
  readonly ports: ReadonlyMap<string, AdoptedSticky>;
  /** The highest slot and id that anything in the kernel still knows: none below is given out again. */
  readonly lastSlot: number;
  readonly lastId: number;
  readonly numbers: Iterable<number>;
}

interface Entry {
  port: StickyPort;
  readonly ids: Map<string, number>;
}

const SMALLEST_RANGE = 4;

/**
 * The Service ports with session affinity of one family: their numbers, ranges of slots and endpoints' ids. Slots and ids are
 * not given out twice, so what the kernel or a packet under way still has of them never means another endpoint.
 */
export class StickyPorts {
  readonly #entries = new Map<string, Entry>();
  readonly #byNumber = new Map<number, string>();
  /** Numbers whose chains may still be in the kernel. */
  readonly #resting = new Set<number>();
  readonly #free: number[] = [];
  #highest = 0;
  #nextSlot = FIRST_SLOT;
  #nextId = FIRST_ENDPOINT_ID;
  #adopted = new Map<string, AdoptedSticky>();
  /** Number to the comment under which it is in `#adopted`. */
  readonly #adoptedNumbers = new Map<number, string>();

  adopt({ ports, lastSlot, lastId, numbers }: AdoptedStickies): void {
    this.#adopted = new Map(ports);
    for (const [comment, { number }] of ports) this.#adoptedNumbers.set(number, comment);
    this.#nextSlot = Math.max(this.#nextSlot, lastSlot + 1);
    for (const { cluster, local } of ports.values()) {
      for (const range of [cluster, local]) {
        // A range may grow into what is not used of it.
        if (range !== undefined)
          this.#nextSlot = Math.max(this.#nextSlot, range.first + roomFor(range.count));
      }
    }
    this.#nextId = Math.max(this.#nextId, lastId + 1);
    for (const number of numbers) this.#resting.add(number);
    this.#highest = Math.max(this.#highest, ...this.#resting);
  }

  /** Takes a port's endpoints; gives what its chains need. */
  update(state: PortState & { readonly affinityMs: number }): StickyPort {
    const entry = this.#entries.get(state.key) ?? this.#begin(state);
    const { ids, port } = entry;
    const present = new Set<string>();
    for (const { address, port: number } of [...state.cluster, ...state.local]) {
      const text = endpointText(address, number);
      present.add(text);
      if (!ids.has(text)) ids.set(text, this.#giveId());
    }
    for (const text of ids.keys()) if (!present.has(text)) ids.delete(text);
    entry.port = {
      ...port,
      timeoutMs: state.affinityMs,
      cluster: this.#range(port.cluster, state.cluster.length),
      local: this.#range(port.local, state.local.length),
    };
    return entry.port;
  }

  /** The id of one of the port's endpoints. */
  idOf(key: string, { address, port }: Endpoint): number {
    const id = this.#entries.get(key)?.ids.get(endpointText(address, port));
    if (id === undefined) throw new Error(`${key} has no endpoint ${endpointText(address, port)}`);
    return id;
  }

  /** The port has no affinity any more. */
  end(key: string): void {
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    this.#entries.delete(key);
    this.#byNumber.delete(entry.port.number);
    this.#resting.add(entry.port.number);
  }

  numberOf(key: string): number | undefined {
    return this.#entries.get(key)?.port.number;
  }

  byNumber(number: number): StickyPort | undefined {
    const key = this.#byNumber.get(number);
    return key === undefined ? undefined : this.#entries.get(key)?.port;
  }

  ports(): readonly StickyPort[] {
    return [...this.#entries.values()].map(({ port }) => port);
  }

  /** The kernel has no chain with the number any more. */
  retire(number: number): void {
    if (!this.#resting.delete(number)) return;
    this.#free.push(number);
    // The port that had it before this process may come yet: somebody else may have it by then.
    this.#adopted.delete(this.#adoptedNumbers.get(number) ?? '');
  }

  #begin({ key, affinityMs }: PortState & { readonly affinityMs: number }): Entry {
    const comment = stickyComment(key);
    const adopted = this.#adopted.get(comment);
    this.#adopted.delete(comment);
    const number = adopted?.number ?? this.#giveNumber();
    this.#resting.delete(number);
    const port = {
      number,
      key,
      timeoutMs: affinityMs,
      cluster: adopted?.cluster,
      local: adopted?.local,
    };
    const entry = { port, ids: new Map(adopted?.ids) };
    this.#entries.set(key, entry);
    this.#byNumber.set(number, key);
    return entry;
  }

  #giveNumber(): number {
    const number = this.#free.pop() ?? ++this.#highest;
    if (number > MAX_STICKY) throw new Error(`more than ${MAX_STICKY} Service ports with session affinity`);
    return number;
  }

  #giveId(): number {
    const id = this.#nextId++;
    if (id > LAST_ENDPOINT_ID) throw new Error('all ids of endpoints with session affinity are used up');
    return id;
  }

  #range(range: SlotRange | undefined, count: number): SlotRange | undefined {
    if (count === 0) return undefined;
    if (range !== undefined && count <= roomFor(range.count)) return { ...range, count };
    const first = this.#nextSlot;
    this.#nextSlot += roomFor(count);
    if (this.#nextSlot > LAST_SLOT) throw new Error('all slots of session affinity are used up');
    return { first, count };
  }
}

/** Ranges are this large for so many endpoints. */
function roomFor(count: number): number {
  return Math.max(SMALLEST_RANGE, 2 ** Math.ceil(Math.log2(count)));
}
