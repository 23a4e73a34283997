import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compareAt } from '../../src/nft/interval/key-bytes.ts';
import { arrangeRanges, type RangeList, runNow } from '../../src/nft/interval/range-list.ts';
import { IntervalRows } from '../../src/nft/pack/interval-rows.ts';
import { set, verdictMap } from '../../src/nft/set.ts';
import { table } from '../../src/nft/table.ts';
import { Transaction } from '../../src/nft/transaction.ts';
import { formatIPv4, ipv4Addr, ipv6Addr } from '../../src/nft/type/address.ts';
import { concatType } from '../../src/nft/type/concat.ts';
import type { DataType } from '../../src/nft/type/data-type.ts';
import { inetService, mark } from '../../src/nft/type/integer.ts';
import { readInterval, writeBounds } from '../../src/nft/type/range.ts';
import { ifname } from '../../src/nft/type/text.ts';
import { accept } from '../../src/nft/verdict.ts';
import { pairRanges } from '../../src/read/ranges.ts';
import { KeyIndex } from '../../src/sets/key-index.ts';
import { firstOutside, subtractRanges } from '../../src/sets/subtract.ts';
import { unpack } from '../../src/testing/unpack.ts';
import { fakeTransport } from './fake-transport.ts';

type AnyType = DataType<never, unknown>;

const filter = table('ip', 'filter');

/** Ranges of one byte: small enough to check every key. */
const ranges = fc.array(
  fc.tuple(fc.nat(255), fc.nat(255)).map(([a, b]) => [Math.min(a, b), Math.max(a, b)] as const),
  { maxLength: 40 },
);

function listOf(pairs: readonly (readonly [number, number])[]): RangeList {
  return {
    width: 1,
    count: pairs.length,
    first: Buffer.from(pairs.map(([first]) => first)),
    last: Buffer.from(pairs.map(([, last]) => last)),
  };
}

function keysOf(list: RangeList): Set<number> {
  const keys = new Set<number>();
  for (let i = 0; i < list.count; i++) {
    for (let key = list.first[i] ?? 0; key <= (list.last[i] ?? 0); key++) keys.add(key);
  }
  return keys;
}

function merged(list: RangeList) {
  return runNow(arrangeRanges(list, { merge: true, isAlike: () => true, refuse: () => {} }));
}

describe('merging ranges', () => {
  test('keeps every key and leaves nothing that touches', () => {
    fc.assert(
      fc.property(ranges, (pairs) => {
        const list = listOf(pairs);
        const result = merged(list);
        expect(keysOf(result)).toEqual(keysOf(list));
        for (let i = 1; i < result.count; i++) {
          expect(result.first[i]).toBeGreaterThan((result.last[i - 1] ?? 0) + 1);
        }
        const inGroups = result.merged.reduce((sum, { rows }) => sum + rows.length - 1, 0);
        expect(inGroups).toBe(list.count - result.count);
      }),
    );
  });

  test('subtracting leaves what was in the one and not in the other', () => {
    fc.assert(
      fc.property(ranges, ranges, (one, other) => {
        const [from, taken] = [merged(listOf(one)), merged(listOf(other))];
        const left = [...subtractRanges(from, taken)];
        const keys = new Set(
          left.flatMap(({ first, last }) =>
            Array.from({ length: (last[0] ?? 0) - (first[0] ?? 0) + 1 }, (_, i) => (first[0] ?? 0) + i),
          ),
        );
        const expected = [...keysOf(from)].filter((key) => !keysOf(taken).has(key));
        expect(keys).toEqual(new Set(expected));
        expect(firstOutside(from, taken) === undefined).toBe(expected.length === 0);
      }),
    );
  });

  test('sorts more than one run of keys, of any width', () => {
    for (const width of [2, 4, 16]) {
      const count = 10_001;
      const first = Buffer.alloc(count * width);
      for (let i = 0; i < count; i++) first.writeUInt16BE((i * 7919) % count, (i + 1) * width - 2);
      const sorted = runNow(
        arrangeRanges(
          { width, count, first, last: first },
          { merge: false, isAlike: () => true, refuse: () => {} },
        ),
      );
      for (let i = 1; i < count; i++) {
        expect(compareAt(sorted.first, i - 1, sorted.first, i, width)).toBeLessThan(0);
      }
    }
  });
});

