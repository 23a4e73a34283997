import { InvalidArgumentError, within } from '../../invalid-argument.ts';
import { bytesOf, type DataType } from '../type/data-type.ts';

/** A constant set without a name, which belongs to the one rule that uses it: nft's `{ 22, 80 }`. */
export interface AnonymousSet<K = unknown> {
  readonly kind: 'anonymous set';
  /** The type of its keys. */
  readonly key: DataType<never, unknown>;
  /** The keys' bytes, one after the other, each `key.byteLength` long. */
  readonly keys: Uint8Array;
  /** How many keys it has. */
  readonly size: number;
  /** Carries the type of the elements; never present. */
  readonly __element?: K;
}

/** Describes a set for one rule: `oneOf(tcp.dport, anonymousSet(inetService, [22, 80]))`. */
export function anonymousSet<K>(key: DataType<K, unknown>, values: readonly K[]): AnonymousSet<K> {
  if (values.length === 0) throw new InvalidArgumentError('values', values, 'a list with at least one value');
  const chunks = values.map((value, i) => within(`values[${i}]`, () => bytesOf(key, value)));
  const sorted = chunks.sort(Buffer.compare);
  for (const [i, chunk] of sorted.entries()) {
    if (i > 0 && Buffer.compare(chunk, sorted[i - 1] ?? chunk) === 0) {
      throw new InvalidArgumentError('values', key.read(chunk, 0), 'a value that occurs once');
    }
  }
  return Object.freeze({ kind: 'anonymous set', key, keys: Buffer.concat(sorted), size: values.length });
}
