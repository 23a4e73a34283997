import { describe, expect, test } from 'vitest';
import { InvalidArgumentError } from '../../src/invalid-argument.ts';
import { loadNative } from '../../src/native/load.ts';
import { type Message, messages } from '../../src/netlink/message.ts';
import { MalformedOutcomeError, readOutcome } from '../../src/netlink/outcome.ts';
import type { AnySet } from '../../src/nft/set.ts';
import { readElements } from '../../src/read/elements.ts';
import { readChain, readRule, readSet, readTable } from '../../src/read/objects.ts';
import { readFlowtable, readObject } from '../../src/read/stateful.ts';
import { mutate, seeded } from '../fuzz/random.ts';
import { SAMPLE_SETS, SAMPLE_TABLE, sampleTransactions } from '../fuzz/sample-transactions.ts';

/** Bytes from outside are read or refused by a typed error, whatever they are. NFTLINK_MUTATIONS sets how many are tried. */

const MUTATIONS = Number(process.env['NFTLINK_MUTATIONS'] ?? 200_000);
const NFTA_RULE_HANDLE = 3;
const FIRST_MESSAGE = 20;
const NFT_MSG = { newTable: 0, newChain: 3, newRule: 6, newSet: 9, newElement: 12 } as const;

function u16(...values: readonly number[]): Buffer {
  return Buffer.from(new Uint16Array(values).buffer);
}

function u32(...values: readonly number[]): Buffer {
  return Buffer.from(new Uint32Array(values).buffer);
}

function attribute(type: number, value: Uint8Array): Buffer {
  return Buffer.concat([u16(4 + value.length, type), value, Buffer.alloc(-value.length & 3)]);
}

function message(...attributes: readonly Uint8Array[]): Buffer {
  const length = FIRST_MESSAGE + attributes.reduce((sum, { length }) => sum + length, 0);
  return Buffer.concat([u32(length), u16(0xa00, 0), u32(1, 0), Buffer.of(1, 0, 0, 0), ...attributes]);
}

/** The messages of the sample transactions, as the kernel would send them back: with the same attributes, and rules with handles. */
function sampleMessages(type: number): readonly Uint8Array[] {
  const native = loadNative();
  return [...sampleTransactions().values()]
    .flatMap((packed) => [...messages(native.encode(packed))])
    .filter((sent) => sent.subsystem === 10 && sent.type === type)
    .map(({ attributes }) =>
      type === NFT_MSG.newRule
        ? message(attributes, attribute(NFTA_RULE_HANDLE, Buffer.alloc(8, 1)))
        : message(attributes),
    );
}

const OBJECT_TYPES = Array.from({ length: 12 }, (_, type) => type);

/** Every attribute once as four bytes, once as eight, once as a text. */
const OBJECT_DATA = [
  ...OBJECT_TYPES.map((type) => attribute(type, Buffer.alloc(4, 1))),
  ...OBJECT_TYPES.map((type) => attribute(type, Buffer.alloc(8, 1))),
  ...OBJECT_TYPES.map((type) => attribute(type, Buffer.from('text\0'))),
];

const objects = OBJECT_TYPES.flatMap((type) =>
  OBJECT_DATA.map((data) => {
    const number = Buffer.of(0, 0, 0, type);
    const names = [attribute(1, Buffer.from('sample\0')), attribute(2, Buffer.from('o\0'))];
    return message(...names, attribute(3, number), attribute(4, data));
  }),
);

const devices = Buffer.concat([attribute(1, Buffer.from('lo\0')), attribute(1, Buffer.from('eth0\0'))]);
const flowtable = message(
  attribute(1, Buffer.from('sample\0')),
  attribute(2, Buffer.from('f\0')),
  attribute(
    3,
    Buffer.concat([
      attribute(1, u32(0)),
      attribute(2, Buffer.of(0xff, 0xff, 0xff, 0)),
      attribute(3, devices),
    ]),
  ),
);

/** Two failures, one of which names an element of an operation, by a path. */
const outcome = Buffer.concat([
  u32(1, 0, 0, 2, 0, 512, 1024, 0),
  u32(3, 17, 5, 2, 0x30003, 0x50001, 4),
  Buffer.from('text'),
  u32(0xffffffff, 1, 0xffffffff, 0, 0),
]);

interface Decoder {
  readonly name: string;
  readonly seeds: readonly Uint8Array[];
  /** How many of something it found. */
  readonly decode: (bytes: Uint8Array) => number;
}

function each(name: string, seeds: readonly Uint8Array[], read: (message: Message) => unknown): Decoder {
  const decode = (bytes: Uint8Array) => [...messages(bytes)].filter((one) => read(one) !== undefined).length;
  return { name, seeds, decode };
}

function elements(set: AnySet): Decoder {
  const seeds = sampleMessages(NFT_MSG.newElement).filter((bytes) => Buffer.from(bytes).includes(set.name));
  const decode = (bytes: Uint8Array) =>
    [...messages(bytes)].flatMap((one) => [...readElements(set, one)]).length;
  return { name: `elements of ${set.name}`, seeds, decode };
}

const decoders: readonly Decoder[] = [
  each('tables', sampleMessages(NFT_MSG.newTable), readTable),
  each('chains', sampleMessages(NFT_MSG.newChain), (one) => readChain(one, SAMPLE_TABLE)),
  each('rules', sampleMessages(NFT_MSG.newRule), (one) => readRule(one, SAMPLE_TABLE)),
  each('sets', sampleMessages(NFT_MSG.newSet), (one) => readSet(one, SAMPLE_TABLE)),
  each('objects', objects, (one) => readObject(one, SAMPLE_TABLE)),
  each('flowtables', [flowtable], (one) => readFlowtable(one, SAMPLE_TABLE)),
  ...Object.values(SAMPLE_SETS).map((set) => elements(set)),
  { name: 'outcomes', seeds: [outcome], decode: (bytes) => readOutcome(bytes).failures.length },
];

describe('mutated bytes are read or refused', () => {
  test.each(decoders)(
    '$name',
    ({ seeds, decode }) => {
      const random = seeded(20_251_121);
      expect(seeds.length).toBeGreaterThan(0);
      for (const seed of seeds) expect(decode(seed)).toBeGreaterThan(0);
      let read = 0;
      for (let left = Math.ceil(MUTATIONS / decoders.length); left > 0; left--) {
        const seed = seeds[random(seeds.length)] ?? new Uint8Array(0);
        read += attempt(decode, mutate(seed, random));
      }
      // Neither were all refused, nor did the mutations change nothing.
      expect(read).toBeGreaterThan(0);
    },
    600_000,
  );
});

function attempt(decode: (bytes: Uint8Array) => number, bytes: Uint8Array): number {
  try {
    return decode(bytes);
  } catch (error) {
    if (error instanceof InvalidArgumentError || error instanceof MalformedOutcomeError) return 0;
    throw new Error(`an untyped error for ${Buffer.from(bytes).toString('hex')}`, { cause: error });
  }
}
