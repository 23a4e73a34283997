import { unlessAborted } from '../netlink/abort.ts';
import { type Message, messages } from '../netlink/message.ts';
import { RequestError } from '../netlink/request.ts';
import type { Transport } from '../netlink/transport.ts';
import { familyNumber } from '../nft/family.ts';
import { NFT_MSG, NLM_F } from '../nft/pack/uapi.ts';
import type { AnySet } from '../nft/set.ts';
import { setNameAttributes } from './element-request.ts';

/**
 * The messages of a dump that sets the elements' state back as it reads them. Never asked a second time: what a first dump has read
 * would be lost. Where the set changes meanwhile (the dump is marked as interrupted) an element may come twice, each time with
 * what it has counted since the last time, or not at all, and is then not set back.
 */
export async function resetDump(
  transport: Transport,
  what: string,
  set: AnySet,
  signal: AbortSignal | undefined,
): Promise<readonly Message[]> {
  const family = familyNumber(set.table.family);
  const ask = () => transport.request(NFT_MSG.getSetElemReset, NLM_F.dump, family, setNameAttributes(set));
  const reply = await unlessAborted(ask, signal);
  const errno = new DataView(reply.buffer, reply.byteOffset).getInt32(0, true);
  if (errno !== 0) throw new RequestError(what, errno);
  return [...messages(reply.subarray(8))];
}
