/** Reads the packed format of docs/packed-format.md, as the addon does. */

export interface PackedOperation {
  /** NFT_MSG_*. */
  readonly message: number;
  readonly flags: number;
  readonly family: number;
  readonly attributes: ReadonlyMap<number, Buffer>;
  readonly expressions: readonly PackedExpression[];
  /** Undefined when the message has no list of elements at all. */
  readonly count: number | undefined;
  readonly columns: ReadonlyMap<number, readonly Buffer[]>;
}

export interface PackedExpression {
  readonly name: string;
  readonly attributes: ReadonlyMap<number, Buffer>;
}

interface Field {
  readonly id: number;
  readonly kind: number;
  readonly bytes: Buffer;
}

const MAGIC = 0x314c464e;

export function unpack(packed: Uint8Array): readonly PackedOperation[] {
  const buffer = Buffer.from(packed.buffer, packed.byteOffset, packed.byteLength);
  if (buffer.readUInt32LE(0) !== MAGIC) throw new Error('not a packed transaction');
  const operations: PackedOperation[] = [];
  let at = 16;
  for (let left = buffer.readUInt32LE(4); left > 0; left--) {
    const length = buffer.readUInt32LE(at + 8);
    operations.push({
      message: buffer.readUInt16LE(at),
      flags: buffer.readUInt16LE(at + 2),
      family: buffer.readUInt8(at + 4),
      ...readBody(buffer.subarray(at + 12, at + 12 + length)),
    });
    at += 12 + length;
  }
  return operations;
}

function readBody(body: Buffer) {
  const attributes = new Map<number, Buffer>();
  const expressions: PackedExpression[] = [];
  const columns = new Map<number, readonly Buffer[]>();
  let count: number | undefined;
  for (const { id, kind, bytes } of fields(body)) {
    if (kind === 0) attributes.set(id, bytes);
    else if (kind === 1) expressions.push(readExpression(bytes));
    else if (kind === 4) count = bytes.readUInt32LE(0);
    else columns.set(id, kind === 2 ? fixedColumn(bytes, count ?? 0) : variableColumn(bytes, count ?? 0));
  }
  return { attributes, expressions, columns, count };
}

function* fields(bytes: Buffer): Generator<Field> {
  for (let at = 0; at < bytes.length; ) {
    const length = bytes.readUInt32LE(at + 4);
    yield {
      id: bytes.readUInt16LE(at),
      kind: bytes.readUInt16LE(at + 2),
      bytes: bytes.subarray(at + 8, at + 8 + length),
    };
    at += 8 + ((length + 3) & ~3);
  }
}

function readExpression(bytes: Buffer): PackedExpression {
  const name = bytes.toString('latin1', 0, 16).replace(/\0+$/, '');
  const attributes = new Map([...fields(bytes.subarray(16))].map(({ id, bytes: value }) => [id, value]));
  return { name, attributes };
}

function fixedColumn(bytes: Buffer, count: number): readonly Buffer[] {
  const width = bytes.readUInt32LE(0);
  return Array.from({ length: count }, (_, i) => bytes.subarray(4 + i * width, 4 + (i + 1) * width));
}

function variableColumn(bytes: Buffer, count: number): readonly Buffer[] {
  const start = 4 * (count + 1);
  return Array.from({ length: count }, (_, i) =>
    bytes.subarray(start + bytes.readUInt32LE(4 * i), start + bytes.readUInt32LE(4 * (i + 1))),
  );
}
