import type { Host } from '../../lab/lab.ts';
import { attribute, attributeMap, attributes } from '../../src/netlink/attribute.ts';
import type { Message } from '../../src/netlink/message.ts';
import { NativeTransport } from '../../src/netlink/native-transport.ts';
import { ask } from '../../src/netlink/request.ts';
import { NFT_MSG, NLM_F } from '../../src/nft/pack/uapi.ts';
import { NFTA_SET, NFTA_SET_ELEM, NFTA_SET_ELEM_LIST } from '../../src/read/uapi.ts';

/** Everything that nf_tables has in a namespace, as bytes: handles included, times that pass by themselves not. */

const NOTHING = new Uint8Array(0);
const LISTS = ['getTable', 'getChain', 'getRule', 'getSet', 'getObj', 'getFlowtable'] as const;

/** One line for each table, chain, rule, set, object, flowtable and element. */
export async function kernelState(host: Host): Promise<readonly string[]> {
  const transport = new NativeTransport({ path: host.netnsPath });
  const dump = (message: number, family: number, of: Uint8Array) =>
    ask(transport, 'dumping', message, NLM_F.dump, family, of);
  const lines: string[] = [];
  for (const list of LISTS) {
    for (const message of await dump(NFT_MSG[list], 0, NOTHING)) {
      lines.push(`${list.slice(3)} ${message.family} ${hexOf(message.attributes)}`);
      if (list === 'getSet') lines.push(...(await elementsOf(dump, message)));
    }
  }
  await transport.close();
  return lines;
}

type Dump = (message: number, family: number, of: Uint8Array) => Promise<readonly Message[]>;

async function elementsOf(dump: Dump, set: Message): Promise<readonly string[]> {
  // Table and name have the same numbers in both messages.
  const names = [...attributes(set.attributes)].filter(
    ({ type }) => type === NFTA_SET.table || type === NFTA_SET.name,
  );
  const of = Buffer.concat(names.map(({ type, bytes }) => attribute(type, bytes)));
  const replies = await dump(NFT_MSG.getSetElem, set.family, of);
  const lines = replies.flatMap((message) => {
    const list = attributeMap(message.attributes).get(NFTA_SET_ELEM_LIST.elements) ?? NOTHING;
    return [...attributes(list)].map(({ bytes }) => `  element ${hexOf(bytes, NFTA_SET_ELEM.expiration)}`);
  });
  return lines.sort();
}

function hexOf(nest: Uint8Array, without?: number): string {
  const kept = [...attributes(nest)].filter(({ type }) => type !== without);
  return kept.map(({ type, bytes }) => `${type}:${Buffer.from(bytes).toString('hex')}`).join(' ');
}
