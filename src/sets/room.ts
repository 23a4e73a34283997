import { ask } from '../netlink/request.ts';
import type { Transport } from '../netlink/transport.ts';
import { familyNumber } from '../nft/family.ts';
import { roomFor } from '../nft/pack/new-sets.ts';
import { NFT_MSG } from '../nft/pack/uapi.ts';
import type { AnySet } from '../nft/set.ts';
import { Transaction } from '../nft/transaction.ts';
import { SetFullError } from '../nft/transaction-error.ts';
import { setNameAttributes } from '../read/element-request.ts';
import { readSet } from '../read/objects.ts';

/** Whether the library chose the set's size, and may choose another one. */
function hasOwnRoom(set: AnySet): boolean {
  // The size of a dynamic set is what packets may fill.
  return set.size === undefined && set.autoSize !== false && !set.dynamic;
}

/**
 * Does what adds elements, and when the set is full and has a size that the library gave it, makes room for them and does it again. A
 * set takes on another size since kernel 6.5, as a change of its own: in one transaction with the elements it would come too late.
 */
export async function withRoom<T>(
  transport: Transport,
  set: AnySet,
  more: number,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof SetFullError) || !hasOwnRoom(set)) throw error;
    if (!(await makeRoom(transport, set, more))) throw error;
  }
  return work();
}

/** False where the kernel keeps to the size that there is. */
async function makeRoom(transport: Transport, set: AnySet, more: number): Promise<boolean> {
  const before = await sizeInKernel(transport, set);
  if (before === undefined) return false;
  const size = roomFor(before + more);
  await new Transaction(transport).add({ ...set, size }).commit();
  return ((await sizeInKernel(transport, set)) ?? 0) > before;
}

async function sizeInKernel(transport: Transport, set: AnySet): Promise<number | undefined> {
  const what = `reading the size of ${set.kind} ${set.table.family} ${set.table.name} ${set.name}`;
  const family = familyNumber(set.table.family);
  // NFTA_SET_TABLE and NFTA_SET_NAME have the numbers of the element lists' own.
  const [message] = await ask(transport, what, NFT_MSG.getSet, 0, family, setNameAttributes(set));
  return message === undefined ? undefined : readSet(message, set.table)?.size;
}
