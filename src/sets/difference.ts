import { attributeMap, textOf, u64Of } from '../netlink/attribute.ts';
import type { Message } from '../netlink/message.ts';
import { elementValue, hasOptions } from '../nft/pack/packed-elements.ts';
import type { AnySet } from '../nft/set.ts';
import { bytesOf, type DataType } from '../nft/type/data-type.ts';
import { readComment } from '../nft/userdata.ts';
import type { Verdict } from '../nft/verdict.ts';
import { readVerdict } from '../read/elements.ts';
import type { Slices } from '../read/slices.ts';
import { NFTA_DATA, NFTA_SET_ELEM } from '../read/uapi.ts';
import type { Desired } from './desired.ts';
import { type ExistingElement, existingElements, keyOfExisting } from './existing.ts';

/** What turns the elements that are there into those that shall be. */
export interface Difference {
  /** Keys that go, those of elements that come back with other data or another timeout included. */
  readonly remove: readonly unknown[];
  readonly add: readonly unknown[];
  readonly kept: number;
  /** How many are in both lists. */
  readonly updated: number;
}

/** Compares the elements of a dump with what shall be. */
export async function differenceOf(
  set: AnySet,
  replies: readonly Message[],
  desired: Desired,
  slices: Slices,
): Promise<Difference> {
  const comparison = new Comparison(set, desired);
  for (const element of existingElements(set, replies)) {
    comparison.take(element);
    if (slices.isOver) await slices.pause();
  }
  for (let i = 0; i < desired.count; i++) {
    comparison.addMissing(i);
    if (slices.isOver) await slices.pause();
  }
  return comparison.finish();
}

class Comparison {
  readonly #set: AnySet;
  readonly #desired: Desired;
  readonly #remove: unknown[] = [];
  readonly #add: unknown[] = [];
  /** 1 for an element that is there. */
  readonly #there: Uint8Array;
  #hasCatchAll = false;
  #kept = 0;
  #updated = 0;

  constructor(set: AnySet, desired: Desired) {
    this.#set = set;
    this.#desired = desired;
    this.#there = new Uint8Array(desired.count);
  }

  /** Takes an element that is there. */
  take(existing: ExistingElement): void {
    const { catchAll } = this.#desired;
    if (!existing.hasId) {
      this.#hasCatchAll = true;
      this.#compare(existing, catchAll !== undefined, catchAll?.element);
      return;
    }
    const place = placeOf(this.#desired, existing);
    if (place !== undefined) this.#there[place] = 1;
    // Without a look at the element: a million of them lie about in memory.
    if (place !== undefined && this.#desired.isPlain) this.#kept++;
    else
      this.#compare(
        existing,
        place !== undefined,
        place === undefined ? undefined : this.#desired.elementAt(place),
      );
  }

  #compare(existing: ExistingElement, isWanted: boolean, element: unknown): void {
    if (isWanted && isSame(this.#set, existing, element)) {
      this.#kept++;
      return;
    }
    this.#remove.push(keyOfExisting(this.#set, existing));
    if (!isWanted) return;
    this.#updated++;
    this.#add.push(element);
  }

  /** Takes an element that shall be, unless it is there. */
  addMissing(i: number): void {
    if (this.#there[i] === 0 && !this.#desired.isReplaced(i)) this.#add.push(this.#desired.elementAt(i));
  }

  finish(): Difference {
    const { catchAll } = this.#desired;
    if (catchAll !== undefined && !this.#hasCatchAll) this.#add.push(catchAll.element);
    return { remove: this.#remove, add: this.#add, kept: this.#kept, updated: this.#updated };
  }
}

/** The place of an element in what shall be. */
export function placeOf(
  { index, width }: Desired,
  { bytes, offset, length }: ExistingElement,
): number | undefined {
  return length === width ? index.find(bytes, offset) : undefined;
}

/** Whether the element that is there has the data and the options that were asked for. */
function isSame(set: AnySet, existing: ExistingElement, element: unknown): boolean {
  const withOptions = hasOptions(element);
  if (set.kind === 'set' && !withOptions) return true;
  const there = existing.fields();
  if (set.kind !== 'set' && !isSameData(set, there, elementValue(set, element))) return false;
  if (!withOptions) return true;
  const { timeoutMs, comment } = element;
  // The kernel counts in ticks of up to 10 ms.
  const timeout = Number(u64Of(there.get(NFTA_SET_ELEM.timeout)) ?? 0n);
  if (timeoutMs !== undefined && Math.abs(timeout - timeoutMs) > TICK_MS) return false;
  return comment === undefined || readComment(there.get(NFTA_SET_ELEM.userdata), 'other') === comment;
}

const TICK_MS = 10;

function isSameData(set: AnySet, there: ReadonlyMap<number, Uint8Array>, wanted: unknown): boolean {
  if (set.kind === 'map' && set.data.objectType !== undefined) {
    return textOf(there.get(NFTA_SET_ELEM.object)) === objectName(wanted);
  }
  const nest = there.get(NFTA_SET_ELEM.data);
  if (nest === undefined) return false;
  if (set.kind === 'verdict map') {
    const [before, verdict] = [readVerdict(nest), wanted as Verdict];
    return before?.code === verdict.code && before.chain === verdict.chain;
  }
  if (set.kind !== 'map') return true;
  const bytes = attributeMap(nest).get(NFTA_DATA.value);
  const type = set.data as DataType<unknown, unknown>;
  return bytes !== undefined && Buffer.compare(bytes, bytesOf(type, wanted)) === 0;
}

/** An object is given by its description or its name. */
function objectName(value: unknown): unknown {
  return typeof value === 'object' && value !== null && 'name' in value ? value.name : value;
}