describe('a key as text and as bytes', () => {
  const bounds = (type: AnyType, value: unknown) => {
    const [first, last] = [Buffer.alloc(type.byteLength), Buffer.alloc(type.byteLength)];
    writeBounds(type, value, first, last, 0);
    return [first, last] as const;
  };

  test('of a network comes back as the network', () => {
    fc.assert(
      fc.property(fc.nat(0xffffffff), fc.integer({ min: 0, max: 32 }), (address, bits) => {
        const base = Buffer.alloc(4);
        base.writeUInt32BE(bits === 0 ? 0 : Math.floor(address / 2 ** (32 - bits)) * 2 ** (32 - bits));
        const network = bits === 32 ? formatIPv4(base, 0) : `${formatIPv4(base, 0)}/${bits}`;
        expect(readInterval(ipv4Addr, ...bounds(ipv4Addr, network))).toBe(network);
      }),
    );
  });

  test('of a range covers as many as lie between', () => {
    fc.assert(
      fc.property(fc.nat(0xffffffff), fc.nat(0xffffffff), (a, b) => {
        const value = { from: Math.min(a, b), to: Math.max(a, b) };
        const [first, last] = bounds(mark, value);
        expect(last.readUInt32BE() - first.readUInt32BE()).toBe(value.to - value.from);
        expect(readInterval(mark, first, last)).toEqual(a === b ? a : value);
      }),
    );
  });

  test.each<[AnyType, unknown]>([
    [ipv6Addr, 'fd00::/8'],
    [ipv6Addr, '::/0'],
    [ifname, 'eth*'],
    [ifname, 'lo'],
    [inetService, { from: 1, to: 65535 }],
  ])('$0.name: $1', (type, value) => {
    expect(readInterval(type, ...bounds(type, value))).toEqual(value);
  });

  const service = concatType(ipv4Addr, inetService, mark);
  test('of a concatenation is a range in every field', () => {
    const value = ['10.0.0.0/8', { from: 80, to: 90 }, 5];
    const [first, last] = bounds(service, value);
    expect(first.toString('hex')).toBe('0a0000000050000000000005');
    expect(last.toString('hex')).toBe('0affffff005a000000000005');
    expect(readInterval(service, first, last)).toEqual(value);
  });

  test.each<[AnyType, unknown, string]>([
    [ipv4Addr, '10.0.0.1/8', 'bits set beyond its prefix'],
    [ipv4Addr, '10.0.0.0/33', 'a prefix of 0 to 32 bits'],
    [ipv4Addr, '10.0.0.0/', 'a prefix of 0 to 32 bits'],
    [ipv4Addr, { from: '10.0.0.9', to: '10.0.0.1' }, 'to: "10.0.0.1" is not at least the value of from'],
    [inetService, { from: 1, to: 70_000 }, 'to: 70000'],
    [ifname, '*', 'the start of an interface name'],
    [service, ['10.0.0.0/8', 80], 'an array of 3 values or ranges'],
    [service, ['10.0.0.0/8', { from: 9, to: 8 }, 1], '[1].to: 8'],
  ])('$0.name refuses $1', (type, value, message) => {
    expect(() => bounds(type, value)).toThrow(message);
  });
});

describe('ranges in a dump', () => {
  /** A dump of boundaries, as the kernel sends them. */
  const dump = (boundaries: readonly (readonly [key: number, isEnd: boolean])[]) => {
    const nest = (type: number, ...parts: readonly Buffer[]): Buffer => {
      const body = Buffer.concat(parts);
      const header = Buffer.alloc(4);
      header.writeUInt16LE(4 + body.length, 0);
      header.writeUInt16LE(type, 2);
      return Buffer.concat([header, body, Buffer.alloc(-body.length & 3)]);
    };
    const element = ([key, isEnd]: readonly [number, boolean]) =>
      nest(1, nest(1, nest(1, Buffer.of(key))), ...(isEnd ? [nest(3, Buffer.of(0, 0, 0, 1))] : []));
    const attributes = nest(3, ...boundaries.map(element));
    return [{ type: 12, family: 2, generation16: 0, attributes, flags: 0 }];
  };

  test('are put together from either end, adjacent ones too', () => {
    const flags = fc.record({
      up: fc.boolean(),
      endFirst: fc.boolean(),
      withStart: fc.boolean(),
      joined: fc.boolean(),
    });
    fc.assert(
      fc.property(ranges, flags, (pairs, { up, endFirst, withStart, joined }) => {
        // Neighbours stay apart ranges: only overlaps are merged.
        const list = merged(listOf(pairs.map(([a, b]) => [a & 0xfe, b & 0xfe] as const)));
        const expected = Array.from(
          { length: list.count },
          (_, i) => [list.first[i] ?? 0, list.last[i] ?? 0] as const,
        )
          .flatMap(([first, last]) =>
            first < last
              ? [
                  [first, first],
                  [first + 1, last],
                ]
              : [[first, last]],
          )
          .map(([first = 0, last = 0]) => [first, last] as const);
        const boundaries: [number, boolean][] = withStart ? [[0, true]] : [];
        const starts = new Set(expected.map(([first]) => first));
        for (const [first, last] of expected) {
          boundaries.push([first, false]);
          // In a set without a name nft leaves out an end where another range begins.
          if (!joined || !starts.has(last + 1)) boundaries.push([last + 1, true]);
        }
        boundaries.sort(
          ([a, x], [b, y]) => a - b || (endFirst ? Number(y) - Number(x) : Number(x) - Number(y)),
        );
        if (!up) boundaries.reverse();
        const inKernel = boundaries.filter(([key]) => key < 256);
        const found = [...pairRanges(dump(inKernel) as never)].map(({ first, last }) => [first[0], last[0]]);
        expect(new Set(found.map(String))).toEqual(new Set(expected.map(String)));
      }),
    );
  });
});

