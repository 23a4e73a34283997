/** What a listing names, said alike for nft's JSON and for ours: `chain inet t c`, `element 10.0.0.1`. */

type Json = Readonly<Record<string, unknown>>;

/** The kinds of nft's JSON that are not things of the kernel. */
const NOT_LISTED: ReadonlySet<string> = new Set(['metainfo']);

/** The names in what `nft -j` printed: for each thing its name, its state where it counts, and its elements. */
export function namedByNft(printed: string): readonly string[] {
  const { nftables } = JSON.parse(printed) as { readonly nftables: readonly Json[] };
  return nftables.flatMap((entry) =>
    Object.entries(entry)
      .filter(([kind]) => !NOT_LISTED.has(kind))
      .flatMap(([kind, value]) => [
        nameOf(kind, value as Json),
        ...elementsIn((value as Json)['elem'] as readonly unknown[] | undefined),
      ]),
  );
}

function nameOf(kind: string, { family, table, name, chain, handle, packets, bytes, used }: Json): string {
  const of = [kind, family, table, kind === 'rule' ? chain : name].filter((part) => part !== undefined);
  const state = kind === 'rule' ? [handle] : [packets, bytes, used].filter((part) => part !== undefined);
  return [...of, ...state].map(String).join(' ');
}

function elementsIn(list: readonly unknown[] = []): readonly string[] {
  return list.map((entry) => {
    // Of a map: key and value.
    const key = Array.isArray(entry) ? entry[0] : entry;
    const { elem, prefix } = key as { elem?: { val: unknown }; prefix?: { addr: string; len: number } };
    if (prefix !== undefined) return `element ${prefix.addr}/${prefix.len}`;
    return `element ${String(elem?.val ?? key)}`;
  });
}

/** The names in what a call of ours gave: one description, a list, an iterable or a snapshot. */
export async function namedByUs(result: unknown): Promise<readonly string[]> {
  if (result === undefined || result === null) return [];
  if (Array.isArray(result)) return result.flatMap(namesOfOne);
  if (typeof result === 'object' && Symbol.asyncIterator in result) {
    const names: string[] = [];
    for await (const each of result as AsyncIterable<Json>) names.push(...namesOfOne(each));
    return names;
  }
  const { kind } = result as Json;
  return kind === 'snapshot' ? namesInSnapshot(result as Json) : namesOfOne(result as Json);
}

function namesInSnapshot(snapshot: Json): readonly string[] {
  const elements = (snapshot['elements'] as readonly { readonly elements: readonly Json[] }[]) ?? [];
  const lists = ['tables', 'chains', 'sets', 'rules'].flatMap((list) => snapshot[list] as readonly Json[]);
  return [...lists, ...elements.flatMap((contents) => contents.elements)].flatMap(namesOfOne);
}

function namesOfOne(thing: Json): readonly string[] {
  const { kind, table, chain, name, handle, key } = thing as Json & { table?: Json; chain?: Json };
  if (kind === undefined) return [`element ${String(key)}`];
  if (kind === 'rule handle') {
    const of = chain?.['table'] as Json;
    return [`rule ${of['family']} ${of['name']} ${chain?.['name']} ${handle}`];
  }
  if (kind === 'table') return [`table ${thing['family']} ${name}`];
  const state = ['packets', 'bytes', 'used'].map((key) => thing[key]).filter((part) => part !== undefined);
  const word = kind === 'verdict map' ? 'map' : kind;
  return [[word, table?.['family'], table?.['name'], name, ...state].map(String).join(' ')];
}
