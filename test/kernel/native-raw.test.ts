import { describe, expect, test } from 'vitest';
import { loadNative } from '../../src/native/load.ts';
import {
  addRule,
  elementOperation,
  expression,
  field,
  IPV4,
  keys,
  operation,
  text,
  transaction,
  u16,
  u32,
} from './native-packer.ts';

/** What goes past libnftnl: raw expressions (kind 5), raw attributes (kind 6), names of objects. */

const native = loadNative();
const RAW_EXPRESSION = 5;
const RAW_ATTRIBUTE = 6;

function refusal(...operations: readonly Buffer[]): string {
  try {
    native.encode(transaction(...operations));
  } catch (error) {
    return (error as Error).message;
  }
  return 'encoded';
}

function rawExpression(name: string, data: Uint8Array): Buffer {
  const padded = Buffer.alloc(16);
  padded.write(name, 'latin1');
  return field(0, RAW_EXPRESSION, Buffer.concat([padded, data]));
}

const attribute = (type: number, value: Buffer) => Buffer.concat([u16(4 + value.length, type), value]);
const zero = (name: string) => Buffer.from(`${name}\0`);

/** The attributes of the one message of a transaction. */
function attributesOf(op: Buffer): string {
  const batch = Buffer.from(native.encode(transaction(op)));
  const begin = batch.readUInt32LE(0);
  return batch.subarray(begin + 20, begin + batch.readUInt32LE(begin)).toString('hex');
}

describe('raw expressions', () => {
  const data = attribute(1, u32(0x01000000));
  const rule = (...fields: readonly Buffer[]) => operation(6, 0, IPV4, text(1, 't'), text(2, 'c'), ...fields);

  test('stand in order between those of libnftnl', () => {
    const hex = attributesOf(
      rule(expression('notrack'), rawExpression('inner', data), expression('counter')),
    );
    const names = ['notrack', 'inner', 'counter'].map((name) =>
      hex.indexOf(Buffer.from(`${name}\0`).toString('hex')),
    );
    expect(names.every((at, i) => at > (names[i - 1] ?? 0))).toBe(true);
    expect(hex).toContain(data.toString('hex'));
  });

  test.each([
    ['an attribute that leads outside', Buffer.concat([u16(9, 1), u32(1)])],
    ['an attribute shorter than its header', Buffer.concat([u16(3, 1), u32(1)])],
    ['bytes after the last attribute', Buffer.concat([data, u16(0, 0)])],
    ['half a header', Buffer.from([8, 0, 1])],
  ])('with %s are refused', (_, bytes) => {
    expect(refusal(rule(rawExpression('inner', bytes)))).toMatch(/no attributes|impossible length/);
  });

  test('without an end of their name, without a name field, or elsewhere than in a rule are refused', () => {
    expect(refusal(rule(rawExpression('a'.repeat(16), data)))).toContain('name has no end');
    expect(refusal(rule(field(0, RAW_EXPRESSION, Buffer.alloc(8))))).toContain('impossible length');
    expect(refusal(operation(0, 0, IPV4, text(0, 't'), rawExpression('inner', data)))).toContain(
      'does not belong',
    );
    expect(refusal(elementOperation(12, 0, 't', 's', 1, keys(1), rawExpression('inner', data)))).toContain(
      'does not belong',
    );
    expect(refusal(rule(expression('counter', rawExpression('inner', data))))).toContain('no attribute');
  });
});

describe('raw attributes', () => {
  test('are all that an object or a flowtable consists of', () => {
    const fields = [field(1, RAW_ATTRIBUTE, zero('t')), field(0x8004, RAW_ATTRIBUTE, Buffer.alloc(0))];
    for (const message of [18, 20, 22, 24, 31, 32]) {
      expect(attributesOf(operation(message, 0, IPV4, ...fields))).toBe('06000100740000000400' + '0480');
    }
    expect(refusal(operation(18, 0, IPV4, text(0, 't')))).toContain('does not have');
  });

  test('follow what libnftnl writes of other messages', () => {
    const chain = operation(3, 0, IPV4, text(2, 't'), text(0, 'c'), field(99, RAW_ATTRIBUTE, u32(7)));
    expect(attributesOf(chain).endsWith('0800630007000000')).toBe(true);
  });

  test('of more bytes than a message may have are refused', () => {
    const huge = operation(18, 0, IPV4, field(1, RAW_ATTRIBUTE, Buffer.alloc(70_000)));
    expect(refusal(huge)).toContain('more than 65535 bytes');
    const many = Array.from({ length: 40 }, () => field(1, RAW_ATTRIBUTE, Buffer.alloc(2000)));
    expect(refusal(operation(18, 0, IPV4, ...many))).toContain('more than 65535 bytes');
    const rules = operation(
      6,
      0,
      IPV4,
      text(1, 't'),
      ...Array.from({ length: 5000 }, () => rawExpression('x', Buffer.alloc(0))),
    );
    expect(refusal(rules)).toContain('more than 65535 bytes');
  });

  test('messages that change nothing here are refused', () => {
    for (const message of [15, 16, 17, 19, 21, 23, 25, 33]) {
      expect(refusal(operation(message, 0, IPV4))).toContain('nothing here is made');
    }
    expect(refusal(addRule('t', 'c'))).toBe('encoded');
  });
});

describe('names of objects', () => {
  const column = (...names: readonly string[]) => {
    const offsets = [0];
    for (const name of names) offsets.push((offsets.at(-1) ?? 0) + name.length);
    return field(10, 3, Buffer.concat([u32(...offsets), Buffer.from(names.join(''))]));
  };

  test('are written for the elements that have one', () => {
    const hex = attributesOf(elementOperation(12, 0, 't', 's', 2, keys(2), column('web', '')));
    expect(hex).toContain(`08000900${zero('web').toString('hex')}`);
    expect(hex.match(/0900776562/g)).toHaveLength(1);
  });

  test('with a zero or impossible offsets are refused', () => {
    const list = (bad: Buffer) => elementOperation(12, 0, 't', 's', 1, keys(1), bad);
    expect(refusal(list(column('a\0b')))).toContain('a name with a zero');
    expect(refusal(list(field(10, 3, u32(0, 9))))).toContain('impossible offsets');
    expect(refusal(list(field(10, 2, u32(4, 9))))).toContain('wrong kind');
  });
});
