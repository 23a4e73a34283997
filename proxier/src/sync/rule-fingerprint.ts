import { type Chain, type ListedRule, Nftables } from 'nftlink';
import { FakeKernel } from 'nftlink/testing';
import type { ChainSpec } from '../layout/chain-spec.ts';
import { type FamilySets, familyTable } from '../layout/sets.ts';
import type { Family } from '../model/frontends.ts';

/**
 * What rules look like when they are listed, as text: equal texts, equal rules. The kernel lists rules in another form than it
 * takes them, so what ours will look like is asked of a kernel in memory.
 */
class RuleFingerprints {
  readonly #kernel = new FakeKernel();
  readonly #nft = new Nftables(this.#kernel);
  readonly #family: Family;

  private constructor(family: Family) {
    this.#family = family;
  }

  /** With the sets and chains that rules may lead to. */
  static async open(family: Family, sets: FamilySets, chains: readonly Chain[]): Promise<RuleFingerprints> {
    const fingerprints = new RuleFingerprints(family);
    const transaction = fingerprints.#nft.transaction().add(familyTable(family));
    for (const chain of chains) transaction.add(chain);
    for (const set of Object.values(sets)) if (set.kind !== 'table') transaction.add(set);
    await transaction.commit();
    return fingerprints;
  }

  /** The texts of chains' rules, by chain. The chains are kept: later ones may lead to them. */
  async of(specs: readonly ChainSpec[]): Promise<ReadonlyMap<string, string>> {
    const transaction = this.#nft.transaction();
    for (const { chain } of specs) transaction.add(chain);
    for (const { rules } of specs) for (const rule of rules()) transaction.add(rule);
    await transaction.commit();
    const listed = new Map<string, ListedRule[]>();
    for (const rule of await this.#nft.listRules(familyTable(this.#family))) {
      listed.set(rule.chain.name, [...(listed.get(rule.chain.name) ?? []), rule]);
    }
    return new Map(specs.map(({ chain }) => [chain.name, fingerprint(listed.get(chain.name) ?? [])]));
  }
}

/** What chains of one family should look like. Asked again, it is known already, as long as the chain is to be the same. */
export class ExpectedRules {
  #known: ReadonlyMap<string, string> = new Map();

  /** The texts by chain; `chains`: those that rules may lead to. */
  async of(
    family: Family,
    sets: FamilySets,
    chains: readonly Chain[],
    specs: readonly ChainSpec[],
  ): Promise<ReadonlyMap<string, string>> {
    if (specs.some((spec) => !this.#known.has(idOf(spec)))) {
      const fingerprints = await RuleFingerprints.open(family, sets, chains);
      const texts = await fingerprints.of(specs);
      this.#known = new Map(specs.map((spec) => [idOf(spec), texts.get(spec.chain.name) ?? '']));
    }
    return new Map(specs.map((spec) => [spec.chain.name, this.#known.get(idOf(spec)) ?? '']));
  }
}

function idOf({ chain, content }: ChainSpec): string {
  return `${chain.name} ${content}`;
}

/** The text of listed rules. */
export function fingerprint(rules: readonly ListedRule[]): string {
  return rules
    .map(({ expressions, comment = '' }) => {
      const texts = expressions.map(({ name, data, fields }) =>
        fields === undefined
          ? `${name} ${Buffer.from(data).toString('hex')}`
          : `${name} ${textOf(withoutDefaults(name, fields))}`,
      );
      return [...texts, comment].join('\n');
    })
    .join('\n\n');
}

/** Flags of a nat expression that say no more than which registers it has: NF_NAT_RANGE_MAP_IPS, …_PROTO_SPECIFIED. */
const NAT_HAS_RANGE = 3;

/** What kernels add to what they were given, some of them: it means nothing. */
function withoutDefaults(
  name: string,
  fields: Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> {
  const { addrMin, addrMax, protoMin, protoMax, flags, timeout, ...others } = fields;
  const shown = typeof flags === 'number' && name === 'nat' ? flags & ~NAT_HAS_RANGE : flags;
  return {
    ...others,
    addrMin,
    protoMin,
    ...(addrMax === addrMin ? {} : { addrMax }),
    ...(protoMax === protoMin ? {} : { protoMax }),
    ...(shown === 0 || shown === undefined ? {} : { flags: shown }),
    ...(timeout === 0n ? {} : { timeout }),
  };
}

function textOf(fields: Readonly<Record<string, unknown>>): string {
  const sorted = Object.entries(fields)
    .filter(([, value]) => value !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify(sorted, (_, value: unknown) => {
    if (typeof value === 'bigint') return `${value}`;
    if (value instanceof Uint8Array) return Buffer.from(value).toString('hex');
    // A set without a name has a number that means nothing.
    return typeof value === 'string' && value.startsWith('__set') ? '__set' : value;
  });
}
