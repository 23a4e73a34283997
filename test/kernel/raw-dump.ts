import type { Host } from '../../lab/lab.ts';
import type { AnySet, Nftables, Table } from '../../src/index.ts';
import { attributeMap, attributes, textAttribute, textOf } from '../../src/netlink/attribute.ts';
import { NativeTransport } from '../../src/netlink/native-transport.ts';
import { ask } from '../../src/netlink/request.ts';
import { familyNumber } from '../../src/nft/family.ts';
import { NFT_MSG, NLM_F } from '../../src/nft/pack/uapi.ts';
import { NFTA_SET, NFTA_SET_ELEM, NFTA_SET_ELEM_LIST } from '../../src/read/uapi.ts';

/** What the kernel has, as bytes: to compare what we made with what nft made. */

const HANDLE = 16;

function hexOf(fields: ReadonlyMap<number, Uint8Array>, without: readonly number[]): Record<string, string> {
  const raw = [...fields].filter(([type]) => !without.includes(type));
  return Object.fromEntries(
    raw.map(([type, bytes]) => [`attribute ${type}`, Buffer.from(bytes).toString('hex')]),
  );
}

async function dump(host: Host, message: number, family: number, of: Uint8Array) {
  const transport = new NativeTransport({ path: host.netnsPath });
  const replies = await ask(transport, 'dumping', message, NLM_F.dump, family, of);
  await transport.close();
  return replies;
}

/** Attributes of the named sets, handles apart. */
export async function rawSets(host: Host, of: Table): Promise<Map<string, Record<string, string>>> {
  const name = textAttribute(NFTA_SET.table, of.name);
  const sets = new Map<string, Record<string, string>>();
  for (const message of await dump(host, NFT_MSG.getSet, familyNumber(of.family), name)) {
    const fields = attributeMap(message.attributes);
    const setName = textOf(fields.get(NFTA_SET.name)) ?? '';
    if (!setName.startsWith('__')) sets.set(setName, hexOf(fields, [HANDLE]));
  }
  return sets;
}

/** Attributes of a set's elements in the kernel's order, but for the time that is left. */
export async function rawElements(host: Host, set: AnySet): Promise<readonly Record<string, string>[]> {
  const names = [
    textAttribute(NFTA_SET_ELEM_LIST.table, set.table.name),
    textAttribute(NFTA_SET_ELEM_LIST.set, set.name),
  ];
  const replies = await dump(host, NFT_MSG.getSetElem, familyNumber(set.table.family), Buffer.concat(names));
  return replies.flatMap((message) => {
    const list = attributeMap(message.attributes).get(NFTA_SET_ELEM_LIST.elements);
    return [...attributes(list ?? new Uint8Array(0))].map(({ bytes }) =>
      hexOf(attributeMap(bytes), [NFTA_SET_ELEM.expiration]),
    );
  });
}

/** Expressions of the rules. */
export async function rawRules(nft: Nftables, of: Table): Promise<readonly (readonly string[])[]> {
  const rules = await nft.listRules(of);
  return rules.map(({ expressions }) =>
    expressions.map(({ name, data }) => `${name} ${Buffer.from(data).toString('hex')}`),
  );
}
