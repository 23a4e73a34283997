import { readdirSync, readlinkSync } from 'node:fs';
import { afterAll, describe, expect, it } from 'vitest';
import { loadNative } from '../../src/native/load.ts';
import { readOutcome } from '../../src/netlink/outcome.ts';
import { makeNamespace } from '../kernel/native-namespace.ts';
import { addChain, addElements, addSet, addTable, transaction } from '../kernel/native-packer.ts';
import { runChild } from './native-child.ts';

const native = loadNative();
const namespace = makeNamespace();
const table = transaction(addTable('t'));

afterAll(() => namespace.remove());

function openSockets(): number {
  return readdirSync('/proc/self/fd').filter((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`).startsWith('socket:');
    } catch {
      return false;
    }
  }).length;
}

function threads(): number {
  return readdirSync('/proc/self/task').length;
}

describe('open', () => {
  it.each([
    ['no such namespace', '/run/netns/nftlink-not-there', 2, 'open-netns'],
    ['a file that is no namespace', '/dev/null', 22, 'setns'],
    ['a namespace of another kind', '/proc/self/ns/mnt', 22, 'setns'],
  ])('says how far it came: %s', (_, path, errno, step) => {
    expect(() => native.open(path)).toThrow(expect.objectContaining({ errno, step }));
    expect(() => native.open(path)).toThrow(path);
  });

  it('refuses what is no path', () => {
    expect(() => native.open(undefined as never)).toThrow(TypeError);
    expect(() => native.open('a\0b')).toThrow(TypeError);
  });

  it('leaves the threads of Node.js in their namespace', () => {
    const before = readlinkSync('/proc/self/ns/net');
    const socket = native.open(namespace.path);
    for (const task of readdirSync('/proc/self/task')) {
      expect(readlinkSync(`/proc/self/task/${task}/ns/net`)).toBe(before);
    }
    return native.close(socket);
  });
});

describe('close', () => {
  it('lets pending requests settle first', async () => {
    const socket = native.open(namespace.path);
    const order: string[] = [];
    const pending = [0, 1, 2].map((i) =>
      native.transact(socket, table).then(() => order.push(`commit ${i}`)),
    );
    await native.close(socket).then(() => order.push('closed'));
    await Promise.all(pending);
    expect(order).toEqual(['commit 0', 'commit 1', 'commit 2', 'closed']);
  });

  it('closes once', async () => {
    const before = openSockets();
    const socket = native.open(namespace.path);
    expect(openSockets()).toBe(before + 1);
    const settled: number[] = [];
    await Promise.all([0, 1, 2].map((i) => native.close(socket).then(() => settled.push(i))));
    expect(settled).toEqual([0, 1, 2]);
    expect(openSockets()).toBe(before);
    await native.close(socket);
  });

  it('refuses what comes later', async () => {
    const socket = native.open(namespace.path);
    const closed = native.close(socket);
    for (const when of ['closing', 'closed']) {
      await expect(native.transact(socket, table), when).rejects.toThrow('the socket is closed');
      await expect(native.request(socket, 16, 0, 0, new Uint8Array()), when).rejects.toThrow('closed');
      expect(() => native.transactSync(socket, table), when).toThrow('the socket is closed');
      await closed;
    }
  });

  it('leaves no descriptor and no thread behind', async () => {
    const before = { sockets: openSockets(), threads: threads() };
    for (let i = 0; i < 200; i++) {
      const socket = native.open(i % 2 === 0 ? namespace.path : '');
      if (i % 4 === 0) await native.transact(socket, table);
      await native.close(socket);
    }
    // The kernel wakes who joins a thread (exit_mm) before the thread leaves /proc (release_task): up to 12 ms with busy CPUs.
    await expect.poll(() => ({ sockets: openSockets(), threads: threads() })).toEqual(before);
  });
});

describe('a synchronous commit', () => {
  it('is refused while requests are pending', async () => {
    const socket = native.open(namespace.path);
    const pending = native.transact(socket, table);
    expect(() => native.transactSync(socket, table)).toThrow('requests are pending');
    await pending;
    expect(native.transactSync(socket, table)).toBeTypeOf('number');
    await native.close(socket);
  });
});

describe('a handle', () => {
  it.each([[{}], [undefined], [1], ['socket'], [Object.create(null)], [new Uint8Array(4)]])(
    'is not taken from %s',
    (bad) => {
      expect(() => native.transact(bad as never, table)).toThrow(TypeError);
      expect(() => native.transactSync(bad as never, table)).toThrow(TypeError);
      expect(() => native.request(bad as never, 1, 0, 0, table)).toThrow(TypeError);
      expect(() => native.close(bad as never)).toThrow(TypeError);
    },
  );

  it('refuses other arguments of the wrong type', async () => {
    const socket = native.open(namespace.path);
    expect(() => native.transact(socket, 'x' as never)).toThrow(TypeError);
    expect(() => native.request(socket, 256, 0, 0, table)).toThrow(TypeError);
    expect(() => native.request(socket, 1, -1, 0, table)).toThrow(TypeError);
    expect(() => native.request(socket, 1, 0.5, 0, table)).toThrow(TypeError);
    expect(() => native.request(socket, 1, 0, 0, [] as never)).toThrow(TypeError);
    await native.close(socket);
  });
});

describe('in an unprivileged user namespace', () => {
  it('says what a batch takes and what the socket may send', async () => {
    const packed = {
      small: transaction(addTable('t'), addSet('t', 's')),
      large: transaction(addElements('t', 's', 1_000_000)),
    };
    const script = `
      const socket = native.open('');
      console.log(native.transactSync(socket, packed.small));
      console.log(Buffer.from(native.transactSync(socket, packed.large)).toString('hex'));
    `;
    const { stdout, stderr } = await runChild(script, packed, { command: ['unshare', '-rn'] });
    const [committed, refused = ''] = stdout.split('\n');
    expect(stderr).toBe('');
    expect(Number(committed)).toBeGreaterThan(0);
    const outcome = readOutcome(Buffer.from(refused, 'hex'));
    expect(outcome).toMatchObject({ outcome: 'aborted', step: 'size', failures: [] });
    expect(outcome.batchBytes).toBeGreaterThan(outcome.limitBytes);
    expect(outcome.limitBytes).toBeGreaterThan(100_000);
  });

  it('says that there were more failures than it could receive', async () => {
    const missing = addChain('missing', 'c');
    const packed = { many: transaction(...Array.from({ length: 30_000 }, () => missing)) };
    const script = `
      const outcome = native.transactSync(native.open(''), packed.many);
      process.stdout.write(Buffer.from(outcome).toString('base64'));
    `;
    const { stdout } = await runChild(script, packed, { command: ['unshare', '-rn'] });
    const outcome = readOutcome(Buffer.from(stdout, 'base64'));
    expect(outcome).toMatchObject({ outcome: 'aborted', failuresLost: true });
    expect(outcome.failures.length).toBeGreaterThan(100);
    expect(outcome.failures.length).toBeLessThan(30_000);
  });

  it('gives EPERM without the capability', async () => {
    const script = `console.log(Buffer.from(native.transactSync(native.open(''), packed.table)).toString('hex'))`;
    const { stdout } = await runChild(
      script,
      { table },
      {
        command: ['ip', 'netns', 'exec', namespace.name, 'setpriv', '--bounding-set=-all', '--inh-caps=-all'],
      },
    );
    const outcome = readOutcome(Buffer.from(stdout.trim(), 'hex'));
    expect(outcome.outcome).toBe('aborted');
    expect(outcome.failures[0]?.errno ?? outcome.errno).toBe(1);
  });
});
