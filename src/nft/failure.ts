import { release } from 'node:os';
import { errnoName } from '../netlink/errno.ts';
import type { PathEntry, RawFailure } from '../netlink/outcome.ts';
import { FEATURES, type FeatureName, isOlder, missingText } from './feature.ts';
import { type AnySet, sizeOf } from './set.ts';

/** What a transaction was asked to do, as far as errors need to know. */
export interface Operation {
  /** Which call on the transaction it was, from 0. */
  readonly index: number;
  readonly verb: 'add' | 'create' | 'insert' | 'replace' | 'delete' | 'destroy' | 'flush';
  readonly kind: 'table' | 'chain' | 'rule' | 'set' | 'element' | 'object' | 'flowtable';
  /** The thing itself: `map ip kube-proxy endpoints`. */
  readonly target: string;
  /** An element operation's n-th element in the kernel's list: its place in the caller's list, and its key. */
  readonly elementAt?: (element: number) => { readonly index: number; readonly key: unknown };
  /** The set whose elements it is about. */
  readonly set?: AnySet | undefined;
  /** Names of a rule's expressions. */
  readonly expressions?: readonly string[] | undefined;
}

/** One thing that the kernel refused. */
export interface Failure {
  /** Which call on the transaction it was, from 0; undefined when the transaction itself was refused. */
  readonly operation: number | undefined;
  /** What the call was: `add`, `create` … undefined when the transaction itself was refused. */
  readonly verb: Operation['verb'] | undefined;
  /** The thing itself: `map ip kube-proxy endpoints`. */
  readonly target: string;
  /** `'EEXIST'`, `'ENOENT'` … */
  readonly code: string;
  /** The number behind `code`. */
  readonly errno: number;
  /**
   * The part of the operation that the kernel named: `name`, `table`, `key`, `expressions[1] lookup` …; `element` is one as
   * a whole.
   */
  readonly field: string | undefined;
  /** For elements: which one of the operation, and its key. */
  readonly element: { readonly index: number; readonly key: unknown } | undefined;
  /** All of it in one line. */
  readonly message: string;
}

/** NFTA_* attribute numbers of linux/netfilter/nf_tables.h → what the argument is called here. */
const FIELDS: Readonly<Record<Operation['kind'], Readonly<Record<number, string>>>> = {
  table: { 1: 'name', 2: 'dormant', 6: 'comment' },
  chain: { 1: 'table', 3: 'name', 4: 'hook', 5: 'policy', 7: 'type', 12: 'comment' },
  rule: { 1: 'table', 2: 'chain', 3: 'handle', 4: 'expressions', 6: 'position', 7: 'comment' },
  set: {
    1: 'table',
    2: 'name',
    3: 'flags',
    4: 'key',
    5: 'key',
    6: 'data',
    7: 'data',
    9: 'size',
    11: 'timeoutMs',
    13: 'comment',
  },
  element: { 1: 'table', 2: 'set', 3: 'elements' },
  object: { 1: 'table', 2: 'name', 3: 'kind', 4: 'data', 8: 'comment' },
  flowtable: { 1: 'table', 2: 'name', 3: 'devices', 7: 'flags' },
};
const HOOK_FIELDS: Readonly<Record<number, string>> = {
  1: 'hook',
  2: 'priority',
  3: 'devices',
  4: 'devices',
};
const ELEMENT_FIELDS: Readonly<Record<number, string>> = {
  1: 'key',
  2: 'value',
  4: 'timeoutMs',
  5: 'expiresMs',
  6: 'comment',
  10: 'key',
};

/** Turns what the addon found into what the caller said. */
export function explainFailure(raw: RawFailure, operation: Operation | undefined): Failure {
  const code = errnoName(raw.errno);
  const field = operation === undefined ? undefined : fieldOf(operation, raw.path, code);
  const index = raw.element;
  const element =
    index === undefined ? undefined : (operation?.elementAt?.(index) ?? { index, key: undefined });
  const target = operation?.target ?? 'the transaction';
  const reason = raw.text === '' ? meaning(code, operation, field) : raw.text;
  const what = subject(target, operation, element);
  const where = operation === undefined ? what : `operation ${operation.index}, ${operation.verb} ${what}`;
  return Object.freeze({
    operation: operation?.index,
    verb: operation?.verb,
    target,
    code,
    errno: raw.errno,
    field,
    element,
    message: `${where}: ${code}, ${reason}${field === undefined ? '' : ` (${field})`}`,
  });
}

function subject(target: string, operation: Operation | undefined, element: Failure['element']): string {
  if (element !== undefined) return `element ${element.index} (${keyText(element.key)}) of ${target}`;
  return operation?.kind === 'element' && operation.verb !== 'flush' ? `elements of ${target}` : target;
}

