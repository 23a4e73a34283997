/** Reads netlink attributes as the kernel writes them: lengths and types host-endian, nf_tables' integers big-endian. */

export interface Attribute {
  readonly type: number;
  /** The value, a view into the message. */
  readonly bytes: Uint8Array;
}

/** NLA_F_NESTED and NLA_F_NET_BYTEORDER are not part of the type. */
const TYPE_MASK = 0x3fff;
const HEADER_BYTES = 4;

/** The attributes side by side in `bytes`. A length that leads outside ends the list: the rest can't be trusted. */
export function* attributes(bytes: Uint8Array): Generator<Attribute> {
  let at = 0;
  while (at + HEADER_BYTES <= bytes.length) {
    const length = u16(bytes, at);
    if (length < HEADER_BYTES || at + length > bytes.length) return;
    yield { type: u16(bytes, at + 2) & TYPE_MASK, bytes: bytes.subarray(at + HEADER_BYTES, at + length) };
    at += (length + 3) & ~3;
  }
}

/** The attributes by type; of two with the same type the last one, as the kernel's own parser does. */
export function attributeMap(bytes: Uint8Array | undefined): ReadonlyMap<number, Uint8Array> {
  const map = new Map<number, Uint8Array>();
  if (bytes === undefined) return map;
  // The loop of `attributes` once more: without a generator it takes half the time.
  for (let at = 0; at + HEADER_BYTES <= bytes.length; ) {
    const length = u16(bytes, at);
    if (length < HEADER_BYTES || at + length > bytes.length) break;
    map.set(u16(bytes, at + 2) & TYPE_MASK, bytes.subarray(at + HEADER_BYTES, at + length));
    at += (length + 3) & ~3;
  }
  return map;
}

const SHORT_TEXT = 32;

export function textOf(bytes: Uint8Array | undefined): string | undefined {
  if (bytes === undefined) return undefined;
  // Names are short and nearly always ASCII: a loop beats the call into Buffer's decoder three times.
  let text = '';
  for (let i = 0; i < bytes.length && i < SHORT_TEXT; i++) {
    const byte = bytes[i] ?? 0;
    if (byte === 0) return text;
    if (byte > 127) break;
    text += String.fromCharCode(byte);
  }
  const end = bytes.indexOf(0);
  return Buffer.from(bytes.buffer, bytes.byteOffset, end === -1 ? bytes.length : end).toString();
}

export function u32Of(bytes: Uint8Array | undefined): number | undefined {
  if (bytes === undefined || bytes.length < 4) return undefined;
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(0);
}

export function i32Of(bytes: Uint8Array | undefined): number | undefined {
  const value = u32Of(bytes);
  return value === undefined ? undefined : value | 0;
}

export function u64Of(bytes: Uint8Array | undefined): bigint | undefined {
  if (bytes === undefined || bytes.length < 8) return undefined;
  return new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0);
}

/** NLA_F_NESTED: the value is attributes. */
export const NESTED = 0x8000;

/** One attribute with its padding. */
export function attribute(type: number, value: Uint8Array): Uint8Array {
  const length = HEADER_BYTES + value.length;
  const bytes = Buffer.alloc((length + 3) & ~3);
  bytes.writeUInt16LE(length, 0);
  bytes.writeUInt16LE(type, 2);
  bytes.set(value, HEADER_BYTES);
  return bytes;
}

/** An attribute that consists of attributes. */
export function nest(type: number, parts: readonly Uint8Array[]): Uint8Array {
  return attribute(type | NESTED, Buffer.concat(parts));
}

/** One attribute for a request: text with its final zero. */
export function textAttribute(type: number, value: string): Uint8Array {
  return attribute(type, Buffer.from(`${value}\0`));
}

/** A 32-bit integer, big-endian; negative ones too. */
export function u32Attribute(type: number, value: number): Uint8Array {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value >>> 0);
  return attribute(type, bytes);
}

/** A 64-bit integer, big-endian. */
export function u64Attribute(type: number, value: bigint): Uint8Array {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(value);
  return attribute(type, bytes);
}

function u16(bytes: Uint8Array, at: number): number {
  return (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8);
}
