import { constants } from 'node:os';
import { NFT_MSG, NFTA_RULE_CHAIN_ID, NFTNL_RULE, NLM_F } from '../nft/pack/uapi.ts';
import { type Batch, findSet } from './fake-batch.ts';
import { describeRule } from './fake-descriptions.ts';
import {
  hasDestination,
  listedExpression,
  objectReference,
  setReference,
  type VerdictReference,
  verdictReference,
  wireExpression,
  wireVerdict,
} from './fake-expressions.ts';
import { ruleDeleted, setDeleted } from './fake-message.ts';
import {
  FAKE_SET_FLAG,
  type FakeChain,
  type FakeObject,
  type FakeRule,
  type FakeSet,
  type FakeTable,
  objectKey,
} from './fake-ruleset.ts';
import { dropSet } from './fake-sets.ts';
import { leadsTooDeep } from './fake-validation.ts';
import { bytesField, isExclusive, textField, u64Field } from './packed-fields.ts';
import { type Refusal, refuse, refuseExpression } from './refusal.ts';
import type { PackedExpression, PackedOperation } from './unpack.ts';

const { EEXIST, EINVAL, EMLINK, ENOENT, EOPNOTSUPP } = constants.errno;
const NFTA = { chain: 2, handle: 3, position: 6 } as const;
/** NFTA_IMMEDIATE_DATA. */
const IMMEDIATE_DATA = 2;

export function newRule(batch: Batch, table: FakeTable, operation: PackedOperation): readonly Refusal[] {
  const id = operation.raw.get(NFTA_RULE_CHAIN_ID)?.readUInt32BE();
  const chain =
    id === undefined
      ? table.chains.get(textField(operation, NFTNL_RULE.chain) ?? '')
      : batch.chainsById.get(id);
  if (chain === undefined) return refuse(ENOENT, NFTA.chain);
  // Its rules came before the one that leads to it.
  if (chain.anonymous && chain.uses > 0) return refuse(EOPNOTSUPP, NFTA.chain);
  const place = findPlace(batch, chain, operation);
  if ('errno' in place) return [place];
  const made = makeRule(batch, table, chain, operation);
  if (!('wire' in made)) return made;
  const rules = chain.rules.toSpliced(place.index, place.replaced, made);
  for (const old of chain.rules.slice(place.index, place.index + place.replaced)) {
    releaseRule(batch, table, chain, old);
  }
  retainRule(batch, made);
  batch.journal.set(chain, 'rules', rules);
  batch.events.push({ describe: () => describeRule(table, chain, made) });
  return leadsTooDeep(batch, table) ? refuse(EMLINK) : [];
}

interface Place {
  readonly index: number;
  readonly replaced: 0 | 1;
}

/** In front of or behind another rule, in place of it, first, or last. */
function findPlace({ gone }: Batch, chain: FakeChain, operation: PackedOperation): Place | Refusal {
  const { flags } = operation;
  const [goneHere, isAppend] = [gone.get(chain), (flags & NLM_F.append) !== 0];
  const handle = u64Field(operation, NFTNL_RULE.handle);
  const position = u64Field(operation, NFTNL_RULE.position);
  if (handle !== undefined) {
    return goneHere?.has(handle) ? { errno: ENOENT } : findReplaced(chain, handle, operation);
  }
  if ((flags & NLM_F.create) === 0 || (flags & NLM_F.replace) !== 0) return { errno: EINVAL };
  if (position === undefined) return { index: isAppend ? chain.rules.length : 0, replaced: 0 };
  const wasAt = goneHere?.get(position);
  if (wasAt !== undefined) return { index: Math.min(wasAt, chain.rules.length), replaced: 0 };
  const index = indexOfRule(chain, position);
  if (index === -1) return missingAt(NFTA.position);
  return { index: isAppend ? index + 1 : index, replaced: 0 };
}

function findReplaced(chain: FakeChain, handle: bigint, operation: PackedOperation): Place | Refusal {
  const index = indexOfRule(chain, handle);
  if (index === -1) return missingAt(NFTA.handle);
  if (isExclusive(operation)) return { errno: EEXIST, path: [{ attribute: NFTA.handle, index: 0 }] };
  return (operation.flags & NLM_F.replace) === 0 ? { errno: EOPNOTSUPP } : { index, replaced: 1 };
}

function indexOfRule({ rules }: FakeChain, wanted: bigint): number {
  return rules.findIndex(({ handle }) => handle === wanted);
}

function missingAt(attribute: number): Refusal {
  return { errno: ENOENT, path: [{ attribute, index: 0 }] };
}

/** What an expression leads to, or why it cannot be. */
interface Resolved {
  readonly bytes: Uint8Array;
  readonly set?: FakeSet;
  readonly chain?: FakeChain;
  readonly object?: FakeObject;
}

function makeRule(
  batch: Batch,
  table: FakeTable,
  of: FakeChain,
  operation: PackedOperation,
): FakeRule | readonly Refusal[] {
  const resolved: Resolved[] = [];
  for (const [index, expression] of operation.expressions.entries()) {
    const result = resolve(batch, table, of, expression);
    if (typeof result === 'number') return refuseExpression(result, index);
    resolved.push(result);
  }
  // Anything that leads on may lead back.
  const verdicts = operation.expressions.some(({ name }) => name === 'immediate' || name === 'lookup');
  if (verdicts) batch.toValidate.add(table);
  return {
    handle: table.nextHandle++,
    wire: Buffer.concat(resolved.map(({ bytes }) => bytes)),
    userdata: bytesField(operation, NFTNL_RULE.userdata),
    references: {
      sets: resolved.flatMap(({ set }) => set ?? []),
      chains: resolved.flatMap(({ chain }) => chain ?? []),
      objects: resolved.flatMap(({ object }) => object ?? []),
    },
  };
}

