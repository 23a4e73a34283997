import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadNative } from '../../src/native/load.ts';
import { sampleTransactions } from './sample-transactions.ts';

/** Writes what the fuzz targets of native/fuzz start from: `write-seeds.ts FOLDER` makes one folder for each target. */

const HEADER_BYTES = 16;
const OPERATION_BYTES = 12;
const BLAMED_OFFSETS = [0, 20, 28, 40, 52];

function u16(...values: readonly number[]): Buffer {
  return Buffer.from(new Uint16Array(values).buffer);
}

function u32(...values: readonly number[]): Buffer {
  return Buffer.from(new Uint32Array(values).buffer);
}

function attribute(type: number, value: Uint8Array): Buffer {
  return Buffer.concat([u16(4 + value.length, type), value, Buffer.alloc(-value.length & 3)]);
}

function message(type: number, flags: number, sequence: number, payload: Uint8Array): Buffer {
  return Buffer.concat([u32(16 + payload.length), u16(type, flags), u32(sequence, 0), payload]);
}

/** An NLMSG_ERROR that blames the attribute at an offset. */
function error(errno: number, sequence: number, offset: number): Buffer {
  const blamed = message(0xa0c, 5, sequence, Buffer.alloc(0));
  const attributes = [attribute(1, Buffer.from('text\0')), attribute(2, u32(offset))];
  // NLM_F_CAPPED and NLM_F_ACK_TLVS.
  return message(2, 0x300, sequence, Buffer.concat([u32(-errno >>> 0), blamed, ...attributes]));
}

/** A script of native/fuzz/scripted_kernel.h. */
function script(...datagrams: readonly Buffer[]): Buffer {
  return Buffer.concat(datagrams.flatMap((datagram) => [u16(datagram.length), datagram]));
}

const RECEIVE_FAILS = Buffer.concat([u16(0xffff), Buffer.of(105)]);
const TABLE = Buffer.concat([Buffer.of(2, 0, 0, 1), attribute(1, Buffer.from('t\0'))]);

function replySeeds(): ReadonlyMap<string, Uint8Array> {
  const part = message(0xa00, 2, 1, TABLE);
  const done = message(3, 2, 1, u32(0));
  return new Map([
    ['acknowledged', script(error(0, 1, 0))],
    ['refused', script(error(17, 3, 36), error(2, 4, 0))],
    ['table-and-element', script(Buffer.concat([error(1, 2, 20), error(17, 3, 44)]))],
    ['lost', Buffer.concat([script(error(17, 3, 36)), RECEIVE_FAILS, script(error(2, 4, 0))])],
    ['dump', script(Buffer.concat([part, part]), part, done)],
    ['interrupted', script(part, message(3, 0x12, 1, u32(0)))],
    ['single', script(part, error(0, 1, 0))],
    ['failed', script(part, message(3, 2, 1, u32(-4 >>> 0)))],
  ]);
}

/** Two messages and their answers: one done, one refused. */
function messageSeeds(): ReadonlyMap<string, Uint8Array> {
  const sent = Buffer.concat([message(0x102, 0, 0, TABLE), message(0x102, 0, 0, TABLE)]);
  return new Map([
    ['answered', Buffer.concat([Buffer.of(sent.length / 4), sent, script(error(0, 1, 0), error(2, 2, 20))])],
    ['lost', Buffer.concat([Buffer.of(sent.length / 4), sent, RECEIVE_FAILS, script(error(2, 2, 20))])],
  ]);
}

/** A transaction's events, with datagrams lost before and an error at the end. */
function eventSeeds(): ReadonlyMap<string, Uint8Array> {
  const table = message(0xa00, 0x400, 0, TABLE);
  const generation = message(0xa0f, 0, 0, Buffer.concat([Buffer.of(0, 0, 0, 1), attribute(1, u32(7))]));
  const failure = Buffer.concat([u16(0xffff), Buffer.of(9)]);
  return new Map([
    ['transaction', script(table, generation)],
    ['one-datagram', script(Buffer.concat([table, generation]), TABLE)],
    ['gap', Buffer.concat([script(table), RECEIVE_FAILS, script(generation)])],
    ['failed', Buffer.concat([script(table), failure, script(generation)])],
  ]);
}

/** The columns of an element operation, behind one byte with their number. */
function elementSeed(packed: Uint8Array): Uint8Array {
  const view = new DataView(packed.buffer, packed.byteOffset, packed.byteLength);
  const size = view.getUint32(HEADER_BYTES + 8, true);
  const fields = packed.subarray(HEADER_BYTES + OPERATION_BYTES, HEADER_BYTES + OPERATION_BYTES + size);
  const columns: Uint8Array[] = [];
  let count = 0;
  for (let at = 0; at < fields.length; ) {
    const kind = fields[at + 2] ?? 0;
    const length = view.getUint32(HEADER_BYTES + OPERATION_BYTES + at + 4, true);
    const next = at + 8 + ((length + 3) & ~3);
    if (kind === 4) count = fields[at + 8] ?? 0;
    if (kind === 2 || kind === 3) columns.push(fields.subarray(at, next));
    at = next;
  }
  return Buffer.concat([Buffer.of(count), ...columns]);
}

/** Each operation as a transaction of its own. */
function* operations(packed: Uint8Array): Generator<Uint8Array> {
  const view = new DataView(packed.buffer, packed.byteOffset, packed.byteLength);
  for (let at = HEADER_BYTES; at < packed.length; ) {
    const next = at + OPERATION_BYTES + view.getUint32(at + 8, true);
    yield Buffer.concat([packed.subarray(0, 4), u32(1, 0, 0), packed.subarray(at, next)]);
    at = next;
  }
}

function write(folder: string, seeds: Iterable<readonly [string, Uint8Array]>): void {
  mkdirSync(folder, { recursive: true });
  for (const [name, bytes] of seeds) writeFileSync(join(folder, name), bytes);
}

const [, , target = ''] = process.argv;
if (target === '') throw new Error('usage: write-seeds.ts FOLDER');
const native = loadNative();
const transactions = sampleTransactions();
const elements = [...operations(transactions.get('elements') ?? new Uint8Array(0))];
write(join(target, 'transaction'), transactions);
write(
  join(target, 'elements'),
  elements.map((packed, index) => [`operation-${index}`, elementSeed(packed)] as const),
);
write(join(target, 'replies'), replySeeds());
write(join(target, 'messages'), messageSeeds());
write(join(target, 'events'), eventSeeds());
write(
  join(target, 'blame'),
  elements.flatMap((packed, index) => {
    const begin = 20; // the batch's begin
    const encoded = native.encode(packed).subarray(begin);
    return BLAMED_OFFSETS.map(
      (offset) => [`operation-${index}-at-${offset}`, Buffer.concat([u32(offset), encoded])] as const,
    );
  }),
);
