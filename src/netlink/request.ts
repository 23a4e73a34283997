import { constants } from 'node:os';
import { unlessAborted } from './abort.ts';
import { errnoName } from './errno.ts';
import { type Message, messages } from './message.ts';
import type { Transport } from './transport.ts';

const HINTS: Readonly<Record<string, string>> = {
  EPERM: 'it takes CAP_NET_ADMIN in the network namespace',
  // What nfnetlink says of a subsystem that is not there.
  EINVAL: 'this kernel lacks nf_tables or ctnetlink (CONFIG_NF_TABLES, CONFIG_NF_CT_NETLINK), or part of it',
};

/** A question that the kernel refused to answer. `code` is errno's name. */
export class RequestError extends Error {
  override readonly name = 'RequestError';
  /** errno's name: `'ENOENT'`. */
  readonly code: string;
  /** Its number. */
  readonly errno: number;

  /** @internal */
  constructor(what: string, errno: number) {
    const code = errnoName(errno);
    const hint = HINTS[code];
    super(hint === undefined ? `${what}: ${code}` : `${what}: ${code}: ${hint}`);
    this.code = code;
    this.errno = errno;
  }
}

const INTERRUPTED = 1;
/** A ruleset that changes so often that no dump comes through is better reported than waited for. */
export const MAX_ATTEMPTS = 100;

/** Asks and gives the reply messages. A dump that was interrupted by a change is asked for again. */
export async function ask(
  transport: Transport,
  what: string,
  message: number,
  flags: number,
  family: number,
  attributes: Uint8Array,
  signal?: AbortSignal,
): Promise<readonly Message[]> {
  return [...messages(await askBytes(transport, what, message, flags, family, attributes, signal))];
}

/** Like {@link ask}, but gives the replies' bytes: of many replies, one need be made at a time. */
export async function askBytes(
  transport: Transport,
  what: string,
  message: number,
  flags: number,
  family: number,
  attributes: Uint8Array,
  signal?: AbortSignal,
): Promise<Uint8Array> {
  for (let attempt = 1; ; attempt++) {
    const reply = await unlessAborted(() => transport.request(message, flags, family, attributes), signal);
    const view = new DataView(reply.buffer, reply.byteOffset, reply.byteLength);
    const errno = view.getInt32(0, true);
    if (errno !== 0) throw new RequestError(what, errno);
    if ((view.getUint32(4, true) & INTERRUPTED) === 0) return reply.subarray(8);
    if (attempt === MAX_ATTEMPTS) throw interrupted(what);
  }
}

/** EINTR: the ruleset changed during each of MAX_ATTEMPTS dumps. */
export function interrupted(what: string): RequestError {
  return new RequestError(`${what}: interrupted ${MAX_ATTEMPTS} times by changes`, constants.errno.EINTR);
}
