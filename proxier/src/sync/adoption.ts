import type { AnySet, Chain } from 'nftlink';
import type { ChainSpec } from '../layout/chain-spec.ts';
import { type ChainPlace, classChain, classParts, pickName } from '../layout/class-chains.ts';
import type { Adopted } from '../layout/desired-state.ts';
import {
  baseChains,
  chainName,
  type FixedChains,
  fixedChains,
  fixedSpecs,
  LAYOUT_COMMENT,
  type RuleOptions,
  withoutEpoch,
} from '../layout/fixed-chains.ts';
import {
  type ClusterSet,
  capacityFor,
  DISPATCH_MAPS,
  eachClusterSet,
  type OwnSet,
  SET_NAMES,
  type SetInstance,
  type SetInstances,
  setName,
} from '../layout/set-names.ts';
import { anySet, familySets } from '../layout/sets.ts';
import { type StickyPort, stickyChains, stickyNumberOf } from '../layout/sticky-chains.ts';
import type { Family } from '../model/frontends.ts';
import { adoptStickies, parseStickies } from './adopted-stickies.ts';
import type { KernelTable } from './kernel-table.ts';
import { nothingProgrammed, type Programmed, programmedWith } from './programmed.ts';
import { ExpectedRules, fingerprint } from './rule-fingerprint.ts';

/** The kernel's names of what we have in a table. */
export interface Names {
  /** Of all chains but base chains, and of the dispatch maps. */
  readonly epoch: number;
  readonly instances: SetInstances;
}

/** What there is, as seen by who is to take it over. */
export interface Adoption {
  readonly names: Names;
  readonly programmed: Programmed;
  /** Undefined where nothing can be taken over. */
  readonly adopted: Adopted | undefined;
  readonly hasTable: boolean;
  readonly missingSets: readonly OwnSet[];
  /** Fixed chains that are there and as they should be. */
  readonly intact: ReadonlySet<string>;
  /** Fixed chains that are there, with other rules. */
  readonly present: ReadonlySet<string>;
  /** Base chains that see packets and must not: with other hooks than ours, or not ours. */
  readonly foreignBases: readonly Chain[];
}

/** What each set is to be able to hold at least. */
export type WantedSizes = Readonly<Record<ClusterSet | 'affinity', number>>;

/** There is no table: everything is new. */
export function adoptNothing(sizes: WantedSizes): Adoption {
  return {
    names: { epoch: 1, instances: instancesOf(sizes, () => 1) },
    programmed: nothingProgrammed(),
    adopted: undefined,
    hasTable: false,
    missingSets: Object.keys(SET_NAMES) as OwnSet[],
    intact: new Set(),
    present: new Set(),
    foreignBases: [],
  };
}

/**
 * Takes over a table. One of our own layout keeps what is as it should be; of any other (another version, or kube-proxy's) all is
 * made anew beside it under other names, and it goes one transaction later, so that packets under way come through.
 */
export async function adopt(
  family: Family,
  kernel: KernelTable,
  options: RuleOptions,
  sizes: WantedSizes,
  nowMs: number,
  expectedRules = new ExpectedRules(),
): Promise<Adoption> {
  const epoch = ownEpoch(kernel);
  return epoch === undefined
    ? replaceAll(kernel, sizes, nowMs)
    : adoptOwn(family, kernel, epoch, options, sizes, nowMs, expectedRules);
}

/** The epoch of the newest chains of this layout. */
export function ownEpoch({ chains, sets }: KernelTable): number | undefined {
  const epochs = chains
    .filter(({ name, comment }) => comment === LAYOUT_COMMENT && /^services(-\d+)?$/.test(name))
    .map(({ name }) => epochIn(name, 'services') ?? 0);
  const epoch = Math.max(0, ...epochs);
  const isThere = (map: OwnSet) =>
    sets.some(({ name, kind }) => name === setName(map, epoch) && kind === 'verdict map');
  return epoch > 0 && DISPATCH_MAPS.every(isThere) ? epoch : undefined;
}

/** 1 for the plain name, n for `name-n`; undefined for other names. */
function epochIn(name: string, plain: string): number | undefined {
  if (name === plain) return 1;
  const suffix = name.startsWith(`${plain}-`) ? name.slice(plain.length + 1) : '';
  return /^\d+$/.test(suffix) ? Number(suffix) : undefined;
}

function highestEpoch(kernel: KernelTable, set: OwnSet): number {
  return Math.max(0, ...kernel.sets.map(({ name }) => epochIn(name, SET_NAMES[set]) ?? 0));
}

