import { constants } from 'node:os';
import { ELEMENT_COLUMN, ELEMENT_FLAG, NFT_MSG, NFTNL_SET, VERDICT_DATA_TYPE } from '../nft/pack/uapi.ts';
import { type Batch, findSet } from './fake-batch.ts';
import {
  FAKE_SET_FLAG,
  type FakeChain,
  type FakeElement,
  type FakeObject,
  type FakeSet,
  type FakeTable,
  isExpired,
  objectKey,
} from './fake-ruleset.ts';
import { releaseElement, retainElement } from './fake-sets.ts';
import { leadsTooDeep } from './fake-validation.ts';
import { isExclusive, textField, u32Field } from './packed-fields.ts';
import { type Refusal, refuse, refuseElement } from './refusal.ts';
import type { PackedOperation } from './unpack.ts';

const { EBUSY, EEXIST, EINVAL, EMLINK, ENFILE, ENOENT, EOPNOTSUPP } = constants.errno;
const NFTA_SET_NAME = 2;
const OBJECT_COLUMN = 10;
const NO_TIMEOUT = 0xffff_ffff_ffff_ffffn;
const NOTHING = new Uint8Array(0);
/** Verdicts that lead to a chain: NFT_JUMP and NFT_GOTO. */
const LEADS_ON = [-3, -4];

export function newElements(batch: Batch, table: FakeTable, operation: PackedOperation): readonly Refusal[] {
  const found = changeableSet(batch, table, operation);
  if (Array.isArray(found)) return found;
  const set = found as FakeSet;
  const { eachElement, followEach } = batch.way;
  const refusals: Refusal[] = [];
  for (let index = 0; index < (operation.count ?? 0); index++) {
    const errno = newElement(batch, table, set, operation, index);
    if (errno !== 0) refusals.push(refuseElement(errno, index));
    else if (eachElement && followEach && leadsTooDeep(batch, table))
      refusals.push({ errno: EMLINK, element: index });
    if (errno !== 0 && !eachElement) return refusals;
  }
  if (eachElement || !followEach || !leadsTooDeep(batch, table)) return refusals;
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
  const identity = identityOf(operation, index);
  const present = presentElement(batch, set, identity);
  if (present !== undefined) {
    if (isExclusive(operation) || !hasSameData(present, element)) return EEXIST;
    refreshTimeout(batch, present, element);
    return 0;
  }
  const isCounted = (element.flags & ELEMENT_FLAG.catchAll) === 0;
  const isFull = isCounted && set.size !== undefined && countElements(batch, set) >= set.size;
  retainElement(batch, element);
  batch.journal.add(set.elements, identity, element);
  if (element.chain !== undefined && set.uses > 0) batch.toValidate.add(table);
  // Like newer kernels (seen in 6.18): it is put in all the same, and the abort takes it out again.
  return isFull ? ENFILE : 0;
}

/** The element that a batch describes, or the errno that the kernel has for it. */
function readElement(
  { nowMs }: Batch,
  table: FakeTable,
  set: FakeSet,
  operation: PackedOperation,
  index: number,
): FakeElement | number {
  const column = (id: number) => operation.columns.get(id)?.[index];
  const flags = column(ELEMENT_COLUMN.flags)?.readUInt32LE() ?? 0;
  const key = column(ELEMENT_COLUMN.key)?.toString('latin1') ?? '';
  const isCatchAll = (flags & ELEMENT_FLAG.catchAll) !== 0;
  const ownTimeout = column(ELEMENT_COLUMN.timeout)?.readBigUInt64LE() ?? NO_TIMEOUT;
  const hasTimeout = ownTimeout !== NO_TIMEOUT;
  if (hasTimeout && (set.flags & FAKE_SET_FLAG.timeout) === 0) return EINVAL;
  if (!isCatchAll && key.length !== set.keyLength) return EINVAL;
  const data = readData(table, set, operation, index, (flags & ELEMENT_FLAG.intervalEnd) !== 0);
  if (typeof data === 'number') return data;
  const timeoutMs = hasTimeout ? ownTimeout : set.timeoutMs;
  const ownExpiration = column(ELEMENT_COLUMN.expiration)?.readBigUInt64LE() ?? NO_TIMEOUT;
  const leftMs = ownExpiration === NO_TIMEOUT ? timeoutMs : ownExpiration;
  const userdata = column(ELEMENT_COLUMN.userdata);
  return {
    key,
    keyEnd: column(ELEMENT_COLUMN.keyEnd)?.toString('latin1'),
    flags,
    ...data,
    userdata: userdata === undefined || userdata.length === 0 ? undefined : userdata,
    more: column(ELEMENT_COLUMN.statements) ?? NOTHING,
    timeoutMs,
    expiresAtMs: nowMs + Number(leftMs),
  };
}

