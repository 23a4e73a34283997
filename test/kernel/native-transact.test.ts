import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { NativeSocket } from '../../src/native/contract.ts';
import { loadNative } from '../../src/native/load.ts';
import { readOutcome } from '../../src/netlink/outcome.ts';
import { makeNamespace } from './native-namespace.ts';
import {
  addChain,
  addElements,
  addRule,
  addSet,
  addTable,
  attribute,
  deleteElements,
  deleteTable,
  elementOperation,
  expression,
  field,
  IPV4,
  keys,
  NLM_F_CREATE,
  NLM_F_DUMP,
  number,
  operation,
  text,
  transaction,
  transactionAt,
  u32,
} from './native-packer.ts';

const native = loadNative();
const namespace = makeNamespace();
let socket: NativeSocket;

beforeAll(() => {
  socket = native.open(namespace.path);
});

afterAll(async () => {
  await native.close(socket);
  namespace.remove();
});

function commit(...operations: readonly Buffer[]): number {
  const outcome = native.transactSync(socket, transaction(...operations));
  if (typeof outcome !== 'number') throw new Error(JSON.stringify(readOutcome(outcome)));
  return outcome;
}

function refused(...operations: readonly Buffer[]) {
  const outcome = native.transactSync(socket, transaction(...operations));
  if (typeof outcome === 'number') throw new Error('it was committed');
  return readOutcome(outcome);
}

