import { chain, goto, numgen, setMeta } from 'nftlink';
import { type ChainSpec, chainSpec } from './chain-spec.ts';
import { chainName, type FixedChains, markForMasquerade, type RuleOptions } from './fixed-chains.ts';
import { indexMark, localIndexMark } from './numbers.ts';
import type { FamilySets } from './sets.ts';

/**
 * The chains of classes. A class is what frontends have in common: where their connections may come from, and from how many
 * endpoints they choose. Its name says all of it:
 *
 *     pick-3, local-pick-3                     one of three endpoints, of three on this node
 *     external-3                               masqueraded, then pick-3
 *     nodeport-pick-3, nodeport-local-pick-3,
 *     nodeport-external-3                      the same for node ports, whose endpoints have other keys
 *     external-local, nodeport-external-local  fixed chains: who it comes from decides
 *     sticky-7, local-sticky-7, external-sticky-7   the sticky Service port with number 7
 */

/** Where a frontend's endpoints are looked up. */
export type Keyed = 'address' | 'nodeport';

export function pickName(keyed: Keyed, endpoints: number): string {
  return keyed === 'address' ? `pick-${endpoints}` : `nodeport-pick-${endpoints}`;
}

export function localPickName(keyed: Keyed, endpoints: number): string {
  return keyed === 'address' ? `local-pick-${endpoints}` : `nodeport-local-pick-${endpoints}`;
}

export function externalName(keyed: Keyed, endpoints: number): string {
  return keyed === 'address' ? `external-${endpoints}` : `nodeport-external-${endpoints}`;
}

export function externalLocalName(keyed: Keyed): 'external-local' | 'nodeport-external-local' {
  return keyed === 'address' ? 'external-local' : 'nodeport-external-local';
}

/** A class chain by its parts. */
export interface ClassParts {
  readonly keyed: Keyed;
  readonly kind: 'pick' | 'local-pick' | 'external';
  readonly endpoints: number;
}

const NAME = /^(nodeport-)?(pick|local-pick|external)-(\d+)$/;

/** The parts of a name that one of the functions above made; undefined for other names. */
export function classParts(name: string): ClassParts | undefined {
  const match = NAME.exec(name);
  if (match === null) return undefined;
  const [, nodeport, kind, endpoints] = match;
  return {
    keyed: nodeport === undefined ? 'address' : 'nodeport',
    kind: kind as ClassParts['kind'],
    endpoints: Number(endpoints),
  };
}

/** The chains that a class needs, in the order in which they are made: none for the fixed ones. */
export function chainsOfClass(name: string): readonly string[] {
  const parts = classParts(name);
  if (parts === undefined) return [];
  return parts.kind === 'external' ? [pickName(parts.keyed, parts.endpoints), name] : [name];
}

/** Where class chains are made. */
export interface ChainPlace {
  readonly sets: FamilySets;
  readonly fixed: FixedChains;
  readonly epoch: number;
  readonly options: RuleOptions;
}

/** The chain of a class, by its name. */
export function classChain(
  place: ChainPlace,
  name: string,
  { keyed, kind, endpoints }: ClassParts,
): ChainSpec {
  const own = chain(place.sets.table, chainName(name, place.epoch));
  if (kind === 'external') {
    const pick = chain(place.sets.table, chainName(pickName(keyed, endpoints), place.epoch));
    return chainSpec(own, 'external', () => [[markForMasquerade(place.options)], [goto(pick)]]);
  }
  const first = kind === 'pick' ? indexMark(0) : localIndexMark(0);
  const next = place.fixed[keyed === 'address' ? 'to-endpoint' : 'to-nodeport-endpoint'];
  return chainSpec(own, kind, () => [
    [setMeta('priority', numgen('random', endpoints, first))],
    [goto(next)],
  ]);
}