function fieldOf(operation: Operation, path: readonly PathEntry[], code: string): string | undefined {
  const [outer, list, inner] = path;
  if (outer === undefined) return undefined;
  if (operation.kind === 'element' && outer.attribute === 3) return elementField(operation, inner, code);
  if (operation.kind === 'rule' && outer.attribute === 4 && list !== undefined) {
    const expression = operation.expressions?.[list.index];
    return `expressions[${list.index}]${expression === undefined ? '' : ` ${expression}`}`;
  }
  const name = FIELDS[operation.kind][outer.attribute] ?? `attribute ${outer.attribute}`;
  if (operation.kind === 'chain' && outer.attribute === 4 && list !== undefined) {
    return HOOK_FIELDS[list.attribute] ?? name;
  }
  return name;
}

function elementField({ verb }: Operation, inner: PathEntry | undefined, code: string): string {
  if (inner !== undefined) return ELEMENT_FIELDS[inner.attribute] ?? `attribute ${inner.attribute}`;
  // The kernel names the element as a whole: what it can mean by that depends on what it says.
  if (code === 'EEXIST') return 'key';
  // What is missing when an element is added is the chain of its verdict.
  if (code === 'ENOENT') return verb === 'add' || verb === 'create' ? 'value' : 'key';
  return 'element';
}

const MEANINGS: Readonly<Record<string, string>> = {
  EACCES: 'the kernel does not allow it',
  EAFNOSUPPORT: 'this kernel has no tables of that family',
  EBUSY: 'it is still in use',
  EEXIST: 'it exists already',
  EINVAL: 'the kernel finds it malformed',
  ELOOP: 'chains would lead back to themselves',
  EMLINK: 'chains would lead back to themselves, or jump too deep',
  ENFILE: 'the set is full (its size)',
  ENOENT: 'no such thing',
  ENOMEM: 'the kernel has no memory for it',
  EOPNOTSUPP: 'not possible here, or not in this kernel',
  EPERM: 'it takes CAP_NET_ADMIN in the network namespace, or the table has another owner',
  ERANGE: 'a number is out of range',
  ERESTART: 'the ruleset has changed since the generation that was asked for',
};

/** Of the transaction as a whole. */
const WHOLE_MEANINGS: Readonly<Record<string, string>> = {
  EOPNOTSUPP: 'this kernel has no nf_tables (CONFIG_NF_TABLES)',
};

function meaning(code: string, operation: Operation | undefined, field: string | undefined): string {
  const special = operation === undefined ? WHOLE_MEANINGS[code] : meaningHere(code, operation, field);
  return special ?? MEANINGS[code] ?? 'refused by the kernel';
}

/** What an operation needs that older kernels do not have: they do not know its message, and can say no more than EINVAL. */
function missingFeature(
  code: string,
  { verb, kind }: Operation,
  field: string | undefined,
): FeatureName | undefined {
  if (kind === 'flowtable' && code === 'ENOENT' && field === undefined && verb !== 'delete')
    return 'flowtable';
  if (verb !== 'destroy' || code !== 'EINVAL' || field !== undefined) return undefined;
  return isOlder(release(), FEATURES.destroy.since) ? 'destroy' : undefined;
}

/** What says more about this operation than the code alone. */
function meaningHere(code: string, operation: Operation, field: string | undefined): string | undefined {
  const { kind, verb } = operation;
  const feature = missingFeature(code, operation, field);
  if (feature !== undefined) return missingText(feature);
  switch (code) {
    case 'ENFILE':
      return fullText(operation);
    case 'ENOENT':
      return whatIsMissing(operation, field);
    case 'EEXIST':
      return kind === 'element' && verb === 'add' ? 'it exists already, with other data' : undefined;
    case 'EINVAL':
      return field === 'element'
        ? 'the set was made for keys or values of another length, or without timeouts'
        : undefined;
    case 'EOPNOTSUPP':
      return kind === 'chain'
        ? 'no chain of this type at this hook and priority (nat: above -200), or it exists with other ones'
        : undefined;
    default:
      return undefined;
  }
}

/** The description may have none, and the kernel's set one all the same. */
function fullText({ set }: Operation): string | undefined {
  const size = set === undefined ? undefined : sizeOf(set);
  return size === undefined ? undefined : `the set is full (size ${size})`;
}

function whatIsMissing({ kind, verb }: Operation, field: string | undefined): string {
  if (field === 'table' || field === 'set' || field === 'chain') return `no such ${field}`;
  if (field === 'value') return 'no such chain';
  if (field?.startsWith('expressions'))
    return 'it names something that does not exist, or this kernel lacks it';
  if (kind === 'object' && (verb === 'add' || verb === 'create')) {
    return 'this kernel lacks such objects, or does in tables of this family';
  }
  return `no such ${kind}`;
}

function keyText(key: unknown): string {
  return Array.isArray(key) ? key.map(String).join(' . ') : String(key);
}
