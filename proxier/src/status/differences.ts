import type { Adoption } from '../sync/adoption.ts';

/** What of a table is not as this version of nft-proxier writes it, a sentence each. `fixed`: the chains that must be there. */
export function differences(adoption: Adoption, fixed: readonly string[]): readonly string[] {
  const { present, intact, programmed, missingSets, foreignBases } = adoption;
  const others = [...programmed.chains].filter(([, content]) => content === '').map(([name]) => name);
  return [
    ...fixed.filter((name) => !present.has(name)).map((name) => `chain ${name} is missing`),
    ...fixed.filter((name) => present.has(name) && !intact.has(name)).map(otherRules),
    ...others.map(otherRules),
    ...missingSets.map((name) => `set ${name} is missing, or not as it should be`),
    ...foreignBases.map(({ name }) => `base chain ${name} does not belong here`),
  ];
}

function otherRules(name: string): string {
  return `chain ${name} has other rules than nft-proxier writes`;
}
