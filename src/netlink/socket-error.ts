/** The socket was closed: nothing was sent. */
export class ClosedError extends Error {
  override readonly name = 'ClosedError';
  /** The same for every one. */
  readonly code = 'ERR_NFTLINK_CLOSED';

  /** @internal */
  constructor() {
    super('the socket is closed');
  }
}

/**
 * Something synchronous was asked for while something asynchronous is under way on the same socket: nothing was sent, and it
 * can be asked for again.
 */
export class PendingError extends Error {
  override readonly name = 'PendingError';
  /** The same for every one. */
  readonly code = 'ERR_NFTLINK_PENDING';

  /** @internal */
  constructor() {
    super('requests are pending on this socket: await them, then commit');
  }
}

/** What the addon threw, as one of the classes above where it is one of them. */
export function socketError(thrown: unknown): unknown {
  const code = thrown instanceof Error && 'code' in thrown ? thrown.code : undefined;
  if (code === 'ERR_NFTLINK_CLOSED') return new ClosedError();
  return code === 'ERR_NFTLINK_PENDING' ? new PendingError() : thrown;
}