describe('a set with intervals', () => {
  const nets = set(filter, 'nets', { key: ipv4Addr, intervals: true, autoMerge: true });
  const packed = (build: (transaction: Transaction) => unknown) => {
    const { transport, sent } = fakeTransport();
    const transaction = new Transaction(transport);
    build(transaction);
    transaction.commitSync();
    return unpack(sent[0] ?? new Uint8Array(0));
  };
  const column = (operation: ReturnType<typeof unpack>[number] | undefined, id: number) =>
    operation?.columns.get(id)?.map((bytes) => bytes.toString('hex'));

  test('packs a range as two elements, and one up to the highest key as one', () => {
    const [operation] = packed((tx) => tx.addElements(nets, ['240.0.0.0/4', '10.0.0.0/8', '1.1.1.1']));
    expect(column(operation, 2)).toEqual(['01010101', '01010102', '0a000000', '0b000000', 'f0000000']);
    expect(column(operation, 1)).toEqual(['00000000', '01000000', '00000000', '01000000', '00000000']);
    expect(column(operation, 8)).toEqual(['', '', '', '', '010401000000']);
  });

  test('begins a new set as nft does', () => {
    const [, first, second] = packed((tx) =>
      tx.add(nets).addElements(nets, ['10.0.0.0/8']).addElements(nets, ['11.0.0.0/8']),
    );
    expect(column(first, 2)).toEqual(['00000000', '0a000000', '0b000000']);
    expect(column(second, 2)).toEqual(['0b000000', '0c000000']);
  });

  test('knows which element of the caller each of the kernel is', () => {
    const keys = ['240.0.0.0/4', '10.0.0.0/8', '10.1.0.0/16', '1.1.1.1'];
    const rows = new IntervalRows(nets, keys, 'elements');
    runNow(rows.arrange());
    expect([0, 1, 2, 3, 4].map((place) => keys[rows.sourceOf(0, place)])).toEqual([
      '1.1.1.1',
      '1.1.1.1',
      '10.0.0.0/8',
      '10.0.0.0/8',
      '240.0.0.0/4',
    ]);
    expect(rows.merged).toEqual([{ into: '10.0.0.0/8', of: ['10.0.0.0/8', '10.1.0.0/16'] }]);
    rows.beginSet();
    expect(rows.sourceOf(0, 1)).toBe(3);
    expect(rows.sourceOf(1, 0)).toBe(1);
  });

  test('of marks turns them round', () => {
    const decide = verdictMap(filter, 'decide', { key: mark, intervals: true });
    const [operation] = packed((tx) => tx.addElements(decide, [[{ from: 1, to: 2 }, accept]]));
    expect(column(operation, 2)).toEqual(['00000001', '00000003']);
  });
});

test('a size comes by itself with more than 1,000 elements, and only then', () => {
  const sizeOf = (count: number, options: { size?: number; dynamic?: true; autoSize?: false }) => {
    const { transport, sent } = fakeTransport();
    const big = set(filter, 'big', { key: inetService, ...options });
    const ports = Array.from({ length: count }, (_, i) => i);
    new Transaction(transport)
      .add(big)
      .addElements(big, ports.slice(0, 600))
      .addElements(big, ports.slice(600))
      .commitSync();
    return unpack(sent[0] ?? new Uint8Array(0))[0]
      ?.attributes.get(10)
      ?.readUInt32LE();
  };
  expect(sizeOf(1000, {})).toBe(0);
  expect(sizeOf(1001, {})).toBe(1536);
  expect(sizeOf(60_000, {})).toBe(98_304);
  expect(sizeOf(60_000, { size: 61_000 })).toBe(61_000);
  expect(sizeOf(2000, { dynamic: true })).toBe(65_535);
  expect(sizeOf(2000, { autoSize: false })).toBeUndefined();
});

test('keys are found by their bytes among many', () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.nat(100_000), { maxLength: 300 }), fc.nat(100_000), (numbers, other) => {
      const keys = Buffer.alloc(4 * numbers.length);
      const index = new KeyIndex(keys, 4, numbers.length);
      for (const [i, number] of numbers.entries()) {
        keys.writeUInt32LE(number, 4 * i);
        expect(index.add(i)).toBeUndefined();
      }
      const wanted = Buffer.alloc(4);
      for (const [i, number] of numbers.entries()) {
        wanted.writeUInt32LE(number);
        expect(index.find(wanted, 0)).toBe(i);
      }
      wanted.writeUInt32LE(other);
      expect(index.find(wanted, 0)).toBe(numbers.includes(other) ? numbers.indexOf(other) : undefined);
    }),
  );
});