function resolve(batch: Batch, table: FakeTable, of: FakeChain, packed: PackedExpression): Resolved | number {
  const { name } = packed;
  const wire = wireExpression(packed);
  if (wire === undefined) return ENOENT;
  const verdict = verdictReference(name, wire);
  const isJump = verdict?.chain !== undefined || verdict?.chainId !== undefined;
  if (isJump) return resolveVerdict(batch, table, of, wire, verdict);
  const wanted = setReference(name, wire);
  if (wanted !== undefined) {
    const set = findSet(batch, table, wanted.name, wanted.id);
    if (set === undefined) return ENOENT;
    if (name === 'lookup' && hasDestination(name, wire) !== ((set.flags & FAKE_SET_FLAG.map) !== 0)) {
      return EINVAL;
    }
    return { bytes: listedExpression(name, wire, set.name), set };
  }
  const object = objectReference(name, wire);
  if (object === undefined) return { bytes: listedExpression(name, wire, undefined) };
  const found = table.objects.get(objectKey(object.type, object.name));
  return found === undefined ? ENOENT : { bytes: listedExpression(name, wire, undefined), object: found };
}

function resolveVerdict(
  batch: Batch,
  table: FakeTable,
  of: FakeChain,
  wire: ReadonlyMap<number, Uint8Array>,
  { code, chain: name, chainId }: VerdictReference,
): Resolved | number {
  const chain = chainId === undefined ? table.chains.get(name ?? '') : batch.chainsById.get(chainId);
  if (chain === undefined) return ENOENT;
  // The kernel alone calls a base chain.
  if (chain.base !== undefined) return EOPNOTSUPP;
  if (chain.anonymous && chainId === undefined) return EINVAL;
  // Like newer kernels (seen in 6.18): not one without a name within another.
  if (chain.anonymous && of.anonymous) return EOPNOTSUPP;
  const listed = new Map([...wire, [IMMEDIATE_DATA, wireVerdict(code, chain.name)] as const]);
  return { bytes: listedExpression('immediate', listed, undefined), chain };
}

function retainRule({ journal }: Batch, { references }: FakeRule): void {
  const { chains, sets, objects } = references;
  for (const each of [...chains, ...sets, ...objects]) journal.set(each, 'uses', each.uses + 1);
}

function releaseRule(batch: Batch, table: FakeTable, chain: FakeChain, rule: FakeRule): void {
  const gone = batch.gone.get(chain) ?? new Map<bigint, number>();
  batch.gone.set(chain, gone.set(rule.handle, chain.rules.indexOf(rule)));
  batch.events.push({ describe: () => ruleDeleted(table, chain, rule) });
  releaseReferences(batch, table, rule);
}

/**
 * What the rule led to is less used by one; sets and chains without a name go with it. Of those chains and their rules the kernel tells
 * nothing, of the sets it does.
 */
function releaseReferences(batch: Batch, table: FakeTable, { references }: FakeRule): void {
  const { chains, sets, objects } = references;
  for (const each of [...chains, ...sets, ...objects]) batch.journal.set(each, 'uses', each.uses - 1);
  for (const set of sets) {
    if ((set.flags & FAKE_SET_FLAG.anonymous) === 0 || set.uses > 0) continue;
    dropSet(batch, table, set);
    batch.events.push({ describe: () => setDeleted(table, set) });
  }
  for (const chain of chains) {
    if (!chain.anonymous) continue;
    for (const rule of chain.rules) releaseReferences(batch, table, rule);
    batch.journal.set(chain, 'rules', []);
    batch.journal.removeOrdered(table.chains, chain.name);
  }
}

/** One rule, all of a chain, or all of a table. */
export function deleteRules(batch: Batch, table: FakeTable, operation: PackedOperation): readonly Refusal[] {
  const ignoring = (refusals: readonly Refusal[]) =>
    operation.message === NFT_MSG.destroyRule ? [] : refusals;
  const name = textField(operation, NFTNL_RULE.chain);
  if (name === undefined) {
    flushChains(batch, table);
    return [];
  }
  const chain = table.chains.get(name);
  if (chain === undefined) return ignoring(refuse(ENOENT, NFTA.chain));
  if (chain.anonymous) return refuse(EOPNOTSUPP, NFTA.chain);
  const handle = u64Field(operation, NFTNL_RULE.handle);
  if (handle === undefined) {
    flushChain(batch, table, chain);
    return [];
  }
  // A rule is deleted once: even destroying it again is refused.
  if (batch.gone.get(chain)?.has(handle)) return refuse(ENOENT);
  const rule = chain.rules.find((each) => each.handle === handle);
  if (rule === undefined) return ignoring(refuse(ENOENT, NFTA.handle));
  releaseRule(batch, table, chain, rule);
  const others = chain.rules.filter((each) => each !== rule);
  batch.journal.set(chain, 'rules', others);
  return [];
}

/** Deletes the rules of all chains; those of chains without a name go with the ones that lead there. */
export function flushChains(batch: Batch, table: FakeTable): void {
  for (const chain of [...table.chains.values()]) if (!chain.anonymous) flushChain(batch, table, chain);
}

/** Deletes the rules of a chain. */
export function flushChain(batch: Batch, table: FakeTable, chain: FakeChain): void {
  if (chain.rules.length === 0) return;
  for (const rule of chain.rules) releaseRule(batch, table, chain, rule);
  batch.journal.set(chain, 'rules', []);
}