describe('a transaction that the kernel takes', () => {
  it('adds a table, a chain, a rule, a set and elements, as nft sees them', () => {
    const ns = commit(
      addTable('plain'),
      addChain('plain', 'c'),
      addRule('plain', 'c', 'hello'),
      addSet('plain', 's'),
      addElements('plain', 's', 2),
    );
    expect(ns).toBeGreaterThan(0);
    const listing = namespace.nft('list', 'table', 'plain');
    expect(listing).toContain('counter packets 0 bytes 0 accept comment "hello"');
    expect(listing).toContain('elements = { 10.0.0.0, 10.0.0.1 }');
  });

  it('does the same on the worker thread', async () => {
    const outcome = await native.transact(socket, transaction(addTable('async'), addChain('async', 'c')));
    expect(outcome).toBeTypeOf('number');
    expect(namespace.nft('list', 'table', 'async')).toContain('chain c');
  });

  it('makes a base chain with hook, priority and policy', () => {
    const base = operation(
      3,
      NLM_F_CREATE,
      IPV4,
      text(2, 'based'),
      text(0, 'in'),
      text(10, 'filter'),
      number(3, 1),
      number(4, -10 >>> 0),
      number(5, 1),
    );
    commit(addTable('based'), base);
    expect(namespace.nft('list', 'chain', 'based', 'in')).toContain(
      'type filter hook input priority filter - 10; policy accept;',
    );
  });

  it('names several devices', () => {
    const chain = operation(
      3,
      NLM_F_CREATE,
      5,
      text(2, 'by-device'),
      text(0, 'in'),
      text(10, 'filter'),
      number(3, 0),
      number(4, 0),
      field(12, 0, Buffer.from('lo\0')),
    );
    commit(operation(0, NLM_F_CREATE, 5, text(0, 'by-device')), chain);
    expect(namespace.nft('list', 'table', 'netdev', 'by-device')).toMatch(/hook ingress device "lo"/);
  });

  it('writes verdicts, chains, timeouts, flags and comments of elements', () => {
    const map = operation(
      9,
      NLM_F_CREATE,
      IPV4,
      text(0, 'mapping'),
      text(1, 'm'),
      number(2, 8 | 16), // MAP, TIMEOUT
      number(3, 7),
      number(4, 4),
      number(5, 0xffffff00),
      number(8, 1),
    );
    const verdicts = field(3, 2, Buffer.concat([u32(4), Buffer.from(new Int32Array([1, -3]).buffer)]));
    const chains = field(4, 3, Buffer.concat([u32(0, 0, 1), Buffer.from('c')]));
    const timeouts = field(6, 2, Buffer.concat([u32(8), u32(3_600_000, 0, 0xffffffff, 0xffffffff)]));
    const comments = field(8, 3, Buffer.concat([u32(0, 0, 5), Buffer.from([0, 3, 0x68, 0x69, 0])]));
    const elements = elementOperation(
      12,
      NLM_F_CREATE,
      'mapping',
      'm',
      2,
      keys(2),
      verdicts,
      chains,
      timeouts,
      comments,
    );
    commit(addTable('mapping'), addChain('mapping', 'c'), map, elements);
    const listing = namespace.nft('list', 'map', 'mapping', 'm');
    expect(listing).toMatch(/10\.0\.0\.0 timeout 1h .*: accept/);
    expect(listing).toMatch(/10\.0\.0\.1 comment "hi" : jump c/);
  });

  it('writes data of maps and ranges of keys', () => {
    const map = operation(
      9,
      NLM_F_CREATE,
      IPV4,
      text(0, 'ranges'),
      text(1, 'm'),
      number(2, 4 | 8 | 0x80), // INTERVAL, MAP, CONCAT
      number(3, (7 << 6) | 13),
      number(4, 8),
      number(5, 7),
      number(6, 4),
      number(8, 1),
      field(16, 0, Buffer.of(4, 2)),
    );
    const key = field(2, 2, Buffer.concat([u32(8), Buffer.of(10, 0, 0, 0, 0, 80, 0, 0)]));
    const keyEnd = field(11, 2, Buffer.concat([u32(8), Buffer.of(10, 0, 0, 9, 0, 90, 0, 0)]));
    const data = field(5, 2, Buffer.concat([u32(4), Buffer.of(192, 0, 2, 1)]));
    commit(addTable('ranges'), map, elementOperation(12, NLM_F_CREATE, 'ranges', 'm', 1, key, keyEnd, data));
    expect(namespace.nft('list', 'map', 'ranges', 'm')).toContain('10.0.0.0-10.0.0.9 . 80-90 : 192.0.2.1');
  });

  it('splits 10,000 elements into messages of one batch, and deletes them again', () => {
    commit(addTable('many'), addSet('many', 's'), addElements('many', 's', 10_000));
    expect(namespace.nft('-j', 'list', 'set', 'many', 's').match(/"10\./g)).toHaveLength(10_000);
    commit(deleteElements('many', 's', 9_999));
    expect(namespace.nft('list', 'set', 'many', 's')).toContain('elements = { 10.0.39.15 }');
  });

  it('deletes nothing for an empty list, and everything without a list', () => {
    commit(addTable('flushed'), addSet('flushed', 's'), addElements('flushed', 's', 2));
    commit(elementOperation(14, 0, 'flushed', 's', 0));
    expect(namespace.nft('list', 'set', 'flushed', 's')).toContain('10.0.0.0');
    commit(operation(14, 0, IPV4, text(0, 'flushed'), text(1, 's')));
    expect(namespace.nft('list', 'set', 'flushed', 's')).not.toContain('10.0.0.0');
  });

  it('sends destroy messages, which libnftnl does not know', () => {
    commit(operation(26, 0, IPV4, text(0, 'never-there')));
  });

  it('keeps the order of 1,000 commits that nobody awaits', async () => {
    commit(addTable('order'), addChain('order', 'c'));
    const pending = Array.from({ length: 1_000 }, (_, i) =>
      native.transact(socket, transaction(addRule('order', 'c', `no ${i}`))),
    );
    for (const outcome of await Promise.all(pending)) expect(outcome).toBeTypeOf('number');
    const comments = [...namespace.nft('list', 'chain', 'order', 'c').matchAll(/comment "no (\d+)"/g)];
    expect(comments.map(([, i]) => Number(i))).toEqual(Array.from({ length: 1_000 }, (_, i) => i));
  });

  it('sends a batch of several megabytes as one', async () => {
    commit(addTable('large'), addSet('large', 's'));
    const outcome = await native.transact(socket, transaction(addElements('large', 's', 300_000)));
    expect(outcome).toBeTypeOf('number');
    commit(deleteTable('large'));
  });
});

describe('a transaction that the kernel refuses', () => {
  it('names the attribute of a missing table', () => {
    const { outcome, failures } = refused(addChain('missing', 'c'));
    expect(outcome).toBe('aborted');
    expect(failures).toEqual([
      { operation: 0, errno: 2, element: undefined, path: [{ attribute: 1, index: 0 }], text: '' },
    ]);
  });

  it('names every operation that is bad, and changes nothing', () => {
    const { failures } = refused(
      addTable('half'),
      addChain('nope', 'a'),
      addChain('half', 'b'),
      deleteTable('nope'),
    );
    expect(failures.map(({ operation: index, errno }) => [index, errno])).toEqual([
      [1, 2],
      [3, 2],
    ]);
    expect(namespace.nft('list', 'tables')).not.toContain('half');
  });

  it('names the expression of a rule', () => {
    const rule = operation(
      6,
      NLM_F_CREATE,
      IPV4,
      text(1, 'expr'),
      text(2, 'c'),
      expression('counter'),
      expression('lookup', number(1, 1), text(3, 'no-such-set')),
    );
    const { failures } = refused(addTable('expr'), addChain('expr', 'c'), rule);
    expect(failures).toEqual([
      {
        operation: 2,
        errno: 2,
        element: undefined,
        path: [
          { attribute: 4, index: 2 },
          { attribute: 1, index: 1 },
        ],
        text: '',
      },
    ]);
  });

  it('names both duplicates among 10,000 elements, and changes nothing', () => {
    commit(
      addTable('twice'),
      addSet('twice', 's'),
      addElements('twice', 's', 1, 0x0a000003),
      addElements('twice', 's', 1, 0x0a002000),
    );
    const { outcome, failures } = refused(addElements('twice', 's', 10_000));
    expect(outcome).toBe('aborted');
    expect(failures.map(({ operation: index, errno, element }) => [index, errno, element])).toEqual([
      [0, 17, 3],
      [0, 17, 0x2000],
    ]);
    expect(namespace.nft('-j', 'list', 'set', 'twice', 's').match(/"10\./g)).toHaveLength(2);
  });

  it('names every bad element of one message, each with its path', () => {
    commit(addTable('bad'), addSet('bad', 's'), addElements('bad', 's', 3, 0x0a000002));
    const { failures } = refused(addTable('other'), addElements('bad', 's', 100));
    expect(failures.map(({ operation: index, element }) => [index, element])).toEqual([
      [1, 2],
      [1, 3],
      [1, 4],
    ]);
    expect(failures[0]?.path).toEqual([
      { attribute: 3, index: 2 },
      { attribute: 1, index: 2 },
    ]);
  });

  it('does not look for bad elements when the set is missing', () => {
    commit(addTable('setless'));
    const { failures } = refused(addElements('setless', 'nope', 10));
    expect(failures).toHaveLength(1);
    expect(failures[0]).toMatchObject({ errno: 2, element: undefined, path: [{ attribute: 2, index: 0 }] });
  });

  it('blames the transaction for a generation that has passed', () => {
    const outcome = native.transactSync(socket, transactionAt(1, addTable('stale')));
    expect(outcome).toBeInstanceOf(Uint8Array);
    expect(readOutcome(outcome as Uint8Array).failures).toMatchObject([{ operation: undefined, errno: 85 }]);
  });

  it('says which operation cannot be encoded', async () => {
    const bad = operation(0, 0, IPV4, field(2, 0, Buffer.of(1)));
    const outcome = await native.transact(socket, transaction(addTable('x'), bad));
    expect(readOutcome(outcome as Uint8Array)).toMatchObject({
      outcome: 'aborted',
      step: 'encode',
      failures: [{ operation: 1, errno: 22, text: 'an attribute of impossible length' }],
    });
  });
});

describe('request', () => {
  const header = (answer: Uint8Array) => [...new Int32Array(answer.slice(0, 8).buffer)];

  it('collects a dump', async () => {
    commit(addTable('dumped'));
    const answer = await native.request(socket, 1, NLM_F_DUMP, 0, new Uint8Array());
    expect(header(answer)).toEqual([0, 0]);
    expect(Buffer.from(answer).includes('dumped\0')).toBe(true);
  });

  it('collects a dump of many parts, all of them whole frames', async () => {
    commit(addTable('parts'), addSet('parts', 's'), addElements('parts', 's', 50_000));
    const attributes = Buffer.concat([attribute(1, 'parts'), attribute(2, 's')]);
    const answer = await native.request(socket, 13, NLM_F_DUMP, IPV4, attributes);
    const view = new DataView(answer.buffer, answer.byteOffset, answer.byteLength);
    let at = 8;
    while (at < answer.length) {
      expect(view.getUint16(at + 4, true)).toBe((10 << 8) | 12);
      at += (view.getUint32(at, true) + 3) & ~3;
    }
    expect(at).toBe(answer.length);
    expect(at).toBeGreaterThan(50_000 * 16);
  });

  it('answers a single question', async () => {
    const answer = await native.request(socket, 16, 0, 0, new Uint8Array());
    expect(header(answer)).toEqual([0, 0]);
    expect(answer[13]).toBe(10);
  });

  it('gives the errno of a question that fails', async () => {
    const answer = await native.request(socket, 1, 0, IPV4, attribute(1, 'nowhere'));
    expect(header(answer)).toEqual([2, 0]);
    expect(answer).toHaveLength(8);
  });

  it('waits for its turn behind transactions', async () => {
    const added = native.transact(socket, transaction(addTable('turn')));
    const answer = native.request(socket, 1, 0, IPV4, attribute(1, 'turn'));
    const removed = native.transact(socket, transaction(deleteTable('turn')));
    expect(header(await answer)).toEqual([0, 0]);
    await Promise.all([added, removed]);
  });
});