function instancesOf(sizes: WantedSizes, epochOf: (set: ClusterSet | 'affinity') => number): SetInstances {
  const fresh = (set: ClusterSet | 'affinity'): SetInstance => ({
    epoch: epochOf(set),
    size: set === 'affinity' ? sizes.affinity : capacityFor(sizes[set]),
  });
  return { ...eachClusterSet(fresh), affinity: fresh('affinity') };
}

function replaceAll(kernel: KernelTable, sizes: WantedSizes, nowMs: number): Adoption {
  // Higher than every number that any name there ends with: no name of ours is taken.
  const numbers = [...kernel.chains, ...kernel.sets].map(({ name }) =>
    Number(/-(\d{1,9})$/.exec(name)?.[1] ?? 1),
  );
  const epoch = Math.max(...numbers, 1) + 1;
  const programmed = nothingProgrammed();
  const bases = kernel.chains.filter(({ base }) => base !== undefined);
  const usable = bases.filter((chain) => isOwnBase(chain));
  programmed.leftovers.chains = kernel.chains.filter(({ base }) => base === undefined);
  programmed.leftovers.sets = kernel.sets.filter(isNamed);
  programmed.leftovers.sinceMs = nowMs;
  return {
    names: { epoch, instances: instancesOf(sizes, (set) => highestEpoch(kernel, set) + 1) },
    programmed,
    adopted: undefined,
    hasTable: true,
    missingSets: Object.keys(SET_NAMES) as OwnSet[],
    intact: new Set(),
    present: new Set(usable.map(({ name }) => name)),
    foreignBases: bases.filter((chain) => !usable.includes(chain)),
  };
}

async function adoptOwn(
  family: Family,
  kernel: KernelTable,
  epoch: number,
  options: RuleOptions,
  sizes: WantedSizes,
  nowMs: number,
  expectedRules: ExpectedRules,
): Promise<Adoption> {
  const instances = ownInstances(family, kernel, epoch, sizes);
  const sets = familySets(family, instances, epoch);
  const fixed = fixedChains(sets, epoch);
  const place: ChainPlace = { sets, fixed, epoch, options };
  const names: Names = { epoch, instances };
  // Not copied: there may be hundreds of thousands.
  const programmed = programmedWith((set) => kernel.elements.get(sets[set].name)?.packed);
  const present = new Set(kernel.sets.map(({ name }) => name));
  for (const map of DISPATCH_MAPS) {
    for (const [number, chain] of kernel.elements.get(sets[map].name)?.verdicts ?? []) {
      programmed.dispatch[map].set(number, withoutEpoch(chain, epoch) ?? `${chain} of another epoch`);
    }
  }
  const stickies = parseStickies(kernel, epoch);
  const rules = await compareRules(family, kernel, place, stickies, expectedRules);
  for (const [name, content] of rules.dynamic) programmed.chains.set(name, content);
  const ours = new Set(Object.values(sets).map(({ name }) => name));
  programmed.leftovers.sets = kernel.sets.filter((set) => isNamed(set) && !ours.has(set.name));
  programmed.leftovers.chains = kernel.chains.filter(
    (chain) => !rules.known.has(chain.name) && chain.base === undefined,
  );
  programmed.leftovers.sinceMs = nowMs;
  return {
    names,
    programmed,
    adopted: {
      present: (set, key) => programmed.elements[set].get(key),
      classes: new Map([...programmed.dispatch.dispatchLocal, ...programmed.dispatch.dispatch]),
      stickies: adoptStickies(kernel, epoch, sets, programmed.elements, stickies),
    },
    hasTable: true,
    missingSets: (Object.keys(SET_NAMES) as OwnSet[]).filter((set) => !present.has(anySet(sets, set).name)),
    intact: rules.intact,
    present: new Set(kernel.chains.filter((chain) => isFixed(fixed, chain)).map(({ name }) => name)),
    foreignBases: kernel.chains.filter((chain) => chain.base !== undefined && !isOwnBase(chain)),
  };
}

/** Each set as it is, where it is as it should be; else the next epoch of it. */
function ownInstances(family: Family, kernel: KernelTable, epoch: number, sizes: WantedSizes): SetInstances {
  const fresh = instancesOf(sizes, (set) => highestEpoch(kernel, set) + 1);
  // Only types are compared, which names and sizes don't matter to.
  const like = familySets(family, fresh, epoch);
  const at = (set: ClusterSet | 'affinity'): SetInstance => {
    const newest = highestEpoch(kernel, set);
    const found = kernel.sets.find(({ name }) => name === setName(set, newest));
    if (found === undefined || found.size === undefined) return fresh[set];
    const instance = { epoch: newest, size: found.size };
    const isRead = kernel.elements.has(found.name);
    return isRead && isLike(found, anySet(like, set)) && hasRoom(set, found.size, sizes)
      ? instance
      : fresh[set];
  };
  return { ...eachClusterSet(at), affinity: at('affinity') };
}

