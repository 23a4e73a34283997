import { afterAll, describe, expect, it } from 'vitest';
import { makeNamespace } from '../kernel/native-namespace.ts';
import { addElements, addSet, addTable, deleteTable, transaction } from '../kernel/native-packer.ts';
import { COUNTS, endingWorkers, terminatedWorkers } from './counts.ts';
import { ADDON, runChild } from './native-child.ts';

/** What ends an environment while the addon works in it. Each runs in a process of its own, in a namespace of its own. */

const namespace = makeNamespace();
const inNamespace = ['ip', 'netns', 'exec', namespace.name];
const packed = {
  setup: transaction(addTable('t'), addSet('t', 's')),
  table: transaction(addTable('t')),
  deleted: transaction(addTable('gone'), deleteTable('gone')),
  // Takes the kernel tens of milliseconds and is always refused in the end: the set does not exist.
  slow: transaction(
    addTable('u'),
    addSet('u', 's'),
    addElements('u', 's', 20_000),
    addElements('u', 'missing', 1),
  ),
};

afterAll(() => namespace.remove());

function run(script: string, nodeOptions: readonly string[] = []) {
  return runChild(script, packed, { command: inNamespace, nodeOptions });
}

const NOTHING_LEFT = { code: 0, stdout: '0\n', stderr: '' };

describe('an environment that ends', () => {
  it('lets a worker be terminated with transactions under way, 20 times', async () => {
    const source = `
      const { parentPort } = require('node:worker_threads');
      globalThis.sockets = [native.open(''), native.open(''), native.open('')];
      for (const socket of sockets) {
        for (let i = 0; i < 5; i++) native.transact(socket, packed.slow);
        native.request(socket, 1, 0x300, 0, new Uint8Array());
      }
      native.close(sockets[2]);
      parentPort.postMessage('busy');
    `;
    expect(await run(terminatedWorkers(source, 3))).toEqual(NOTHING_LEFT);
  });

  it('lets a worker end by itself, idle sockets and all', async () => {
    const source = `
      const socket = native.open('');
      native.transactSync(native.open(''), packed.table);
      native.transact(socket, packed.table).then(() => {});
    `;
    expect(await run(endingWorkers(source))).toEqual(NOTHING_LEFT);
  });

  it('waits for collected sockets that are still being closed', async () => {
    // A deletion makes closing slow: the kernel waits for its readers.
    const source = `
      const use = () => native.transactSync(native.open(''), packed.deleted);
      for (let i = 0; i < 20; i++) use();
      setImmediate(() => { gc(); setImmediate(() => {}); });
    `;
    expect(await run(endingWorkers(source), ['--expose-gc'])).toEqual(NOTHING_LEFT);
  });

  it('serves two environments of one process', async () => {
    const { code, stdout } = await run(`
      const { Worker } = require('node:worker_threads');
      const source = workerSource(\`
        const { parentPort } = require('node:worker_threads');
        const socket = native.open('');
        const commits = Array.from({ length: 500 }, () => native.transact(socket, packed.table));
        Promise.all(commits).then((outcomes) => parentPort.postMessage(outcomes.every((o) => typeof o === 'number')));
      \`);
      const socket = native.open('');
      const inWorker = new Promise((resolve) => new Worker(source, { eval: true }).once('message', resolve));
      const here = Promise.all(Array.from({ length: 500 }, () => native.transact(socket, packed.table)));
      Promise.all([inWorker, here]).then(([there, mine]) => console.log(there, mine.every((o) => typeof o === 'number')));
    `);
    expect({ code, stdout }).toEqual({ code: 0, stdout: 'true true\n' });
  });

  it('does not keep the process alive for an idle socket', async () => {
    const { code, stdout } = await run(`
      globalThis.socket = native.open('');
      native.transact(socket, packed.table).then((ns) => console.log(typeof ns));
    `);
    expect({ code, stdout }).toEqual({ code: 0, stdout: 'number\n' });
  });

  it.each([
    ['at once', 'process.exit(0)'],
    ['a little later', 'setTimeout(() => process.exit(0), 15)'],
    ['from a promise', 'native.transact(socket, packed.table).then(() => process.exit(0))'],
  ])('lets the process exit with requests pending: %s', async (_, exit) => {
    for (let i = 0; i < 5; i++) {
      const { code, stderr } = await run(`
        const socket = native.open('');
        for (let i = 0; i < 10; i++) native.transact(socket, packed.slow);
        ${exit};
      `);
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    }
  });
});

describe('garbage collection', () => {
  it('closes sockets that nobody closed', async () => {
    const { code, stdout } = await run(
      `
      ${COUNTS}
      const before = { sockets: openSockets(), threads: threads() };
      // In a function of its own: a suspended one would keep its last socket.
      async function useOne(i) {
        const socket = native.open('');
        if (i % 2 === 0) await native.transact(socket, packed.table);
        else native.transactSync(socket, packed.table);
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

  it('waits for requests that are pending, whose arguments it leaves alone', async () => {
    const { code, stdout } = await run(
      `
      const pending = [];
      for (let i = 0; i < 50; i++) {
        const socket = native.open('');
        for (let k = 0; k < 4; k++) pending.push(native.transact(socket, new Uint8Array(packed.table)));
        pending.push(native.request(socket, 16, 0, 0, new Uint8Array(0)));
        gc();
      }
      const timer = setInterval(gc, 1);
      Promise.all(pending).then((outcomes) => {
        clearInterval(timer);
        console.log(outcomes.filter((o) => typeof o === 'number').length, outcomes.filter((o) => o[13] === 10).length);
      });
    `,
      ['--expose-gc'],
    );
    expect({ code, stdout }).toEqual({ code: 0, stdout: '200 50\n' });
  });
});

describe('the addon', () => {
  it('is linked so that it is never unloaded', async () => {
    const { code, stdout } = await runChild(
      `
      const { execFileSync } = require('node:child_process');
      console.log(execFileSync('readelf', ['-d', ${JSON.stringify(ADDON)}], { encoding: 'utf8' }).includes('NODELETE'));
    `,
      {},
    );
    expect({ code, stdout }).toEqual({ code: 0, stdout: 'true\n' });
  });
});
