import {
  chain,
  classid,
  concat,
  constant,
  deleteFromSet,
  goto,
  ip,
  ip6,
  mapped,
  meta,
  numgen,
  oneOf,
  setMeta,
  updateSet,
} from 'nftlink';
import type { Family } from '../model/frontends.ts';
import { type ChainSpec, chainSpec, type RuleText } from './chain-spec.ts';
import type { ChainPlace } from './class-chains.ts';
import { chainName, markForMasquerade } from './fixed-chains.ts';
import { stickyMark } from './numbers.ts';
import type { FamilySets } from './sets.ts';

/** A range of slots: `count` of them from `first` on are used. */
export interface SlotRange {
  /** As a mark, `4c00:0` and up. */
  readonly first: number;
  readonly count: number;
}

/** What the chains of a Service port with session affinity depend on. */
export interface StickyPort {
  readonly number: number;
  /** `shop/login:http`: by it the number is found again after a restart. */
  readonly key: string;
  readonly timeoutMs: number;
  /** Undefined where nothing of it may go there. */
  readonly cluster: SlotRange | undefined;
  readonly local: SlotRange | undefined;
}

export function stickyName(number: number): string {
  return `sticky-${number}`;
}

export function localStickyName(number: number): string {
  return `local-sticky-${number}`;
}

export function externalStickyName(number: number): string {
  return `external-sticky-${number}`;
}

export function rememberName(number: number): string {
  return `remember-${number}`;
}

/** The chains that a sticky Service port may have. */
export function stickyChainNames(number: number): readonly string[] {
  return [rememberName(number), stickyName(number), externalStickyName(number), localStickyName(number)];
}

const NAME = /^(?:(?:local-|external-)?sticky|remember)-(\d+)$/;

/** The number in the name of a sticky Service port's chain; undefined for other names. */
export function stickyNumberOf(name: string): number | undefined {
  const number = NAME.exec(name)?.[1];
  return number === undefined ? undefined : Number(number);
}

/**
 * The chains of a sticky Service port, in the order in which they are made. Its number must be a constant of the rules that
 * change `affinity`, so each has its own.
 */
export function stickyChains(family: Family, place: ChainPlace, port: StickyPort): readonly ChainSpec[] {
  const { sets, fixed, epoch, options } = place;
  const { number, key, timeoutMs, cluster, local } = port;
  const named = (name: string) => chain(sets.table, chainName(name, epoch), { comment: stickyComment(key) });
  const saddr = family === 'ip' ? ip.saddr : ip6.saddr;
  const ownKey = concat(saddr, constant(classid, stickyMark(number)));
  const remember = named(rememberName(number));
  const choose = (range: SlotRange, usable: typeof sets.stickyCluster): readonly RuleText[] => [
    [setMeta('priority', constant(classid, stickyMark(number)))],
    [setMeta('priority', mapped(concat(saddr, meta.priority), sets.affinity))],
    [oneOf(meta.priority, usable), goto(remember)],
    [deleteFromSet(sets.affinity, ownKey, { data: meta.priority })],
    [setMeta('priority', numgen('random', range.count, range.first))],
    [setMeta('priority', mapped(meta.priority, sets.stickySlots))],
    [goto(remember)],
  ];
  const specs = [
    chainSpec(remember, `${timeoutMs} ${sets.affinity.name}`, () => [
      [updateSet(sets.affinity, ownKey, { timeoutMs, data: meta.priority })],
      [goto(fixed['to-sticky-endpoint'])],
    ]),
  ];
  if (cluster !== undefined) {
    const sticky = named(stickyName(number));
    const external = named(externalStickyName(number));
    specs.push(
      chainSpec(sticky, contentOf(sets, cluster, sets.stickyCluster.name), () =>
        choose(cluster, sets.stickyCluster),
      ),
      chainSpec(external, 'external', () => [[markForMasquerade(options)], [goto(sticky)]]),
    );
  }
  if (local !== undefined) {
    const sticky = named(localStickyName(number));
    specs.push(
      chainSpec(sticky, contentOf(sets, local, sets.stickyLocal.name), () => choose(local, sets.stickyLocal)),
    );
  }
  return specs;
}

/** The sets are replaced by larger ones at times. */
function contentOf(
  { affinity, stickySlots }: FamilySets,
  { first, count }: SlotRange,
  usable: string,
): string {
  return `${count} from ${first} ${affinity.name} ${stickySlots.name} ${usable}`;
}

/** A comment has 128 bytes at most: a namespace, a Service name and a port name of 63 each need not fit. */
export function stickyComment(key: string): string {
  return key.length <= MAX_COMMENT ? key : key.slice(0, MAX_COMMENT);
}

const MAX_COMMENT = 128;
