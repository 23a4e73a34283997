import { attributeMap, u32Of } from '../netlink/attribute.ts';
import { type Message, messages } from '../netlink/message.ts';
import { ask, askBytes, interrupted, MAX_ATTEMPTS } from '../netlink/request.ts';
import type { Transport } from '../netlink/transport.ts';
import { NFT_MSG, NLM_F } from '../nft/pack/uapi.ts';
import { hasRepeats } from './element-identities.ts';
import { Slices } from './slices.ts';
import { NFTA_GEN_ID } from './uapi.ts';

const NO_ATTRIBUTES = new Uint8Array(0);

/** One attempt at a dump of elements: its messages, of some 32 KiB each, and the generation behind it. */
export interface ElementDump {
  readonly replies: readonly Message[];
  readonly generation: number;
  /** All of it is of that generation, and no element comes twice. */
  readonly isConsistent: boolean;
}

/**
 * The messages of a dump of elements, complete and of one generation. The kernel marks every other interrupted dump, but not
 * this one (nf_tables_dump_set, at least up to 6.18):
 *
 * - Its parts belong together only if nothing was committed between the first and the end.
 * - Each part counts its way to where the last one ended. While the hash table of a set without a size grows, the order
 *   changes, and then as many elements are left out as come twice.
 */
export async function dumpElements(
  transport: Transport,
  what: string,
  family: number,
  setName: Uint8Array,
  signal?: AbortSignal,
): Promise<readonly Message[]> {
  for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt++) {
    const dump = await tryDumpElements(transport, what, family, setName, signal);
    if (dump.isConsistent) return dump.replies;
  }
  throw interrupted(what);
}

/** The same, once. */
export async function tryDumpElements(
  transport: Transport,
  what: string,
  family: number,
  setName: Uint8Array,
  signal: AbortSignal | undefined,
): Promise<ElementDump> {
  // Both at once: one stands behind the other in the queue, without our own later commits between them.
  const [bytes, generation] = await Promise.all([
    askBytes(transport, what, NFT_MSG.getSetElem, NLM_F.dump, family, setName, signal),
    readGeneration(transport, what, signal),
  ]);
  const replies = [...messages(bytes)];
  const together = replies.every(({ generation16 }) => generation16 === (generation & 0xffff));
  const isConsistent = together && !(await hasRepeats(replies, new Slices(signal)));
  return { replies, generation, isConsistent };
}

/** The ruleset's generation. */
export async function readGeneration(
  transport: Transport,
  what: string,
  signal?: AbortSignal,
): Promise<number> {
  for (const message of await ask(transport, what, NFT_MSG.getGen, 0, 0, NO_ATTRIBUTES, signal)) {
    const id = u32Of(attributeMap(message.attributes).get(NFTA_GEN_ID));
    if (id !== undefined) return id;
  }
  throw new Error(`${what}: the kernel's reply has no generation`);
}
