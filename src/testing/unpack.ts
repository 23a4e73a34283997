import { CHECK_ONLY } from '../nft/pack/packed-writer.ts';

/** Reads the packed format of docs/packed-format.md, as the addon does. */

export interface PackedOperation {
  /** NFT_MSG_*. */
  readonly message: number;
  readonly flags: number;
  readonly family: number;
  readonly attributes: ReadonlyMap<number, Buffer>;
  readonly expressions: readonly PackedExpression[];
  /** Netlink attributes by the kernel's number: what stateful objects and flowtables consist of. */
  readonly raw: ReadonlyMap<number, Buffer>;
  /** Undefined when the message has no list of elements at all. */
  readonly count: number | undefined;
  readonly columns: ReadonlyMap<number, readonly Buffer[]>;
}

export interface PackedExpression {
  readonly name: string;
  readonly attributes: ReadonlyMap<number, Buffer>;
  /** Of a raw expression: netlink attributes, in place of the others. */
  readonly raw?: Buffer;
}

interface Field {
  readonly id: number;
  readonly kind: number;
  readonly bytes: Buffer;
}

const MAGIC = 0x314c464e;
/** NLA_F_NESTED is not part of an attribute's number. */
const TYPE_MASK = 0x3fff;

/** What a transaction says before its operations. */
export interface PackedHeader {
  /** 0: any. */
  readonly generation: number;
  readonly isCheck: boolean;
}

export function unpackHeader(packed: Uint8Array): PackedHeader {
  const view = new DataView(packed.buffer, packed.byteOffset, packed.byteLength);
  if (view.getUint32(0, true) !== MAGIC) throw new Error('not a packed transaction');
  return { generation: view.getUint32(8, true), isCheck: (view.getUint32(12, true) & CHECK_ONLY) !== 0 };
}

export function unpack(packed: Uint8Array): readonly PackedOperation[] {
  const buffer = Buffer.from(packed.buffer, packed.byteOffset, packed.byteLength);
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
  const raw = new Map<number, Buffer>();
  let count: number | undefined;
  for (const { id, kind, bytes } of fields(body)) {
    switch (kind) {
      case 0:
        attributes.set(id, bytes);
        break;
      case 1:
        expressions.push(readExpression(bytes));
        break;
      case 2:
        columns.set(id, fixedColumn(bytes, count ?? 0));
        break;
      case 3:
        columns.set(id, variableColumn(bytes, count ?? 0));
        break;
      case 4:
        count = bytes.readUInt32LE(0);
        break;
      case 5:
        expressions.push({ name: expressionName(bytes), attributes: new Map(), raw: bytes.subarray(16) });
        break;
      case 6:
        raw.set(id & TYPE_MASK, bytes);
        break;
    }
  }
  return { attributes, expressions, raw, columns, count };
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
  const attributes = new Map([...fields(bytes.subarray(16))].map(({ id, bytes: value }) => [id, value]));
  return { name: expressionName(bytes), attributes };
}

function expressionName(bytes: Buffer): string {
  return bytes.toString('latin1', 0, 16).replace(/\0+$/, '');
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
