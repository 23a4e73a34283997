import { NLM_F } from '../nft/pack/uapi.ts';
import type { PackedOperation } from './unpack.ts';

/** Fields of an operation by libnftnl's number. */

export function textField({ attributes }: PackedOperation, id: number): string | undefined {
  return attributes.get(id)?.toString();
}

export function u32Field({ attributes }: PackedOperation, id: number): number | undefined {
  return attributes.get(id)?.readUInt32LE();
}

export function u64Field({ attributes }: PackedOperation, id: number): bigint | undefined {
  return attributes.get(id)?.readBigUInt64LE();
}

export function bytesField({ attributes }: PackedOperation, id: number): Uint8Array | undefined {
  const bytes = attributes.get(id);
  return bytes === undefined ? undefined : Uint8Array.from(bytes);
}

/** A copy: the packed transaction's memory is somebody else's. */
export function rawFields({ raw }: PackedOperation): ReadonlyMap<number, Uint8Array> {
  return new Map([...raw].map(([id, bytes]) => [id, Uint8Array.from(bytes)]));
}

export function isExclusive({ flags }: PackedOperation): boolean {
  return (flags & NLM_F.excl) !== 0;
}
