import { mkdir, rm, stat } from 'node:fs/promises';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { DaemonStatus } from './daemon-status.ts';

const FOLDER = '/run/nft-proxier';

/**
 * Where a daemon serves its status if it is not told otherwise: a socket named after the network namespace that it works in, so
 * that whoever asks for the same namespace finds it. Rejects when the namespace's path cannot be read.
 */
export async function defaultSocketPath(netns: string | undefined): Promise<string> {
  const { ino } = await stat(netns ?? '/proc/self/ns/net');
  return join(FOLDER, `${ino}.sock`);
}

/** A daemon's status on a socket in the file system: whoever connects gets JSON. */
export class StatusSocket implements AsyncDisposable {
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
  }

  /**
   * Opens the socket, for this user only. One that a killed daemon has left behind is replaced; rejects when a daemon is still
   * behind it, or the path cannot be used.
   */
  static async open(path: string, status: () => DaemonStatus): Promise<StatusSocket> {
    // Not `recursive`: in a file system like /proc, Node.js 20 tries that for ever.
    if (dirname(path) === FOLDER) await mkdir(FOLDER, { mode: 0o700 }).catch(unlessThere);
    if ((await askSocket(path)) !== undefined) {
      throw new Error(
        `another nft-proxier serves ${path}: two in one network namespace undo each other's work`,
      );
    }
    await rm(path, { force: true });
    const server = createServer((socket) => answer(socket, status));
    const before = process.umask(0o177);
    try {
      server.listen(path);
    } finally {
      process.umask(before);
    }
    await new Promise<void>((resolve, reject) => server.once('listening', resolve).once('error', reject));
    // What is asked must not keep a daemon alive.
    server.unref();
    return new StatusSocket(server);
  }

  /** Closes it, and takes its file away. */
  async [Symbol.asyncDispose](): Promise<void> {
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

function unlessThere(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EEXIST') throw error;
}

function answer(socket: Socket, status: () => DaemonStatus): void {
  // Who asks may go away at any time.
  socket.on('error', () => socket.destroy());
  socket.end(JSON.stringify(status()));
}

/** What the daemon behind a socket says; undefined: there is none. Rejects when it cannot be asked. */
export async function askSocket(path: string): Promise<DaemonStatus | undefined> {
  const socket = connect(path);
  socket.setTimeout(ANSWER_MS, () => socket.destroy(new Error(`no answer from the daemon at ${path}`)));
  try {
    return JSON.parse(await text(socket)) as DaemonStatus;
  } catch (error) {
    // A killed daemon leaves its file behind.
    if (['ENOENT', 'ECONNREFUSED', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? ''))
      return undefined;
    throw error;
  }
}

const ANSWER_MS = 5_000;
