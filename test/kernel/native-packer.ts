/** Packs transactions by hand, straight from docs/packed-format.md: these tests must not depend on src/nft/pack. */

export const NLM_F_EXCL = 0x200;
export const NLM_F_CREATE = 0x400;
export const NLM_F_APPEND = 0x800;
export const NLM_F_DUMP = 0x300;
export const INET = 1;
export const IPV4 = 2;

const MAGIC = 0x314c464e;

export function u16(...values: readonly number[]): Buffer {
  return Buffer.from(new Uint16Array(values).buffer);
}

export function u32(...values: readonly number[]): Buffer {
  return Buffer.from(new Uint32Array(values).buffer);
}

export function field(id: number, kind: number, value: Uint8Array): Buffer {
  const padding = Buffer.alloc(-value.length & 3);
  return Buffer.concat([u16(id, kind), u32(value.length), value, padding]);
}

export function text(id: number, value: string): Buffer {
  return field(id, 0, Buffer.from(value));
}

export function number(id: number, value: number): Buffer {
  return field(id, 0, u32(value));
}

export function expression(name: string, ...attributes: readonly Buffer[]): Buffer {
  const padded = Buffer.alloc(16);
  padded.write(name);
  return field(0, 1, Buffer.concat([padded, ...attributes]));
}

export function operation(
  message: number,
  flags: number,
  family: number,
  ...fields: readonly Buffer[]
): Buffer {
  const body = Buffer.concat(fields);
  return Buffer.concat([u16(message, flags), Buffer.of(family, 0, 0, 0), u32(body.length), body]);
}

export function transaction(...operations: readonly Buffer[]): Buffer {
  return transactionAt(0, ...operations);
}

/** A transaction for one generation of the ruleset; 0: any. */
export function transactionAt(generation: number, ...operations: readonly Buffer[]): Buffer {
  return Buffer.concat([u32(MAGIC, operations.length, generation, 0), ...operations]);
}

export function addTable(name: string): Buffer {
  return operation(0, NLM_F_CREATE, IPV4, text(0, name));
}

export function deleteTable(name: string): Buffer {
  return operation(2, 0, IPV4, text(0, name));
}

export function addChain(table: string, name: string): Buffer {
  return operation(3, NLM_F_CREATE, IPV4, text(2, table), text(0, name));
}

/** A rule that counts and then accepts. */
export function addRule(table: string, chain: string, comment?: string): Buffer {
  const userdata =
    comment === undefined
      ? []
      : [field(7, 0, Buffer.concat([Buffer.of(0, comment.length + 1), Buffer.from(`${comment}\0`)]))];
  return operation(
    6,
    NLM_F_CREATE | NLM_F_APPEND,
    IPV4,
    text(1, table),
    text(2, chain),
    expression('counter'),
    expression('immediate', number(1, 0), number(3, 1)),
    ...userdata,
  );
}

/** A set of IPv4 addresses. */
export function addSet(table: string, name: string): Buffer {
  return operation(
    9,
    NLM_F_CREATE,
    IPV4,
    text(0, table),
    text(1, name),
    number(3, 7),
    number(4, 4),
    number(8, 1),
  );
}

/** The key column of `count` IPv4 addresses from 10.0.0.0 on. */
export function keys(count: number, start = 0x0a000000): Buffer {
  const column = Buffer.alloc(4 + 4 * count);
  column.writeUInt32LE(4, 0);
  for (let i = 0; i < count; i++) column.writeUInt32BE(start + i, 4 + 4 * i);
  return field(2, 2, column);
}

export function elementOperation(
  message: number,
  flags: number,
  table: string,
  set: string,
  count: number,
  ...columns: readonly Buffer[]
): Buffer {
  return operation(message, flags, IPV4, text(0, table), text(1, set), field(0, 4, u32(count)), ...columns);
}

export function addElements(table: string, set: string, count: number, start?: number): Buffer {
  return elementOperation(12, NLM_F_CREATE | NLM_F_EXCL, table, set, count, keys(count, start));
}

export function deleteElements(table: string, set: string, count: number, start?: number): Buffer {
  return elementOperation(14, 0, table, set, count, keys(count, start));
}

/** A netlink attribute, for `request`. */
export function attribute(type: number, value: string): Buffer {
  const bytes = Buffer.from(`${value}\0`);
  return Buffer.concat([u16(4 + bytes.length, type), bytes, Buffer.alloc(-bytes.length & 3)]);
}