/** A set that grows is replaced when it is too small; `affinity` has the size that was asked for. */
function hasRoom(set: ClusterSet | 'affinity', size: number, sizes: WantedSizes): boolean {
  return set === 'affinity' ? size === sizes.affinity : size >= sizes[set];
}

function isLike(found: AnySet, wanted: AnySet): boolean {
  const traits = (set: AnySet) => [
    set.kind,
    set.key.id,
    set.key.byteLength,
    set.kind === 'map' ? [set.data.id, set.data.byteLength] : [],
    set.intervals ?? false,
    set.dynamic ?? false,
  ];
  return JSON.stringify(traits(found)) === JSON.stringify(traits(wanted));
}

function isNamed({ name }: AnySet): boolean {
  return !name.startsWith('__');
}

function isFixed(fixed: FixedChains, chain: Chain): boolean {
  const isNamedSo = Object.values(fixed).some(({ name }) => name === chain.name);
  return isNamedSo && (chain.base === undefined || isOwnBase(chain));
}

/** Whether a base chain has the name, hook, type and priority of one of ours. */
function isOwnBase(chain: Chain): boolean {
  const wanted = baseChains(chain.table).get(chain.name)?.base;
  if (wanted === undefined || chain.base === undefined) return false;
  const { type, hookNumber, priority, policy } = chain.base;
  return (
    type === wanted.type &&
    hookNumber === wanted.hookNumber &&
    priority === wanted.priority &&
    policy === wanted.policy
  );
}

interface ComparedRules {
  /** Names of fixed chains whose rules are as they should be. */
  readonly intact: ReadonlySet<string>;
  /** The others of ours by name without epoch, and their content; `''` for rules that nothing of ours would write. */
  readonly dynamic: ReadonlyMap<string, string>;
  /** The kernel's names of all of them. */
  readonly known: ReadonlySet<string>;
}

async function compareRules(
  family: Family,
  kernel: KernelTable,
  place: ChainPlace,
  stickies: readonly StickyPort[],
  expectedRules: ExpectedRules,
): Promise<ComparedRules> {
  const fixed = fixedSpecs(family, place.sets, place.fixed, place.options);
  const dynamic = [
    ...classSpecs(kernel, place),
    ...stickies.flatMap((port) => stickyChains(family, place, port)),
  ];
  const fixedNames = new Set(fixed.map(({ chain }) => chain.name));
  const leadTo = Object.values(place.fixed);
  const expected = await expectedRules.of(family, place.sets, leadTo, [...fixed, ...dynamic]);
  const isAsExpected = ({ chain }: ChainSpec) =>
    expected.get(chain.name) === fingerprint(kernel.rules.get(chain.name) ?? []);
  const exists = new Set(kernel.chains.map(({ name }) => name));
  const isRead = ({ chain }: ChainSpec) => exists.has(chain.name);
  const contents = new Map(
    dynamic.filter(isRead).map((spec) => [spec.chain.name, isAsExpected(spec) ? spec.content : '']),
  );
  const ours = kernel.chains.flatMap(({ name, base }) => {
    const plain = withoutEpoch(name, place.epoch);
    const isOurs = base === undefined && !fixedNames.has(name) && plain !== undefined && isDynamic(plain);
    return isOurs ? [{ name, plain }] : [];
  });
  return {
    intact: new Set(
      fixed.filter((spec) => isRead(spec) && isAsExpected(spec)).map(({ chain }) => chain.name),
    ),
    dynamic: new Map(ours.map(({ name, plain }) => [plain, contents.get(name) ?? ''])),
    known: new Set([...fixedNames, ...ours.map(({ name }) => name)]),
  };
}

function isDynamic(name: string): boolean {
  return classParts(name) !== undefined || stickyNumberOf(name) !== undefined;
}

function classSpecs(kernel: KernelTable, place: ChainPlace): readonly ChainSpec[] {
  const specs = kernel.chains.flatMap(({ name }) => {
    const plain = withoutEpoch(name, place.epoch);
    const parts = plain === undefined ? undefined : classParts(plain);
    return plain === undefined || parts === undefined
      ? []
      : [{ parts, spec: classChain(place, plain, parts) }];
  });
  // What others lead to comes first.
  const first = specs.filter(({ parts }) => parts.kind !== 'external');
  const picks = new Set(first.map(({ spec }) => spec.chain.name));
  const external = specs.filter(
    ({ parts }) =>
      parts.kind === 'external' && picks.has(chainName(pickName(parts.keyed, parts.endpoints), place.epoch)),
  );
  return [...first, ...external].map(({ spec }) => spec);
}
