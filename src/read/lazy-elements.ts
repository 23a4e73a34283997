import type { Transport } from '../netlink/transport.ts';
import { familyNumber } from '../nft/family.ts';
import type { AnySet } from '../nft/set.ts';
import { dumpElements } from './element-dump.ts';
import { setNameAttributes } from './element-request.ts';
import { eachElement, type ListedElementOf } from './elements.ts';
import { Slices } from './slices.ts';

/** Reads a set when the first element is asked for, keeps the replies' bytes, and makes one element at a time of them. */
export async function* lazyElements<S extends AnySet>(
  transport: Transport,
  what: string,
  set: S,
  signal: AbortSignal | undefined,
): AsyncGenerator<ListedElementOf<S>, void, undefined> {
  const family = familyNumber(set.table.family);
  const replies = await dumpElements(transport, what, family, setNameAttributes(set), signal);
  const slices = new Slices(signal);
  for (const element of eachElement(set, replies)) {
    yield element;
    if (slices.isOver) await slices.pause();
  }
}
