import type { ChildProcess } from 'node:child_process';
import { NODE_PLACE, type Placed, readFrames, writeFrame } from './frames.ts';

/** A packet that came out: by a device, or (`undefined`) to the node. */
interface Emerged {
  readonly device: string | undefined;
  readonly bytes: Buffer;
}

/** The running injector.c. */
export class Injector {
  readonly #input: NodeJS.WritableStream;
  readonly #frames: AsyncIterator<readonly (Placed & { readonly bytes: Buffer })[]>;
  readonly #devices: readonly string[];
  #complaints = '';

  private constructor(
    input: NodeJS.WritableStream,
    frames: AsyncIterator<readonly (Placed & { readonly bytes: Buffer })[]>,
    devices: readonly string[],
  ) {
    this.#input = input;
    this.#frames = frames;
    this.#devices = devices;
  }

  /** Waits until the program has made its devices. */
  static async open(child: ChildProcess, devices: readonly string[]): Promise<Injector> {
    const { stdin, stdout, stderr } = child;
    if (stdin === null || stdout === null) throw new Error('the injector needs pipes');
    const injector = new Injector(stdin, readFrames(stdout), devices);
    stderr?.on('data', (chunk) => {
      injector.#complaints += String(chunk);
    });
    // A program that ended is told by the end of its output.
    stdin.on('error', () => undefined);
    await injector.#answer();
    return injector;
  }

  /** The number of a device; `node` is the node itself. Throws when there is no such device. */
  placeOf(from: string): number {
    if (from === 'node') return NODE_PLACE;
    const place = this.#devices.indexOf(from);
    if (place < 0) throw new Error(`there is no device ${from}: ${this.#devices.join(', ')}, node`);
    return place;
  }

  /** Sends packets; gives all that came out until the kernel had nothing more to do. One call at a time. */
  exchange(packets: readonly Placed[]): Promise<readonly Emerged[]> {
    this.#input.write(writeFrame(packets));
    return this.#answer();
  }

  async #answer(): Promise<readonly Emerged[]> {
    const { value, done } = await this.#frames.next();
    if (done) throw new Error(`the injector ended: ${this.#complaints.trim() || 'it said nothing'}`);
    return value.map(({ place, bytes }: Placed & { readonly bytes: Buffer }) => ({
      device: this.#devices[place],
      bytes,
    }));
  }
}
