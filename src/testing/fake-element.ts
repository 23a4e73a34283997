import { constants } from 'node:os';
import { ELEMENT_COLUMN, ELEMENT_FLAG, VERDICT_DATA_TYPE } from '../nft/pack/uapi.ts';
import type { Batch } from './fake-batch.ts';
import {
  FAKE_SET_FLAG,
  type FakeChain,
  type FakeElement,
  type FakeObject,
  type FakeSet,
  type FakeTable,
  objectKey,
} from './fake-ruleset.ts';
import type { PackedOperation } from './unpack.ts';

/** Elements as a batch describes them. */

const { EINVAL, ENOENT, EOPNOTSUPP } = constants.errno;
const NO_TIMEOUT = 0xffff_ffff_ffff_ffffn;
const NOTHING = new Uint8Array(0);
/** Verdicts that lead to a chain: NFT_JUMP and NFT_GOTO. */
const LEADS_ON = [-3, -4];

/** The element that a batch describes, or the errno that the kernel has for it. */
export function readElement(
  { ruleset, nowMs }: Batch,
  table: FakeTable,
  set: FakeSet,
  operation: PackedOperation,
  index: number,
): FakeElement | number {
  const column = (id: number) => operation.columns.get(id)?.[index];
  const flags = column(ELEMENT_COLUMN.flags)?.readUInt32LE() ?? 0;
  const key = column(ELEMENT_COLUMN.key)?.toString('latin1') ?? '';
  const isCatchAll = (flags & ELEMENT_FLAG.catchAll) !== 0;
  if (!isCatchAll && key.length !== set.keyLength) return EINVAL;
  const isEnd = (flags & ELEMENT_FLAG.intervalEnd) !== 0;
  const data = readData(table, set, operation, index, isEnd);
  if (typeof data === 'number') return data;
  // The end of a range has no time of its own: it leaves with the beginning.
  const time = readTime(set, operation, index, isEnd ? 0n : set.timeoutMs);
  if (typeof time === 'number') return time;
  const userdata = column(ELEMENT_COLUMN.userdata);
  return {
    identity: identityOf(operation, index),
    order: ruleset.nextElement++,
    isDeleted: false,
    key,
    keyEnd: column(ELEMENT_COLUMN.keyEnd)?.toString('latin1'),
    flags,
    ...data,
    userdata: userdata === undefined || userdata.length === 0 ? undefined : userdata,
    more: column(ELEMENT_COLUMN.statements) ?? NOTHING,
    timeoutMs: time.timeoutMs,
    expiresAtMs: nowMs + Number(time.leftMs),
  };
}

/** The element's own timeout and what is left of it, or the set's. */
function readTime(set: FakeSet, operation: PackedOperation, index: number, otherwiseMs: bigint) {
  const column = (id: number) => operation.columns.get(id)?.[index]?.readBigUInt64LE() ?? NO_TIMEOUT;
  const [own, left] = [column(ELEMENT_COLUMN.timeout), column(ELEMENT_COLUMN.expiration)];
  if (own !== NO_TIMEOUT && (set.flags & FAKE_SET_FLAG.timeout) === 0) return EINVAL;
  const timeoutMs = own === NO_TIMEOUT ? otherwiseMs : own;
  return { timeoutMs, leftMs: left === NO_TIMEOUT ? timeoutMs : left };
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
  const objectName = column(ELEMENT_COLUMN.object)?.toString() || undefined;
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

/** An element's key; the end of a range and nft's `*` are others than the element with the same bytes. */
export function identityOf(operation: PackedOperation, index: number): string {
  const column = (id: number) => operation.columns.get(id)?.[index];
  const key = column(ELEMENT_COLUMN.key)?.toString('latin1') ?? '';
  const keyEnd = column(ELEMENT_COLUMN.keyEnd)?.toString('latin1');
  const flags = column(ELEMENT_COLUMN.flags)?.readUInt32LE() ?? 0;
  const range = keyEnd === undefined || keyEnd === key ? '' : ` to ${keyEnd}`;
  return flags === 0 ? `${key}${range}` : `${key}${range} flags ${flags}`;
}
