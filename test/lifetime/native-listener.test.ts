import { readdirSync } from 'node:fs';
import { afterAll, describe, expect, it } from 'vitest';
import { loadNative } from '../../src/native/load.ts';
import { makeNamespace } from '../kernel/native-namespace.ts';
import { addTable, deleteTable, transaction } from '../kernel/native-packer.ts';
import { COUNTS, terminatedWorkers } from './counts.ts';
import { runChild } from './native-child.ts';

/** Whatever ends a listener, or the environment that it is in. Children run in the namespace. */

const native = loadNative();
const namespace = makeNamespace();
/** Always a change, and so an event. */
const packed = { table: transaction(addTable('t'), deleteTable('t')) };
const NFTABLES = 1 << 6;

afterAll(() => namespace.remove());

function run(script: string, nodeOptions: readonly string[] = []) {
  return runChild(script, packed, {
    command: ['ip', 'netns', 'exec', namespace.name],
    nodeOptions,
  });
}

describe('a listener', () => {
  it('gives what arrives, and undefined once it is stopped', async () => {
    const listener = native.listen(namespace.path, NFTABLES, 1 << 20);
    const socket = native.open(namespace.path);
    const waiting = native.receive(listener, true);
    await native.transact(socket, packed.table);
    expect((await waiting)?.length).toBeGreaterThan(40);
    const next = native.receive(listener, true);
    await expect(native.receive(listener, true)).rejects.toThrow('somebody waits');
    const stopped = native.stopListening(listener);
    expect(await next).toBe(undefined);
    await stopped;
    expect(await native.receive(listener, false)).toBe(undefined);
    await native.stopListening(listener);
    await native.close(socket);
  });

  it('leaves no descriptor and no thread behind', async () => {
    const count = () => [readdirSync('/proc/self/fd').length, readdirSync('/proc/self/task').length];
    const before = count();
    for (let i = 0; i < 100; i++) {
      const listener = native.listen(namespace.path, NFTABLES, 1 << 16);
      const waiting = i % 2 === 0 ? native.receive(listener, i % 4 === 0) : undefined;
      await native.stopListening(listener);
      expect(await waiting).toBe(undefined);
    }
    expect(count()).toEqual(before);
  });

  it.each([[{}], [undefined], [1], [new Uint8Array(4)]])('is not taken from %s', (bad) => {
    expect(() => native.receive(bad as never, true)).toThrow(TypeError);
    expect(() => native.stopListening(bad as never)).toThrow(TypeError);
  });

  it('refuses other arguments of the wrong type', async () => {
    const socket = native.open(namespace.path);
    expect(() => native.receive(socket as never, true)).toThrow(TypeError);
    await native.close(socket);
    expect(() => native.listen(undefined as never, 1, 1)).toThrow(TypeError);
    expect(() => native.listen('a\0b', 1, 1)).toThrow(TypeError);
    expect(() => native.listen('', -1, 1)).toThrow(TypeError);
    expect(() => native.listen('', 1, 2 ** 32)).toThrow(TypeError);
    const error = { errno: 2, step: 'open-netns' };
    expect(() => native.listen('/run/netns/not-there', 1, 1)).toThrow(expect.objectContaining(error));
    const listener = native.listen('', 0, 0);
    expect(() => native.receive(listener, 1 as never)).toThrow(TypeError);
    await native.stopListening(listener);
  });

  it('says that it may not listen', async () => {
    const { stdout } = await runChild(
      `try { native.listen('', ${NFTABLES}, 0) } catch (error) { console.log(error.step, error.errno) }`,
      {},
      {
        command: ['ip', 'netns', 'exec', namespace.name, 'setpriv', '--bounding-set=-all', '--inh-caps=-all'],
      },
    );
    expect(stdout).toBe('subscribe 1\n');
  });
});

