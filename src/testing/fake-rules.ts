import { constants } from 'node:os';
import { NFT_MSG, NFTNL_RULE, NLM_F } from '../nft/pack/uapi.ts';
import { type Batch, findSet } from './fake-batch.ts';
import { describeRule } from './fake-descriptions.ts';
import {
  hasDestination,
  listedExpression,
  objectReference,
  setReference,
  verdictReference,
  wireExpression,
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

export function newRule(batch: Batch, table: FakeTable, operation: PackedOperation): readonly Refusal[] {
  const chain = table.chains.get(textField(operation, NFTNL_RULE.chain) ?? '');
  if (chain === undefined) return refuse(ENOENT, NFTA.chain);
  const place = findPlace(batch, chain, operation);
  if ('errno' in place) return [place];
  const made = makeRule(batch, table, operation);
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

function makeRule(batch: Batch, table: FakeTable, operation: PackedOperation): FakeRule | readonly Refusal[] {
  const resolved: Resolved[] = [];
  for (const [index, expression] of operation.expressions.entries()) {
    const result = resolve(batch, table, expression);
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

function resolve(batch: Batch, table: FakeTable, packed: PackedExpression): Resolved | number {
  const { name } = packed;
  const wire = wireExpression(packed);
  if (wire === undefined) return ENOENT;
  const verdict = verdictReference(name, wire);
  if (verdict?.chain !== undefined) {
    const chain = table.chains.get(verdict.chain);
    if (chain === undefined) return ENOENT;
    // The kernel alone calls a base chain.
    if (chain.base !== undefined) return EOPNOTSUPP;
    return { bytes: listedExpression(name, wire, undefined), chain };
  }
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

function retainRule({ journal }: Batch, { references }: FakeRule): void {
  const { chains, sets, objects } = references;
  for (const each of [...chains, ...sets, ...objects]) journal.set(each, 'uses', each.uses + 1);
}

/** What the rule led to is less used by one; a set without a name goes with its rule. */
function releaseRule(batch: Batch, table: FakeTable, chain: FakeChain, rule: FakeRule): void {
  const { chains, sets, objects } = rule.references;
  const gone = batch.gone.get(chain) ?? new Map<bigint, number>();
  batch.gone.set(chain, gone.set(rule.handle, chain.rules.indexOf(rule)));
  batch.events.push({ describe: () => ruleDeleted(table, chain, rule) });
  for (const each of [...chains, ...sets, ...objects]) batch.journal.set(each, 'uses', each.uses - 1);
  for (const set of sets) {
    if ((set.flags & FAKE_SET_FLAG.anonymous) === 0 || set.uses > 0) continue;
    dropSet(batch, table, set);
    batch.events.push({ describe: () => setDeleted(table, set) });
  }
}

/** One rule, all of a chain, or all of a table. */
export function deleteRules(batch: Batch, table: FakeTable, operation: PackedOperation): readonly Refusal[] {
  const ignoring = (refusals: readonly Refusal[]) =>
    operation.message === NFT_MSG.destroyRule ? [] : refusals;
  const name = textField(operation, NFTNL_RULE.chain);
  if (name === undefined) {
    for (const each of table.chains.values()) flushChain(batch, table, each);
    return [];
  }
  const chain = table.chains.get(name);
  if (chain === undefined) return ignoring(refuse(ENOENT, NFTA.chain));
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

/** Deletes the rules of a chain. */
export function flushChain(batch: Batch, table: FakeTable, chain: FakeChain): void {
  if (chain.rules.length === 0) return;
  for (const rule of chain.rules) releaseRule(batch, table, chain, rule);
  batch.journal.set(chain, 'rules', []);
}
