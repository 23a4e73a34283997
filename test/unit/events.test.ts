import { describe, expect, test } from 'vitest';
import { prepareFilter } from '../../src/conntrack/filter.ts';
import { Flow } from '../../src/conntrack/flow.ts';
import { readChanges } from '../../src/monitor/change.ts';
import { KnownSets } from '../../src/monitor/known-sets.ts';
import { readTrace } from '../../src/monitor/trace.ts';
import { attribute, nest, textAttribute, u32Attribute } from '../../src/netlink/attribute.ts';
import { EventStream } from '../../src/netlink/event-stream.ts';
import { type Listening, notifications, notificationsIn } from '../../src/netlink/listening.ts';
import { messages, wholeMessage } from '../../src/netlink/message.ts';
import { RequestError } from '../../src/netlink/request.ts';
import { set } from '../../src/nft/set.ts';
import { table } from '../../src/nft/table.ts';
import { ipv4Addr } from '../../src/nft/type/address.ts';
import { seeded } from '../fuzz/random.ts';

/** What comes from multicast groups is read whatever it is: nothing throws, nothing hangs, nothing is lost silently. */

const RUNS = 20_000;

function message(subsystem: number, type: number, family: number, ...parts: readonly Uint8Array[]): Buffer {
  const body = Buffer.concat(parts);
  const header = Buffer.alloc(20);
  header.writeUInt32LE(20 + body.length, 0);
  header.writeUInt16LE((subsystem << 8) | type, 4);
  header.writeUInt8(family, 16);
  return Buffer.concat([header, body, Buffer.alloc(-body.length & 3)]);
}

const u64 = (type: number, value: bigint) => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(value);
  return attribute(type, bytes);
};

const known = new KnownSets();
known.add(set(table('inet', 't'), 's', { key: ipv4Addr }));

const EVENTS = {
  table: message(10, 0, 1, textAttribute(1, 't')),
  chain: message(10, 3, 1, textAttribute(1, 't'), textAttribute(3, 'c')),
  rule: message(10, 6, 1, textAttribute(1, 't'), textAttribute(2, 'c'), u64(3, 5n)),
  set: message(
    10,
    9,
    1,
    textAttribute(1, 't'),
    textAttribute(2, 'n'),
    u32Attribute(4, 7),
    u32Attribute(5, 4),
  ),
  element: message(
    10,
    12,
    1,
    textAttribute(1, 't'),
    textAttribute(2, 's'),
    nest(3, [nest(1, [nest(1, [attribute(1, Uint8Array.of(10, 0, 0, 1))])])]),
  ),
  trace: message(
    10,
    17,
    1,
    textAttribute(1, 't'),
    textAttribute(2, 'c'),
    u64(3, 5n),
    u32Attribute(4, 3),
    nest(5, [u32Attribute(1, -3), textAttribute(2, 'sub')]),
    u32Attribute(6, 77),
    u32Attribute(10, 2),
    attribute(11, Uint8Array.of(0, 1)),
    u32Attribute(18, 0xabcdef),
    attribute(19, Uint8Array.of(1)),
    u32Attribute(20, 0xc),
    u32Attribute(21, 2),
  ),
  flow: message(
    1,
    0,
    2,
    nest(1, [
      nest(1, [attribute(1, Uint8Array.of(10, 0, 0, 1)), attribute(2, Uint8Array.of(10, 0, 0, 2))]),
      nest(2, [
        attribute(1, Uint8Array.of(6)),
        attribute(2, Uint8Array.of(1, 2)),
        attribute(3, Uint8Array.of(0, 80)),
      ]),
    ]),
    u32Attribute(12, 99),
    u32Attribute(3, 0x8e),
    nest(4, [nest(1, [attribute(1, Uint8Array.of(3))])]),
    nest(9, [u64(1, 2n), u64(2, 100n)]),
    nest(10, [u64(1, 1n), u64(2, 50n)]),
    attribute(18, Uint8Array.of(0, 9)),
  ),
};

