import { describe, expect, it } from 'vitest';
import { loadNative } from '../../src/native/load.ts';
import { attributeMap } from '../../src/netlink/attribute.ts';
import type { Field } from '../../src/nft/expression/field.ts';
import { EXPRESSION_KINDS } from '../../src/nft/expression/kinds.ts';
import {
  addChain,
  addElements,
  addRule,
  addSet,
  addTable,
  elementOperation,
  expression,
  field,
  IPV4,
  keys,
  number,
  operation,
  text,
  transaction,
  u32,
} from './native-packer.ts';

const native = loadNative();

/** Encodes, or says why not. */
function encode(packed: Uint8Array): Uint8Array | string {
  try {
    return native.encode(packed);
  } catch (error) {
    return (error as Error).message;
  }
}

function messages(bytes: Uint8Array) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const found = [];
  for (let at = 0; at < bytes.length; at += (view.getUint32(at, true) + 3) & ~3) {
    found.push({
      length: view.getUint32(at, true),
      type: view.getUint16(at + 4, true),
      flags: view.getUint16(at + 6, true),
      sequence: view.getUint32(at + 8, true),
    });
  }
  return found;
}

/** A value that a field takes: a number, a bigint, bytes or a text. */
function sampleOf(described: Field<never, unknown>): unknown {
  const samples = [0x01020304, 0x0102, 1, 5n, Buffer.of(1, 2, 3, 4, 5), 'a name'];
  return samples.find((sample) => {
    try {
      return described.toLibrary(sample as never).length > 0;
    } catch {
      return false;
    }
  });
}

/** What is in NFTA_EXPR_DATA of the only expression of the only rule. */
function dataOfExpression(batch: Uint8Array): Uint8Array {
  // Behind the batch's begin, the rule's nlmsghdr and nfgenmsg.
  const message = attributeMap(batch.subarray(40));
  const list = attributeMap(message.get(4));
  const data = attributeMap(list.get(1)).get(2);
  if (data === undefined) throw new Error('no expression');
  return data;
}

const everything = transaction(
  addTable('t'),
  addChain('t', 'c'),
  operation(
    3,
    0,
    IPV4,
    text(2, 't'),
    text(0, 'd'),
    number(3, 0),
    number(4, 0),
    field(12, 0, Buffer.from('a\0bc\0')),
  ),
  addRule('t', 'c', 'hello'),
  operation(
    6,
    0,
    IPV4,
    text(1, 't'),
    text(2, 'c'),
    expression('payload', number(1, 1), number(2, 1), number(3, 12), number(4, 4)),
    expression('bitwise', number(1, 1), number(2, 1), number(3, 4), field(4, 0, u32(1)), field(5, 0, u32(2))),
    expression('cmp', number(1, 1), number(2, 0), field(3, 0, Buffer.of(10, 0, 0, 1))),
    expression('immediate', number(1, 0), number(3, -3 >>> 0), text(4, 'd')),
    expression('match', text(1, 'mark'), number(2, 1), field(3, 0, Buffer.alloc(13, 1))),
    expression('log', text(1, 'prefix'), field(2, 0, Buffer.of(1, 0))),
    expression('notrack'),
  ),
  addSet('t', 's'),
  operation(9, 0, IPV4, text(0, 't'), text(1, 'u'), number(2, 0x80), field(16, 0, Buffer.of(4, 2))),
  elementOperation(
    12,
    0x400,
    't',
    's',
    3,
    number(8, 7),
    field(1, 2, u32(4, 0, 1, 0)),
    keys(3),
    field(3, 2, u32(4, 1, 0xfffffffd, 0)),
    field(4, 3, Buffer.concat([u32(0, 0, 2, 2), Buffer.from('cc')])),
    field(6, 2, u32(8, 1, 0, 2, 0, 3, 0)),
    field(8, 3, Buffer.concat([u32(0, 5, 5, 5), Buffer.from([0, 3, 1, 2, 0])])),
  ),
);

