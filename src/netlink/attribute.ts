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
  if (bytes !== undefined)
    for (const attribute of attributes(bytes)) map.set(attribute.type, attribute.bytes);
  return map;
}

export function textOf(bytes: Uint8Array | undefined): string | undefined {
  if (bytes === undefined) return undefined;
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

/** One attribute for a request: text with its final zero. */
export function textAttribute(type: number, value: string): Uint8Array {
  const bytes = Buffer.from(`${value}\0`);
  const length = HEADER_BYTES + bytes.length;
  const attribute = Buffer.alloc((length + 3) & ~3);
  attribute.writeUInt16LE(length, 0);
  attribute.writeUInt16LE(type, 2);
  attribute.set(bytes, HEADER_BYTES);
  return attribute;
}

function u16(bytes: Uint8Array, at: number): number {
  return (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8);
}
