/**
 * A type of nft's: how a value of it looks to a program and in the kernel's registers.
 *
 * `In` is what may be given, `Out` what is read back (an inet_proto may be given as `'tcp'` or `6` and is read as `'tcp'`).
 */
export interface DataType<In, Out = In> {
  /** nft's name for it, as in `type ipv4_addr`. */
  readonly name: string;
  /** nft's number for it; for a concatenation six bits a field, the first field highest. */
  readonly id: number;
  /** Bytes in a key; every field of a concatenation fills up to 4. */
  readonly byteLength: number;
  /** How an integer of this type lies in memory: nft needs to know it to print sets. */
  readonly byteOrder: 'host' | 'network' | 'none';
  /** The fields of a concatenation. */
  readonly fields?: readonly DataType<never, unknown>[];
  /** NFT_OBJECT_*: values are names of stateful objects, and have no bytes. The data of `objectMap`. */
  readonly objectType?: number;
  /** Writes the value's bytes; throws InvalidArgumentError (argument `''` or a path inside the value). */
  write(value: In, into: Uint8Array, offset: number): void;
  /** Reads the value of `byteLength` bytes at an offset. */
  read(bytes: Uint8Array, offset: number): Out;
}

/** What may be given for a type. */
export type InputOf<T> = T extends DataType<infer In, infer _> ? In : never;
/** What is read back of a type. */
export type OutputOf<T> = T extends DataType<infer _, infer Out> ? Out : never;

/** The bytes of one value. */
export function bytesOf<In>(type: DataType<In, unknown>, value: In): Uint8Array {
  const bytes = new Uint8Array(type.byteLength);
  type.write(value, bytes, 0);
  return bytes;
}