type ElementData = Pick<FakeElement, 'data' | 'verdict' | 'chain' | 'object'>;
const NO_DATA: ElementData = { data: undefined, verdict: undefined, chain: undefined, object: undefined };

function readData(
  table: FakeTable,
  set: FakeSet,
  operation: PackedOperation,
  index: number,
  isEnd: boolean,
): ElementData | number {
  const column = (id: number) => operation.columns.get(id)?.[index];
  const data = column(ELEMENT_COLUMN.data);
  const verdict = column(ELEMENT_COLUMN.verdict)?.readInt32LE();
  const objectName = column(OBJECT_COLUMN)?.toString() || undefined;
  const isMap = (set.flags & FAKE_SET_FLAG.map) !== 0;
  if (objectName !== undefined) return objectData(table, set, objectName);
  if (isEnd && isMap) return NO_DATA;
  if (isMap !== ((data ?? verdict) !== undefined)) return EINVAL;
  if (!isMap) return NO_DATA;
  if ((set.dataType === VERDICT_DATA_TYPE) !== (verdict !== undefined)) return EINVAL;
  if (data !== undefined) {
    return data.length === set.dataLength ? { ...NO_DATA, data: data.toString('latin1') } : EINVAL;
  }
  const chain = verdictChain(table, verdict, column(ELEMENT_COLUMN.chain)?.toString() || undefined);
  return typeof chain === 'number' ? chain : { ...NO_DATA, verdict, chain };
}

function objectData(table: FakeTable, set: FakeSet, name: string): ElementData | number {
  if (set.objectType === undefined) return EINVAL;
  const object: FakeObject | undefined = table.objects.get(objectKey(set.objectType, name));
  return object === undefined ? ENOENT : { ...NO_DATA, object };
}

function verdictChain(
  table: FakeTable,
  verdict: number | undefined,
  name: string | undefined,
): FakeChain | undefined | number {
  if (!LEADS_ON.includes(verdict ?? 0)) return undefined;
  if (name === undefined) return EINVAL;
  const chain = table.chains.get(name);
  if (chain === undefined) return ENOENT;
  return chain.base === undefined ? chain : EOPNOTSUPP;
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
function refreshTimeout({ journal, atCommit }: Batch, present: FakeElement, again: FakeElement): void {
  if (present.timeoutMs === again.timeoutMs) return;
  atCommit.push(() => {
    journal.set(present, 'timeoutMs', again.timeoutMs);
    journal.set(present, 'expiresAtMs', again.expiresAtMs);
  });
}

function presentElement({ nowMs }: Batch, set: FakeSet, identity: string): FakeElement | undefined {
  const element = set.elements.get(identity);
  return element === undefined || isExpired(element, nowMs) ? undefined : element;
}

/** Only sets with timeouts have elements that are not there any more. */
function countElements({ nowMs }: Batch, set: FakeSet): number {
  if ((set.flags & FAKE_SET_FLAG.timeout) === 0) return set.elements.size;
  let count = 0;
  for (const element of set.elements.values()) if (!isExpired(element, nowMs)) count++;
  return count;
}

/** An element's key; the end of a range and nft's `*` are others than the element with the same bytes. */
function identityOf(operation: PackedOperation, index: number): string {
  const column = (id: number) => operation.columns.get(id)?.[index];
  const key = column(ELEMENT_COLUMN.key)?.toString('latin1') ?? '';
  const keyEnd = column(ELEMENT_COLUMN.keyEnd)?.toString('latin1');
  const flags = column(ELEMENT_COLUMN.flags)?.readUInt32LE() ?? 0;
  const range = keyEnd === undefined || keyEnd === key ? '' : ` to ${keyEnd}`;
  return flags === 0 ? `${key}${range}` : `${key}${range} flags ${flags}`;
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
    for (const identity of [...set.elements.keys()]) removeElement(batch, set, identity);
    return [];
  }
  const isOptional = operation.message === NFT_MSG.destroySetElem;
  const refusals: Refusal[] = [];
  for (let index = 0; index < operation.count; index++) {
    const errno = deleteElement(batch, set, operation, index);
    if (errno === 0 || (isOptional && errno === ENOENT)) continue;
    refusals.push(refuseElement(errno, index));
    if (!batch.way.eachElement) break;
  }
  return refusals;
}

function deleteElement(batch: Batch, set: FakeSet, operation: PackedOperation, index: number): number {
  const key = operation.columns.get(ELEMENT_COLUMN.key)?.[index];
  if (key !== undefined && key.length !== set.keyLength) return EINVAL;
  const identity = identityOf(operation, index);
  if (presentElement(batch, set, identity) === undefined) return ENOENT;
  removeElement(batch, set, identity);
  return 0;
}

function removeElement(batch: Batch, set: FakeSet, identity: string): void {
  const element = set.elements.get(identity);
  if (element === undefined) return;
  releaseElement(batch, element);
  batch.journal.remove(set.elements, identity);
}
