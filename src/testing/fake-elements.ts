import { constants } from 'node:os';
import { ELEMENT_COLUMN, ELEMENT_FLAG, NFT_MSG, NFTNL_SET } from '../nft/pack/uapi.ts';
import { type Batch, findSet } from './fake-batch.ts';
import { identityOf, readElement } from './fake-element.ts';
import { describeElements } from './fake-element-messages.ts';
import { findConflict, findDeleted, leaveBoundary, placeBoundary } from './fake-intervals.ts';
import { FAKE_SET_FLAG, type FakeElement, type FakeSet, type FakeTable, isExpired } from './fake-ruleset.ts';
import { releaseElement, retainElement } from './fake-sets.ts';
import { leadsTooDeep } from './fake-validation.ts';
import { isExclusive, textField, u32Field } from './packed-fields.ts';
import { type Refusal, refuse, refuseElement } from './refusal.ts';
import type { PackedOperation } from './unpack.ts';

const { EBUSY, EEXIST, EINVAL, EMLINK, ENFILE, ENOENT } = constants.errno;
const NFTA_SET_NAME = 2;

export function newElements(batch: Batch, table: FakeTable, operation: PackedOperation): readonly Refusal[] {
  const found = changeableSet(batch, table, operation);
  if (Array.isArray(found)) return found;
  const set = found as FakeSet;
  dropExpired(batch, set);
  const eachElement = batch.way.split.has(operation);
  const refusals: Refusal[] = [];
  for (let index = 0; index < (operation.count ?? 0); index++) {
    const errno = newElement(batch, table, set, operation, index);
    if (errno !== 0) refusals.push(refuseElement(errno, index));
    else if (eachElement && leadsTooDeep(batch, table)) refusals.push({ errno: EMLINK, element: index });
    if (errno !== 0 && !eachElement) return refusals;
  }
  if (eachElement || !leadsTooDeep(batch, table)) return refusals;
  // The kernel names no element; of one that is alone the addon knows.
  return [{ errno: EMLINK, ...(operation.count === 1 ? { element: 0 } : {}) }];
}

/** The set; a constant one, and one without a name, does not change any more once a rule looks into it. */
function changeableSet(
  batch: Batch,
  table: FakeTable,
  operation: PackedOperation,
): FakeSet | readonly Refusal[] {
  const name = textField(operation, NFTNL_SET.name) ?? '';
  const set = findSet(batch, table, name, u32Field(operation, NFTNL_SET.id));
  if (set === undefined) return refuse(ENOENT, NFTA_SET_NAME);
  const isFixed = (set.flags & (FAKE_SET_FLAG.constant | FAKE_SET_FLAG.anonymous)) !== 0;
  return isFixed && set.uses > 0 ? refuse(EBUSY) : set;
}

function newElement(
  batch: Batch,
  table: FakeTable,
  set: FakeSet,
  operation: PackedOperation,
  index: number,
): number {
  const element = readElement(batch, table, set, operation, index);
  if (typeof element === 'number') return element;
  const conflict = findConflict(set, element, batch.nowMs);
  if (conflict === 'overlap') return EEXIST;
  if (conflict !== undefined) {
    if (isExclusive(operation) || !hasSameData(conflict, element)) return EEXIST;
    refreshTimeout(batch, table, set, conflict, element);
    return 0;
  }
  const isCounted = (element.flags & ELEMENT_FLAG.catchAll) === 0;
  const isFull = isCounted && countElements(batch, set) >= maxElements(set);
  retainElement(batch, element);
  batch.journal.add(set.elements, element.identity, element);
  placeBoundary(batch, set, element);
  batch.events.push({ describe: () => describeElements(table, set, [element], batch.nowMs) });
  if (element.chain !== undefined && set.uses > 0) batch.toValidate.add(table);
  // Like newer kernels (seen in 6.18): it is put in all the same, and the abort takes it out again.
  return isFull ? ENFILE : 0;
}

function hasSameData(one: FakeElement, other: FakeElement): boolean {
  return (
    one.data === other.data &&
    one.verdict === other.verdict &&
    one.chain === other.chain &&
    one.object === other.object
  );
}