describe('encode', () => {
  it('frames a batch and numbers its messages from 1', () => {
    const bytes = native.encode(transaction(addTable('t'), addChain('t', 'c')));
    expect(messages(bytes).map(({ type, flags, sequence }) => [type, flags, sequence])).toEqual([
      [16, 1, 1],
      [0xa00, 0x401, 2],
      [0xa03, 0x401, 3],
      [17, 1, 4],
    ]);
  });

  it('writes every attribute of every expression as the descriptions of expressions do', () => {
    let compared = 0;
    for (const kind of EXPRESSION_KINDS.values()) {
      for (const [name, described] of Object.entries(kind.fields)) {
        if (described.library === undefined) continue;
        const values = { [name]: sampleOf(described) } as never;
        const fields = kind.make(values).attributes.map(({ id, bytes }) => field(id, 0, Buffer.from(bytes)));
        const data = dataOfExpression(native.encode(transaction(rule(expression(kind.name, ...fields)))));
        expect([kind.name, name, Buffer.from(data)]).toEqual([
          kind.name,
          name,
          Buffer.from(kind.encode(values).data),
        ]);
        compared++;
      }
    }
    expect(compared).toBeGreaterThan(120);
  });

  it('asks for no acknowledgement: none is needed, and many would fill the receive buffer', () => {
    const batch = messages(
      native.encode(transaction(addTable('t'), addSet('t', 's'), addElements('t', 's', 5_000))),
    );
    expect(batch.length).toBeGreaterThan(4);
    const acknowledge = 4;
    expect(batch.filter(({ flags }) => (flags & acknowledge) !== 0)).toEqual([]);
  });

  it('gives the same bytes every time', () => {
    expect(native.encode(everything)).toEqual(native.encode(everything));
  });

  it('keeps each message of a split list within 16 bits of length', () => {
    const found = messages(native.encode(transaction(addElements('t', 's', 20_000))));
    const lists = found.filter(({ type }) => type === 0xa0c);
    expect(lists).toHaveLength(5); // 16 bytes an element
    for (const { length } of lists) expect(length).toBeLessThan(65_600);
  });

  it('writes the end of a range without anything but its key, and the element of all keys without one', () => {
    const flags = field(1, 2, Buffer.concat([u32(4), u32(0), u32(1), u32(2)]));
    const data = field(5, 2, Buffer.concat([u32(4), u32(7), u32(7), u32(7)]));
    const statements = field(12, 3, Buffer.concat([u32(0), u32(4), u32(8), u32(12), u32(9), u32(9), u32(9)]));
    const packed = (...more: readonly Buffer[]) =>
      encode(transaction(elementOperation(12, 0x400, 't', 's', 3, flags, keys(3), ...more)));
    const hex = (bytes: string | Uint8Array) =>
      typeof bytes === 'string' ? bytes : Buffer.from(bytes).toString('hex');
    const value = (n: number) => `08000100${n.toString(16).padStart(8, '0')}`;
    const elements = [
      `1c000180${'0c000180'}${value(0x0a000000)}${'0c000280'}0800010007000000`,
      `18000180${'0800030000000001'}${'0c000180'}${value(0x0a000001)}`,
      `18000180${'0800030000000002'}${'0c000280'}0800010007000000`,
    ];
    expect(hex(packed(data))).toContain(elements.join(''));
    expect(hex(packed(data, statements))).toContain(
      `${elements[0]?.replace('1c000180', '20000180')}09000000${elements[1]}`,
    );
    expect(packed(field(12, 3, Buffer.concat([u32(0), u32(3), u32(3), u32(3), u32(9)])))).toContain(
      'statements of impossible length',
    );
    expect(packed(field(12, 3, Buffer.concat([u32(0), u32(8), u32(8), u32(8), u32(9)])))).toContain(
      'impossible offsets',
    );
  });

  it('reads an array that does not start at a multiple of 4', () => {
    const shifted = new Uint8Array(everything.length + 1).subarray(1);
    shifted.set(everything);
    expect(native.encode(shifted)).toEqual(native.encode(everything));
  });

  it.each([
    ['an integer of the wrong width', operation(0, 0, IPV4, field(2, 0, Buffer.of(1, 2)))],
    ['a text with a zero', operation(0, 0, IPV4, text(0, 'a\0b'))],
    ['data above 64 bytes', rule(expression('cmp', field(3, 0, Buffer.alloc(65))))],
    ['sixteen lengths of fields', operation(9, 0, IPV4, field(16, 0, Buffer.alloc(16, 4)))],
    [
      'data and a verdict in one immediate',
      rule(expression('immediate', text(4, 'c'), field(2, 0, u32(1, 2, 3, 4)))),
    ],
    // libnftnl would leak the name.
    ['a chain without a jump', rule(expression('immediate', text(4, 'c'), number(3, 1)))],
    ['an unknown expression', rule(expression('inner'))],
    ['an unknown attribute', rule(expression('counter', number(9, 1)))],
    ['an expression within an expression', rule(expression('dynset', expression('counter')))],
    ['a message that asks', operation(1, 0, IPV4, text(0, 't'))],
    ['an acknowledgement flag', operation(0, 4, IPV4, text(0, 't'))],
    ['devices without an end', operation(3, 0, IPV4, field(12, 0, Buffer.from('lo')))],
    ['a device without a name', operation(3, 0, IPV4, field(12, 0, Buffer.from('\0\0\0\0')))],
    ['a column before the count', operation(12, 0, IPV4, text(0, 't'), text(1, 's'), keys(1))],
    ['fewer keys than elements', elementOperation(12, 0, 't', 's', 3, keys(2))],
    ['offsets that go back', elementOperation(12, 0, 't', 's', 1, keys(1), field(8, 3, u32(4, 0, 0)))],
    ['four milliards of elements', elementOperation(12, 0, 't', 's', 0xffffffff)],
    [
      'userdata above 16 bits',
      elementOperation(
        12,
        0,
        't',
        's',
        1,
        keys(1),
        field(8, 3, Buffer.concat([u32(0, 70_000), Buffer.alloc(70_000)])),
      ),
    ],
    [
      'a rule above 16 bits',
      rule(...Array.from({ length: 3_000 }, () => expression('counter', field(1, 0, u32(1, 0))))),
    ],
  ])('refuses %s', (_, bad) => {
    const result = encode(transaction(addTable('t'), bad));
    expect(result).toBeTypeOf('string');
    expect(result).toMatch(/^operation 1: /);
  });

  it('refuses arguments of other types', () => {
    for (const bad of [undefined, 1, 'x', new Uint16Array(8), new ArrayBuffer(16), null]) {
      expect(() => native.encode(bad as never)).toThrow(TypeError);
    }
  });

  it('survives a buffer that ends anywhere', () => {
    for (let length = 0; length < everything.length; length++) {
      expect(encode(everything.subarray(0, length))).toBeTypeOf('string');
    }
  });

  it('survives 20,000 random mutations', () => {
    const random = generator(20_251_121);
    let refused = 0;
    for (let i = 0; i < 20_000; i++) {
      const mutant = Buffer.from(everything);
      for (let edits = 1 + random(4); edits > 0; edits--) {
        const at = random(mutant.length);
        mutant[at] = random(2) === 0 ? random(256) : (mutant[at] ?? 0) ^ (1 << random(8));
      }
      if (typeof encode(mutant) === 'string') refused++;
    }
    expect(refused).toBeGreaterThan(1_000);
    expect(refused).toBeLessThan(20_000);
  });
});

function rule(...expressions: readonly Buffer[]): Buffer {
  return operation(6, 0, IPV4, text(1, 't'), text(2, 'c'), ...expressions);
}

/** mulberry32: the same numbers on every run. */
function generator(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

describe("the header's flags", () => {
  const withFlags = (flags: number) => {
    const packed = transaction(addTable('t'));
    packed.writeUInt32LE(flags, 12);
    return packed;
  };
  const BATCH_END = 17;

  it('1 leaves out the end of the batch, without which nothing is committed', () => {
    const committed = messages(encode(withFlags(0)) as Uint8Array);
    const checked = messages(encode(withFlags(1)) as Uint8Array);
    expect(committed.at(-1)?.type).toBe(BATCH_END);
    expect(checked).toEqual(committed.slice(0, -1));
  });

  it('others are refused', () => {
    expect(encode(withFlags(2))).toContain('flags that are not known');
    expect(encode(withFlags(3))).toContain('flags that are not known');
  });
});