const OVERRUN = Buffer.from([20, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
const ENOMEM = Buffer.from(OVERRUN);
ENOMEM.writeUInt8(2, 4);
ENOMEM.writeInt32LE(-12, 16);

function readEverything(bytes: Uint8Array): void {
  const filter = prepareFilter({ mark: 1, original: { source: '10.0.0.1', sourcePort: 1 }, protocol: 'tcp' });
  for (const each of messages(bytes)) {
    expect(readChanges(each, known).length).toBeGreaterThan(0);
    readTrace(each);
    const flow = new Flow(each);
    flow.describe();
    filter.matches(flow);
  }
}

describe('decoders', () => {
  test('read what is well-formed', () => {
    const changes = messages(Buffer.concat(Object.values(EVENTS).slice(0, 5)));
    expect([...changes].flatMap((each) => readChanges(each, known)).map(({ kind }) => kind)).toEqual([
      'table',
      'chain',
      'rule',
      'set',
      'element',
    ]);
    const [trace] = [...messages(EVENTS.trace)].map(readTrace);
    expect(trace).toMatchObject({
      id: 77,
      type: 'rule',
      rule: { handle: 5n },
      verdict: { name: 'jump', chain: 'sub' },
      input: { index: 2, type: 1 },
      ct: { id: 0xabcdef, direction: 'reply', status: ['assured', 'confirmed'], state: ['established'] },
    });
    const [flow] = [...messages(EVENTS.flow)].map((each) => new Flow(each).describe());
    expect(flow).toEqual({
      id: 99,
      family: 'ip',
      original: {
        source: '10.0.0.1',
        destination: '10.0.0.2',
        protocol: 'tcp',
        sourcePort: 258,
        destinationPort: 80,
      },
      reply: { source: '', destination: '', protocol: 0 },
      status: ['seen-reply', 'assured', 'confirmed', 'snat-done'],
      mark: 0,
      zone: 9,
      counters: { original: { packets: 2n, bytes: 100n }, reply: { packets: 1n, bytes: 50n } },
      tcpState: 'established',
    });
  });

  test('read every truncation', () => {
    for (const bytes of Object.values(EVENTS)) {
      for (let length = 0; length <= bytes.length; length++) {
        const cut = bytes.subarray(0, length);
        readEverything(cut);
        if (length < 20) continue;
        // With a length that agrees, so that the attributes are what is cut.
        const agreeing = Buffer.from(cut);
        agreeing.writeUInt32LE(length, 0);
        readEverything(agreeing);
      }
    }
  });

  test('read random and changed bytes', () => {
    const random = seeded(7);
    const byte = () => random(256);
    const samples = Object.values(EVENTS);
    for (let run = 0; run < RUNS; run++) {
      const sample = Buffer.from(samples[run % samples.length] ?? []);
      for (let changes = 1 + (run % 4); changes > 0; changes--) {
        // Behind the length, which the tests above vary.
        sample[4 + random(sample.length - 4)] = byte();
      }
      readEverything(sample);
      const noise = Buffer.from(Array.from({ length: byte() }, byte));
      readEverything(noise);
      if (noise.length >= 4) noise.writeUInt32LE(noise.length, 0);
      readEverything(noise);
    }
  });

  test('hand on what they cannot read, as it came', () => {
    const other = message(10, 99, 1, textAttribute(1, 't'));
    const strange = message(10, 12, 1, textAttribute(1, 't'), textAttribute(2, 'unknown'));
    for (const bytes of [other, strange]) {
      const [parsed] = messages(bytes);
      if (parsed === undefined) throw new Error('no message');
      expect(Buffer.from(wholeMessage(parsed))).toEqual(bytes);
      expect(readChanges(parsed, known)).toEqual([
        { kind: 'other', message: parsed.type, bytes: Uint8Array.from(bytes) },
      ]);
    }
  });
});

/** Gives batches, then waits until it is stopped. */
class ScriptedListening implements Listening {
  readonly #batches: Uint8Array[];
  #waiting: ((batch: undefined) => void) | undefined;
  stops = 0;

  constructor(...batches: readonly Uint8Array[]) {
    this.#batches = [...batches];
  }

  receive(): Promise<Uint8Array | undefined> {
    const batch = this.#batches.shift();
    if (batch !== undefined || this.stops > 0) return Promise.resolve(batch);
    return new Promise((resolve) => {
      this.#waiting = resolve;
    });
  }

  async stop(): Promise<void> {
    this.stops++;
    this.#waiting?.(undefined);
  }
}

describe('notifications', () => {
  test('have gaps and errors where they were', () => {
    const seen = [...notificationsIn(Buffer.concat([EVENTS.table, OVERRUN, EVENTS.chain]), 'test')];
    expect(seen.map((each) => (each === 'gap' ? each : each.type))).toEqual([0, 'gap', 3]);
    expect(() => [...notificationsIn(Buffer.concat([EVENTS.table, ENOMEM]), 'test')]).toThrow(RequestError);
    expect(() => [...notificationsIn(ENOMEM, 'test')]).toThrow('ENOMEM');
  });
});

async function* types(listening: Listening) {
  for await (const batch of notifications(listening, 'test')) {
    for (const each of batch) yield each === 'gap' ? each : each.type;
  }
}

describe('an event stream', () => {
  test('ends while somebody waits, once', async () => {
    const listening = new ScriptedListening(EVENTS.table);
    const stream = new EventStream(listening, types(listening));
    expect(await stream.next()).toEqual({ done: false, value: 0 });
    const waiting = [stream.next(), stream.next()];
    await Promise.all([stream.close(), stream.return(), stream.close()]);
    expect((await Promise.all(waiting)).map(({ done }) => done)).toEqual([true, true]);
    expect((await stream.next()).done).toBe(true);
  });

  test('stops listening when it fails, and lets go of the signal', async () => {
    const listening = new ScriptedListening(Buffer.concat([EVENTS.table, ENOMEM]));
    const { signal } = new AbortController();
    const stream = new EventStream(listening, types(listening), signal);
    await stream.next();
    await expect(stream.next()).rejects.toThrow('ENOMEM');
    expect(listening.stops).toBeGreaterThan(0);
    await stream.closed;
    expect((await stream.next()).done).toBe(true);
  });

  test('that nobody asked anything ends as well', async () => {
    const listening = new ScriptedListening(EVENTS.table);
    const controller = new AbortController();
    const stream = new EventStream(listening, types(listening), controller.signal);
    controller.abort();
    await stream.closed;
    expect(listening.stops).toBe(1);
    expect((await stream.next()).done).toBe(true);
  });
});
