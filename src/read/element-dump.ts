import { attributeMap, attributes, u32Of } from '../netlink/attribute.ts';
import type { Message } from '../netlink/message.ts';
import { ask, interrupted, MAX_ATTEMPTS } from '../netlink/request.ts';
import type { Transport } from '../netlink/transport.ts';
import { NFT_MSG, NLM_F } from '../nft/pack/uapi.ts';
import { NFTA_GEN_ID, NFTA_SET_ELEM, NFTA_SET_ELEM_LIST } from './uapi.ts';

const NO_ATTRIBUTES = new Uint8Array(0);

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
): Promise<readonly Message[]> {
  for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt++) {
    // Both at once: one stands behind the other in the queue, without our own later commits between them.
    const [replies, generation] = await Promise.all([
      ask(transport, what, NFT_MSG.getSetElem, NLM_F.dump, family, setName),
      readGeneration(transport, what),
    ]);
    const together = replies.every(({ generation16 }) => generation16 === (generation & 0xffff));
    if (together && !hasRepeats(replies)) return replies;
  }
  throw interrupted(what);
}

function hasRepeats(replies: readonly Message[]): boolean {
  const seen = new Set<string>();
  for (const { attributes: bytes } of replies) {
    const list = attributeMap(bytes).get(NFTA_SET_ELEM_LIST.elements);
    for (const element of attributes(list ?? NO_ATTRIBUTES)) {
      const identity = identityOf(element.bytes);
      if (seen.has(identity)) return true;
      seen.add(identity);
    }
  }
  return false;
}

/** The end of a range may have the key of the next one's start. */
function identityOf(element: Uint8Array): string {
  let identity = '';
  for (const { type, bytes } of attributes(element)) {
    if (type !== NFTA_SET_ELEM.key && type !== NFTA_SET_ELEM.flags && type !== NFTA_SET_ELEM.keyEnd) continue;
    identity += `${type} ${Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1')}`;
  }
  return identity;
}

/** The ruleset's generation. */
export async function readGeneration(transport: Transport, what: string): Promise<number> {
  for (const message of await ask(transport, what, NFT_MSG.getGen, 0, 0, NO_ATTRIBUTES)) {
    const id = u32Of(attributeMap(message.attributes).get(NFTA_GEN_ID));
    if (id !== undefined) return id;
  }
  throw new Error(`${what}: the kernel's reply has no generation`);
}