describe('an environment that ends', () => {
  it('lets a worker be terminated with listeners waiting, receiving and stopping, 20 times', async () => {
    const source = `
      const { parentPort } = require('node:worker_threads');
      const socket = native.open('');
      globalThis.listeners = [0, 1, 2, 3].map(() => native.listen('', ${NFTABLES}, 1 << 20));
      const loop = async (listener) => { while (await native.receive(listener, true)); };
      loop(listeners[0]);
      loop(listeners[1]);
      native.receive(listeners[2], true);
      native.stopListening(listeners[2]);
      (async () => { for (;;) await native.transact(socket, packed.table); })();
      parentPort.postMessage('busy');
    `;
    expect(await run(terminatedWorkers(source, 2))).toEqual({ code: 0, stdout: '0\n', stderr: '' });
  });

  it('goes on while somebody waits who asked for it, and ends otherwise', async () => {
    const idle = await run(`
      globalThis.listener = native.listen('', ${NFTABLES}, 1 << 20);
      native.receive(listener, false).then(() => console.log('never'));
    `);
    expect(idle).toEqual({ code: 0, stdout: '', stderr: '' });
    const waiting = await run(`
      const listener = native.listen('', ${NFTABLES}, 1 << 20);
      native.receive(listener, true).then((batch) => console.log(typeof batch));
      // Unreferenced: only the listener keeps the process.
      setTimeout(() => native.transactSync(native.open(''), packed.table), 300).unref();
    `);
    expect(waiting).toEqual({ code: 0, stdout: 'object\n', stderr: '' });
  });

  it.each([
    ['waiting', 'native.receive(listener, true)'],
    ['stopping', 'native.stopListening(listener)'],
    ['with a batch that nobody takes', "native.transactSync(native.open(''), packed.table)"],
  ])('lets the process exit: %s', async (_, doing) => {
    const { code, stderr } = await run(`
      const listener = native.listen('', ${NFTABLES}, 1 << 20);
      ${doing};
      process.exit(0);
    `);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  });
});

describe('garbage collection', () => {
  it('stops listeners that nobody stopped', async () => {
    const { code, stdout } = await run(
      `
      ${COUNTS}
      const before = { sockets: openSockets(), threads: threads() };
      async function useOne(i) {
        const listener = native.listen('', ${NFTABLES}, 1 << 16);
        if (i % 2 === 0) return;
        const waiting = native.receive(listener, true);
        native.transactSync(native.open(''), packed.table);
        await waiting;
      }
      (async () => {
        for (let i = 0; i < 50; i++) await useOne(i);
        for (let i = 0; i < 10; i++) { await turn(); gc(); }
        await turn();
        console.log(openSockets() - before.sockets, threads() - before.threads);
      })();
    `,
      ['--expose-gc'],
    );
    expect({ code, stdout }).toEqual({ code: 0, stdout: '0 0\n' });
  });

  it('leaves a listener alone that somebody waits for', async () => {
    const { code, stdout } = await run(
      `
      ${COUNTS}
      const waiting = [];
      for (let i = 0; i < 20; i++) waiting.push(native.receive(native.listen('', ${NFTABLES}, 1 << 16), true));
      (async () => {
        for (let i = 0; i < 5; i++) { await turn(); gc(); }
        native.transactSync(native.open(''), packed.table);
        console.log((await Promise.all(waiting)).filter((batch) => batch.length > 0).length);
      })();
    `,
      ['--expose-gc'],
    );
    expect({ code, stdout }).toEqual({ code: 0, stdout: '20\n' });
  });
});

describe('messages that are no transaction', () => {
  const GET_GENERATION = Buffer.alloc(20);
  GET_GENERATION.writeUInt32LE(20, 0);
  GET_GENERATION.writeUInt16LE((10 << 8) | 16, 4);
  const UNKNOWN = Buffer.from(GET_GENERATION);
  UNKNOWN.writeUInt16LE((10 << 8) | 200, 4);

  const results = async (bytes: Uint8Array) => {
    const socket = native.open(namespace.path);
    const answer = await native.send(socket, bytes);
    await native.close(socket);
    return [...new Int32Array(answer.buffer, answer.byteOffset, answer.length / 4)];
  };

  it('have a result each', async () => {
    expect(await results(Buffer.concat([GET_GENERATION, UNKNOWN, GET_GENERATION]))).toEqual([0, 0, 22, 0]);
    expect(await results(new Uint8Array(0))).toEqual([0]);
    const many = await results(
      Buffer.concat(Array.from({ length: 5000 }, () => [GET_GENERATION, UNKNOWN]).flat()),
    );
    expect(many.slice(1)).toEqual(Array.from({ length: 5000 }, () => [0, 22]).flat());
  });

  it('are refused when their lengths do not add up', async () => {
    for (const length of [0, 4, 15, 21, 0xffffffff]) {
      const bad = Buffer.from(GET_GENERATION);
      bad.writeUInt32LE(length, 0);
      expect(await results(bad), `${length}`).toEqual([22]);
    }
    expect(await results(GET_GENERATION.subarray(0, 10))).toEqual([22]);
  });
});
