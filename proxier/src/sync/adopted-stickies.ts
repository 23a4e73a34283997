import { type ListedRule, type PackedValue, packValue, unpackValue } from 'nftlink';
import { withoutEpoch } from '../layout/fixed-chains.ts';
import { FIRST_ENDPOINT_ID, FIRST_SLOT, markOf } from '../layout/numbers.ts';
import type { ClusterSet } from '../layout/set-names.ts';
import type { FamilySets } from '../layout/sets.ts';
import {
  localStickyName,
  rememberName,
  type SlotRange,
  type StickyPort,
  stickyComment,
  stickyName,
  stickyNumberOf,
} from '../layout/sticky-chains.ts';
import type { AdoptedStickies, AdoptedSticky } from '../layout/sticky-ports.ts';
import { endpointText } from '../model/endpoints.ts';
import type { KernelTable } from './kernel-table.ts';

type Elements = Readonly<Record<ClusterSet, ReadonlyMap<PackedValue, PackedValue>>>;

/** The sticky Service ports as their chains in the kernel tell of them. Several with one comment can't be told apart. */
export function parseStickies(kernel: KernelTable, epoch: number): readonly StickyPort[] {
  const byComment = new Map<string, StickyPort[]>();
  for (const number of stickyNumbers(kernel, epoch)) {
    const port = parsePort(kernel, epoch, number);
    if (port !== undefined) byComment.set(port.key, [...(byComment.get(port.key) ?? []), port]);
  }
  return [...byComment.values()].flatMap((ports) => (ports.length === 1 ? ports : []));
}

/** What `StickyPorts` takes over. */
export function adoptStickies(
  kernel: KernelTable,
  epoch: number,
  sets: FamilySets,
  elements: Elements,
  ports: readonly StickyPort[],
): AdoptedStickies {
  const affinity = kernel.elements.get(sets.affinity.name)?.packed ?? new Map();
  const ids = [...elements.stickyEndpoints.keys(), ...elements.stickyCluster.keys(), ...affinity.values()];
  const slots = [...elements.stickySlots.keys()].map(markOf);
  return {
    ports: new Map(ports.map((port) => [stickyComment(port.key), adoptPort(sets, elements, port)])),
    lastSlot: highest(slots, FIRST_SLOT - 1),
    lastId: highest(ids.map(markOf), FIRST_ENDPOINT_ID - 1),
    numbers: stickyNumbers(kernel, epoch),
  };
}

function stickyNumbers(kernel: KernelTable, epoch: number): readonly number[] {
  return [
    ...new Set(kernel.chains.flatMap(({ name }) => stickyNumberOf(withoutEpoch(name, epoch) ?? '') ?? [])),
  ];
}

function parsePort(kernel: KernelTable, epoch: number, number: number): StickyPort | undefined {
  const named = (name: string) => kernel.chains.find((chain) => withoutEpoch(chain.name, epoch) === name);
  const rulesOf = (name: string) => kernel.rules.get(named(name)?.name ?? '') ?? [];
  const key = named(rememberName(number))?.comment;
  const timeout = fieldsOf(rulesOf(rememberName(number)), 'dynset')?.['timeout'];
  if (key === undefined || typeof timeout !== 'bigint') return undefined;
  const cluster = rangeIn(rulesOf(stickyName(number)));
  const local = rangeIn(rulesOf(localStickyName(number)));
  return { number, key, timeoutMs: Number(timeout), cluster, local };
}

function rangeIn(rules: readonly ListedRule[]): SlotRange | undefined {
  const { modulus, offset } = fieldsOf(rules, 'numgen') ?? {};
  if (typeof modulus !== 'number' || typeof offset !== 'number') return undefined;
  return { first: offset, count: modulus };
}

function fieldsOf(rules: readonly ListedRule[], name: string): Readonly<Record<string, unknown>> | undefined {
  for (const { expressions } of rules) {
    const found = expressions.find((expression) => expression.name === name);
    if (found !== undefined) return found.fields;
  }
  return undefined;
}

function adoptPort(sets: FamilySets, elements: Elements, port: StickyPort): AdoptedSticky {
  const ids = new Map<string, number>();
  for (const range of [port.cluster, port.local]) {
    for (let index = 0; index < (range?.count ?? 0); index++) {
      const slot = packValue(sets.stickySlots.key, (range?.first ?? 0) + index);
      const id = elements.stickySlots.get(slot);
      const endpoint = id === undefined ? undefined : elements.stickyEndpoints.get(id);
      if (id === undefined || endpoint === undefined) continue;
      const [address, number] = unpackValue(sets.stickyEndpoints.data, endpoint);
      ids.set(endpointText(address, number), markOf(id));
    }
  }
  return { number: port.number, cluster: port.cluster, local: port.local, ids };
}

/** Not `Math.max(…)`: there may be more than a call takes. */
function highest(numbers: readonly number[], least: number): number {
  return numbers.reduce((a, b) => Math.max(a, b), least);
}
