import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Field } from '../../src/nft/expression/field.ts';
import { EXPRESSION_KINDS } from '../../src/nft/expression/kinds.ts';
import { OBJECT_KINDS, type ObjectKind } from '../../src/nft/object/kinds.ts';

/** decode(encode(x)) = x, for every expression and every object, whatever is in their fields. */

const SHORT = fc.integer({ min: 0, max: 255 });
const ARBITRARIES: readonly fc.Arbitrary<unknown>[] = [
  fc.integer({ min: 0, max: 0xffffffff }),
  fc.integer({ min: 0, max: 0xffff }),
  SHORT,
  fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }),
  fc.string({ minLength: 1, maxLength: 20 }).filter((text) => !text.includes('\0')),
  fc.uint8Array({ minLength: 1, maxLength: 64 }),
  fc.record({ name: fc.constant('counter'), data: fc.constant(Uint8Array.of(8, 0, 1, 0, 0, 0, 0, 5)) }),
  fc.array(fc.record({ name: fc.constant('last'), data: fc.constant(new Uint8Array(0)) }), {
    minLength: 1,
    maxLength: 2,
  }),
];

/** Values that a field takes: the first kind of values all of whose samples it accepts. */
function valuesOf(field: Field<never, unknown>): fc.Arbitrary<unknown> {
  const accepts = (value: unknown) => {
    try {
      return field.toWire(value as never).length > 0;
    } catch {
      return false;
    }
  };
  const found = ARBITRARIES.find((arbitrary) =>
    fc.sample(arbitrary, { numRuns: 40, seed: 1 }).every(accepts),
  );
  if (found === undefined) throw new Error('a field of a kind that this test has no values for');
  return found;
}

/** A number that has a name is read as its name. */
function normal(field: Field<never, unknown>, value: unknown): unknown {
  return field.fromWire(field.toWire(value as never));
}

describe('expressions', () => {
  test.each([...EXPRESSION_KINDS.values()].map((kind) => [kind.name, kind] as const))('%s', (_, kind) => {
    const entries = Object.entries(kind.fields);
    const values = fc.record(Object.fromEntries(entries.map(([name, field]) => [name, valuesOf(field)])), {
      requiredKeys: [],
    });
    fc.assert(
      fc.property(values, (given) => {
        const expected = entries
          .filter(([name]) => given[name] !== undefined)
          .map(([name, field]) => [name, normal(field, given[name])]);
        expect(kind.read(kind.encode(given as never).data)).toEqual(Object.fromEntries(expected));
        expect(kind.make(given as never).name).toBe(kind.name);
      }),
    );
  });
});

const family = fc.constantFrom('ip', 'ip6', 'inet');
const protocol = fc.constantFrom('tcp', 'udp', 'sctp', 'icmp', 'gre');
const u32 = fc.integer({ min: 0, max: 0xffffffff });
const u64 = fc.bigInt({ min: 0n, max: (1n << 64n) - 1n });
const yes = fc.option(fc.constant(true), { nil: undefined });
const name = fc.stringMatching(/^[a-z_:]{1,30}$/);
const ipv4 = fc.ipV4();
const port = fc.integer({ min: 0, max: 0xffff });

/** States of every kind, as listed. */
const STATES: Readonly<Record<ObjectKind, fc.Arbitrary<object>>> = {
  counter: fc.record({ packets: u64, bytes: u64 }),
  quota: fc.record({ bytes: u64, used: u64, over: yes }),
  limit: fc.record({
    rate: fc.integer({ min: 1, max: 1e9 }),
    per: fc.constantFrom('second', 'minute', 'hour', 'day', 'week'),
    burst: u32,
    bytes: yes,
    over: yes,
  }),
  connlimit: fc.record({ count: u32, over: yes }),
  'ct helper': fc.record({ helper: name, protocol, family }),
  'ct timeout': fc.oneof(
    fc.record({
      protocol: fc.constant('tcp'),
      family,
      policySeconds: fc.record({ established: u32, close: u32 }),
    }),
    fc.record({ protocol: fc.constant('udp'), policySeconds: fc.record({ unreplied: u32, replied: u32 }) }),
    fc.record({ protocol: fc.constant('sctp'), policySeconds: fc.record({ closed: u32, 'state 99': u32 }) }),
  ),
  'ct expectation': fc.record({ protocol, family, dport: port, timeoutMs: u32, size: SHORT }),
  synproxy: fc.record({ mss: port, wscale: fc.integer({ min: 0, max: 14 }), timestamp: yes, sackPerm: yes }),
  secmark: fc.record({ context: name }),
  tunnel: fc.record({
    id: u32,
    ip: fc.record({ saddr: ipv4, daddr: ipv4 }),
    flags: u32,
    tos: SHORT,
    ttl: SHORT,
    sport: port,
    dport: port,
    options: fc.array(
      fc.oneof(
        fc.record({ vxlan: fc.record({ gbp: u32 }) }),
        fc.record({ erspan: fc.record({ version: u32, index: u32 }) }),
        fc.record({
          geneve: fc.record({
            class: port,
            type: SHORT,
            data: fc.uint8Array({ minLength: 4, maxLength: 8 }),
          }),
        }),
      ),
      { minLength: 1, maxLength: 3 },
    ),
  }),
};

describe('objects', () => {
  test.each(Object.entries(OBJECT_KINDS))('%s', (kind, codec) => {
    fc.assert(
      fc.property(STATES[kind as ObjectKind], (state) => {
        const given = Object.fromEntries(Object.entries(state).filter(([, value]) => value !== undefined));
        expect(codec.read(codec.write(given))).toEqual(given);
      }),
    );
  });

  test('one with an attribute that is not known here is read as bytes by the listing', () => {
    const unknown = Buffer.from([8, 0, 99, 0, 1, 2, 3, 4]);
    for (const codec of Object.values(OBJECT_KINDS)) expect(codec.read(unknown)).toBeUndefined();
  });
});
