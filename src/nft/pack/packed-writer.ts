/** Writes the packed format of docs/packed-format.md. Everything is host-endian, every part starts at a multiple of 4. */

const MAGIC = 0x314c464e;
const HEADER_BYTES = 16;
const FIELD_BYTES = 8;
const FIELD = {
  attribute: 0,
  expression: 1,
  fixedColumn: 2,
  variableColumn: 3,
  count: 4,
  rawExpression: 5,
  rawAttribute: 6,
} as const;
const EXPRESSION_NAME_BYTES = 16;
/** Up to here a loop is faster than the call. */
const SHORT = 32;

/** The kernel is to check the transaction and not to commit it. */
export const CHECK_ONLY = 1;

export class PackedWriter {
  #buffer: Buffer;
  #view: DataView;
  #length = HEADER_BYTES;
  #operations = 0;
  #openOperation = 0;

  constructor(capacity = 512) {
    this.#buffer = Buffer.allocUnsafeSlow(capacity);
    this.#view = new DataView(this.#buffer.buffer);
  }

  get operations(): number {
    return this.#operations;
  }

  /** Starts an operation; the fields that follow belong to it until `endOperation`. */
  beginOperation(message: number, flags: number, family: number): void {
    const at = this.#reserve(12);
    this.#view.setUint16(at, message, true);
    this.#view.setUint16(at + 2, flags, true);
    this.#view.setUint32(at + 4, family, true);
    this.#openOperation = at;
  }

  endOperation(): void {
    this.#view.setUint32(this.#openOperation + 8, this.#length - this.#openOperation - 12, true);
    this.#operations++;
  }

  /** Takes back everything since `beginOperation`: the operation turned out to be invalid. */
  abandonOperation(): void {
    this.#length = this.#openOperation;
  }

  bytes(id: number, value: Uint8Array): void {
    this.#copy(value, this.#field(id, FIELD.attribute, value.length));
  }

  u8(id: number, value: number): void {
    this.#buffer[this.#field(id, FIELD.attribute, 1)] = value;
  }

  /** Gives the value's place, for `setU32`. */
  u32(id: number, value: number): number {
    const at = this.#field(id, FIELD.attribute, 4);
    this.#view.setUint32(at, value >>> 0, true);
    return at;
  }

  /** Writes another value in the place of one that `u32` wrote. */
  setU32(at: number, value: number): void {
    this.#view.setUint32(at, value >>> 0, true);
  }

  u64(id: number, value: bigint): void {
    const at = this.#field(id, FIELD.attribute, 8);
    this.#view.setBigUint64(at, value, true);
  }

  text(id: number, value: string): void {
    // Names are short and nearly always ASCII: a loop beats the call into Buffer's encoder three times.
    const { length } = value;
    const at = this.#field(id, FIELD.attribute, length);
    for (let i = 0; i < length; i++) {
      const code = value.charCodeAt(i);
      if (code > 127) {
        this.#length = at - FIELD_BYTES;
        this.bytes(id, Buffer.from(value));
        return;
      }
      this.#buffer[at + i] = code;
    }
  }

  count(elements: number): void {
    const at = this.#field(0, FIELD.count, 4);
    this.#view.setUint32(at, elements, true);
  }

  /** A column of values of one width. The caller fills the bytes that are returned before it writes anything else. */
  fixedColumn(id: number, width: number, count: number): Buffer {
    const at = this.#field(id, FIELD.fixedColumn, 4 + width * count);
    this.#view.setUint32(at, width, true);
    return this.#buffer.subarray(at + 4, at + 4 + width * count);
  }

  /** A column of values of any length; an empty one means none. */
  variableColumn(id: number, values: readonly Uint8Array[]): void {
    const total = values.reduce((sum, value) => sum + value.length, 0);
    const at = this.#field(id, FIELD.variableColumn, 4 * (values.length + 1) + total);
    const start = at + 4 * (values.length + 1);
    let offset = 0;
    for (const [i, value] of values.entries()) {
      this.#view.setUint32(at + 4 * i, offset, true);
      this.#buffer.set(value, start + offset);
      offset += value.length;
    }
    this.#view.setUint32(at + 4 * values.length, offset, true);
  }

  /** An expression of a rule, with `more` attributes behind its own. */
  expression(name: string, attributes: readonly { readonly id: number; readonly bytes: Uint8Array }[]): void {
    const at = this.#expressionName(FIELD.expression, name, 0);
    for (const { id, bytes } of attributes) this.bytes(id, bytes);
    this.#view.setUint32(at - 4, this.#length - at, true);
  }

  /** An expression whose attributes are netlink's, a multiple of four bytes. */
  rawExpression(name: string, data: Uint8Array): void {
    const at = this.#expressionName(FIELD.rawExpression, name, data.length);
    this.#copy(data, at + EXPRESSION_NAME_BYTES);
  }

  /** Begins an expression's field, with room for so many bytes behind the name. Gives the place of the name. */
  #expressionName(kind: number, name: string, room: number): number {
    const at = this.#field(0, kind, EXPRESSION_NAME_BYTES + room);
    for (let i = 0; i < EXPRESSION_NAME_BYTES; i++) {
      this.#buffer[at + i] = i < name.length ? name.charCodeAt(i) : 0;
    }
    return at;
  }

  #copy(value: Uint8Array, at: number): void {
    const { length } = value;
    if (length > SHORT) this.#buffer.set(value, at);
    else for (let i = 0; i < length; i++) this.#buffer[at + i] = value[i] ?? 0;
  }

  /** A netlink attribute of the message, by the kernel's number; big-endian, a text with its zero. */
  raw(type: number, value: Uint8Array): void {
    const at = this.#field(type, FIELD.rawAttribute, value.length);
    this.#buffer.set(value, at);
  }

  /** Fields that {@link packFields} has made. */
  append(fields: Uint8Array): void {
    const at = this.#reserve(fields.length);
    this.#buffer.set(fields, at);
  }

  /**
   * The finished transaction. It is the writer's own memory: while somebody reads it, nothing may be written and nothing else
   * finished. `flags`: {@link CHECK_ONLY}.
   */
  finish(generation: number, flags = 0): Uint8Array {
    this.#view.setUint32(0, MAGIC, true);
    this.#view.setUint32(4, this.#operations, true);
    this.#view.setUint32(8, generation, true);
    this.#view.setUint32(12, flags, true);
    return this.#buffer.subarray(0, this.#length);
  }

  #field(id: number, kind: number, length: number): number {
    const padded = align(length);
    const at = this.#reserve(FIELD_BYTES + padded);
    this.#view.setUint16(at, id, true);
    this.#view.setUint16(at + 2, kind, true);
    this.#view.setUint32(at + 4, length, true);
    // Only the last word can hold padding.
    if (padded !== length) this.#view.setUint32(at + FIELD_BYTES + padded - 4, 0, true);
    return at + FIELD_BYTES;
  }

  #reserve(length: number): number {
    const at = this.#length;
    const needed = at + length;
    if (needed > this.#buffer.length) {
      const grown = Buffer.allocUnsafeSlow(Math.max(needed, this.#buffer.length * 2));
      grown.set(this.#buffer.subarray(0, at));
      this.#buffer = grown;
      this.#view = new DataView(grown.buffer);
    }
    this.#length = needed;
    return at;
  }
}

/** The fields that `pack` writes, for {@link PackedWriter.append}. */
export function packFields(pack: (writer: PackedWriter) => void): Uint8Array {
  const writer = new PackedWriter();
  pack(writer);
  return writer.finish(0).slice(HEADER_BYTES);
}

function align(length: number): number {
  return (length + 3) & ~3;
}
