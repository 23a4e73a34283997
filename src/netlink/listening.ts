import { InvalidArgumentError } from '../invalid-argument.ts';
import type { NativeBinding, NativeListener } from '../native/contract.ts';
import { type Message, messages, wholeMessage } from './message.ts';
import { RequestError } from './request.ts';
import type { ListenOptions, Transport } from './transport.ts';

/** A subscription to multicast groups: batches of messages, as docs/packed-format.md has them ("Listening"). */
export interface Listening {
  /** What arrives next; undefined once it was stopped. */
  receive(): Promise<Uint8Array | undefined>;
  /** Ends a pending `receive`; resolves when the socket is closed. */
  stop(): Promise<void>;
}

/** A listener of the addon. */
export class NativeListening implements Listening {
  readonly #native: NativeBinding;
  readonly #listener: NativeListener;
  readonly #keepAlive: boolean;

  constructor(native: NativeBinding, listener: NativeListener, keepAlive: boolean) {
    this.#native = native;
    this.#listener = listener;
    this.#keepAlive = keepAlive;
  }

  receive(): Promise<Uint8Array | undefined> {
    return this.#native.receive(this.#listener, this.#keepAlive);
  }

  stop(): Promise<void> {
    return this.#native.stopListening(this.#listener);
  }
}

/** Subscribes to groups (bit n - 1 is group n). Throws OpenError. */
export function listenTo(transport: Transport, groups: number, options: ListenOptions): Listening {
  const { receiveBufferBytes } = options;
  if (receiveBufferBytes !== undefined && !isBufferSize(receiveBufferBytes)) {
    throw new InvalidArgumentError('receiveBufferBytes', receiveBufferBytes, 'a number of bytes up to 1 GiB');
  }
  const listening = transport.listen?.(groups, options);
  if (listening === undefined) throw new TypeError('this transport has no events: it does not listen');
  return listening;
}

function isBufferSize(bytes: number): boolean {
  return Number.isInteger(bytes) && bytes >= 0 && bytes < 1 << 30;
}

/** A message, or `'gap'` where the kernel dropped some. */
export type Notification = Message | 'gap';

const NLMSG_ERROR = 2;
const NLMSG_OVERRUN = 4;

/** What is received until it is stopped. Throws RequestError when the socket fails; stops it in every case. */
export async function* notifications(
  listening: Listening,
  what: string,
): AsyncGenerator<Iterable<Notification>> {
  try {
    for (;;) {
      const batch = await listening.receive();
      if (batch === undefined) return;
      yield notificationsIn(batch, what);
    }
  } finally {
    await listening.stop();
  }
}

/** The notifications of one batch. */
export function* notificationsIn(batch: Uint8Array, what: string): Generator<Notification> {
  for (const message of messages(batch)) {
    if (message.subsystem !== 0) {
      yield message;
    } else if (message.type === NLMSG_OVERRUN) {
      yield 'gap';
    } else if (message.type === NLMSG_ERROR) {
      const bytes = wholeMessage(message);
      throw new RequestError(what, -new DataView(bytes.buffer, bytes.byteOffset).getInt32(16, true));
    }
  }
}