/** Since 6.12 (4201f3938914): another timeout counts from the commit on. The same one goes on counting. */
function refreshTimeout(
  { events, nowMs }: Batch,
  table: FakeTable,
  set: FakeSet,
  present: FakeElement,
  again: FakeElement,
): void {
  if (present.timeoutMs === again.timeoutMs) return;
  events.push({
    apply() {
      present.timeoutMs = again.timeoutMs;
      present.expiresAtMs = again.expiresAtMs;
    },
    describe: () => describeElements(table, set, [present], nowMs),
  });
}

/** Takes out simple ranges whose time is over, as the kernel does before it looks for overlaps. */
function dropExpired(batch: Batch, set: FakeSet): void {
  const { boundaries, flags } = set;
  if (boundaries === undefined || (flags & FAKE_SET_FLAG.timeout) === 0) return;
  const over = boundaries.flatMap((each, index) => {
    if (each.isDeleted || !isExpired(each, batch.nowMs)) return [];
    const next = boundaries[index + 1];
    return next !== undefined && (next.flags & ELEMENT_FLAG.intervalEnd) !== 0 ? [each, next] : [each];
  });
  for (const each of over) removeElement(batch, set, each);
}

/** Only sets with timeouts have elements that are not there any more. */
function countElements({ nowMs }: Batch, set: FakeSet): number {
  if ((set.flags & FAKE_SET_FLAG.timeout) === 0) return set.elements.size;
  let count = 0;
  for (const element of set.elements.values()) if (!isExpired(element, nowMs)) count++;
  return count;
}

/** A simple range is two elements; one that begins at zero may follow an element that ends nothing. */
function maxElements({ size, boundaries }: FakeSet): number {
  if (size === undefined) return Number.POSITIVE_INFINITY;
  if (boundaries === undefined) return size;
  const [lowest] = boundaries;
  const isNull =
    lowest !== undefined && (lowest.flags & ELEMENT_FLAG.intervalEnd) !== 0 && /^\0*$/.test(lowest.key);
  return 2 * size + (isNull ? 1 : 0);
}

export function deleteElements(
  batch: Batch,
  table: FakeTable,
  operation: PackedOperation,
): readonly Refusal[] {
  const found = changeableSet(batch, table, operation);
  if (Array.isArray(found)) return found;
  const set = found as FakeSet;
  if (operation.count === undefined) {
    for (const element of [...set.elements.values()]) dropElement(batch, table, set, element);
    return [];
  }
  const isOptional = operation.message === NFT_MSG.destroySetElem;
  const refusals: Refusal[] = [];
  for (let index = 0; index < operation.count; index++) {
    const errno = deleteElement(batch, table, set, operation, index);
    if (errno === 0 || (isOptional && errno === ENOENT)) continue;
    refusals.push(refuseElement(errno, index));
    if (!batch.way.split.has(operation)) break;
  }
  return refusals;
}

function deleteElement(
  batch: Batch,
  table: FakeTable,
  set: FakeSet,
  operation: PackedOperation,
  index: number,
): number {
  const key = operation.columns.get(ELEMENT_COLUMN.key)?.[index];
  if (key !== undefined && key.length !== set.keyLength) return EINVAL;
  const flags = operation.columns.get(ELEMENT_COLUMN.flags)?.[index]?.readUInt32LE() ?? 0;
  const wanted = { identity: identityOf(operation, index), key: key?.toString('latin1') ?? '', flags };
  const found = findDeleted(set, wanted, batch.nowMs);
  if (found === undefined) return ENOENT;
  dropElement(batch, table, set, found);
  return 0;
}

/** Deletes an element, and tells so. */
function dropElement(batch: Batch, table: FakeTable, set: FakeSet, element: FakeElement): void {
  removeElement(batch, set, element);
  batch.events.push({
    describe: () => describeElements(table, set, [element], batch.nowMs, NFT_MSG.delSetElem),
  });
}

function removeElement(batch: Batch, set: FakeSet, element: FakeElement): void {
  releaseElement(batch, element);
  leaveBoundary(batch, set, element);
  batch.journal.remove(set.elements, element.identity);
}
