import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { chain } from '../src/nft/chain.ts';
import type { Expression } from '../src/nft/expression/expression.ts';
import { EXPRESSION_KINDS, immediateKind } from '../src/nft/expression/kinds.ts';
import { OBJECT_KINDS } from '../src/nft/object/kinds.ts';
import { NFT_MSG } from '../src/nft/pack/uapi.ts';
import { rule } from '../src/nft/rule.ts';
import { META_KEYS } from '../src/nft/statement/metadata.ts';
import { table } from '../src/nft/table.ts';
import { CASES, type ExpressionCase, LACKING, RANGES } from '../test/kernel/expression-cases.ts';

/**
 * Writes docs/coverage.md: `npm run docs:coverage`. What the library knows comes from its code; what is proven comes from the tests: a proof
 * is a file and a text that must be in it. test/unit/coverage.test.ts fails when the page is not what this makes.
 */

const ROOT = new URL('..', import.meta.url);
const PAGE = new URL('docs/coverage.md', ROOT);

/** A file below test/kernel, and what of it is the proof. */
type Proof = readonly [file: string, needle: string];

/** A text that any test has proves nothing. */
const LEAST_NEEDLE = 10;

function link([file, needle]: Proof): string {
  if (needle.length < LEAST_NEEDLE) throw new Error(`${needle} proves nothing`);
  const text = readFileSync(new URL(`test/kernel/${file}`, ROOT), 'utf8');
  if (!text.includes(needle)) throw new Error(`test/kernel/${file} has no ${needle}`);
  return `[${file.replace('.test.ts', '')}](../test/kernel/${file})`;
}

function cell(proof: Proof | string | undefined): string {
  if (proof === undefined) return '**no**';
  return typeof proof === 'string' ? proof : link(proof);
}

function section(title: string, head: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [head, head.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |`);
  return `## ${title}\n\n${lines.join('\n')}\n`;
}

const YES = 'yes';
const NO_WORDS = 'not compared: nft 1.0.6 has no words for it';
const NO_KERNEL = 'without a kernel only: [codecs](../test/unit/codecs.test.ts)';

// Messages.

interface MessageRow {
  readonly name: string;
  readonly number: number;
  readonly proof: Proof | string;
}

const ADDED: Proof = ['verbs.test.ts', 'that were added are listed by nft and by us'];
const DELETED: Proof = ['verbs.test.ts', 'deleted, it is gone'];
const DESTROYED: Proof = ['verbs.test.ts', '%s: destroyed, it is gone, and created anew'];
const LISTED: Proof = ['lists.test.ts', "test('is what is listed'"];
const RULES_ADDED: Proof = ['verbs.test.ts', 'go to the end, to the start, before another one'];
const ELEMENTS: Proof = ['verbs.test.ts', 'are added, added again, created, deleted, destroyed and flushed'];
const OBJECTS: Proof = ['objects.test.ts', 'byte for byte'];
const FLOWTABLES: Proof = ['unsupported.test.ts', "describe('flowtables'"];
const MONITOR: Proof = ['monitor.test.ts', 'is told with all that it changed'];

const MESSAGES: readonly MessageRow[] = [
  { name: 'NEWTABLE', number: 0, proof: ADDED },
  { name: 'GETTABLE', number: 1, proof: LISTED },
  { name: 'DELTABLE', number: 2, proof: DELETED },
  { name: 'NEWCHAIN', number: 3, proof: ADDED },
  { name: 'GETCHAIN', number: 4, proof: LISTED },
  { name: 'DELCHAIN', number: 5, proof: DELETED },
  { name: 'NEWRULE', number: 6, proof: RULES_ADDED },
  { name: 'GETRULE', number: 7, proof: ['lists.test.ts', 'rules: of a chain, of a table, in order'] },
  { name: 'DELRULE', number: 8, proof: ['verbs.test.ts', 'are deleted by handle'] },
  { name: 'NEWSET', number: 9, proof: ADDED },
  { name: 'GETSET', number: 10, proof: LISTED },
  { name: 'DELSET', number: 11, proof: DELETED },
  { name: 'NEWSETELEM', number: 12, proof: ELEMENTS },
  { name: 'GETSETELEM', number: 13, proof: ['lists.test.ts', '20,000 elements are listed'] },
  { name: 'DELSETELEM', number: 14, proof: ELEMENTS },
  { name: 'NEWGEN', number: 15, proof: MONITOR },
  { name: 'GETGEN', number: 16, proof: ['generation.test.ts', 'is made while the ruleset is of it'] },
  { name: 'TRACE', number: 17, proof: ['trace.test.ts', 'nft tells the same'] },
  { name: 'NEWOBJ', number: 18, proof: OBJECTS },
  { name: 'GETOBJ', number: 19, proof: OBJECTS },
  { name: 'DELOBJ', number: 20, proof: ['objects.test.ts', 'an object in use is not deleted'] },
  { name: 'GETOBJ_RESET', number: 21, proof: ['objects.test.ts', 'no packet is lost between resets'] },
  { name: 'NEWFLOWTABLE', number: 22, proof: FLOWTABLES },
  { name: 'GETFLOWTABLE', number: 23, proof: FLOWTABLES },
  { name: 'DELFLOWTABLE', number: 24, proof: FLOWTABLES },
  { name: 'GETRULE_RESET', number: 25, proof: ['objects.test.ts', 'a rule is read and set back'] },
  { name: 'DESTROYTABLE', number: 26, proof: DESTROYED },
  { name: 'DESTROYCHAIN', number: 27, proof: DESTROYED },
  { name: 'DESTROYRULE', number: 28, proof: ['verbs.test.ts', 'replace are ENOENT; destroy is not'] },
  { name: 'DESTROYSET', number: 29, proof: DESTROYED },
  { name: 'DESTROYSETELEM', number: 30, proof: ELEMENTS },
  { name: 'DESTROYOBJ', number: 31, proof: ['objects.test.ts', '.destroy(none)'] },
  { name: 'DESTROYFLOWTABLE', number: 32, proof: FLOWTABLES },
  {
    name: 'GETSETELEM_RESET',
    number: 33,
    proof: ['reset-elements.test.ts', 'no packet is lost between resets'],
  },
];

/** Messages that are only heard: they have no number among those that are sent. */
const HEARD: ReadonlySet<number> = new Set([17]);

function messages(): string {
  const known: ReadonlySet<number> = new Set(Object.values(NFT_MSG));
  const rows = MESSAGES.map(({ name, number, proof }) => {
    const state = known.has(number) ? YES : HEARD.has(number) ? 'heard' : '**no**';
    return [`\`NFT_MSG_${name}\``, String(number), state, cell(proof)];
  });
  return section('Messages', ['message', 'number', 'known', 'proof'], rows);
}

// Objects.

const OBJECT_PROOFS: Readonly<
  Record<keyof typeof OBJECT_KINDS, readonly [equal: Proof | string, read: Proof | string]>
> = {
  counter: [OBJECTS, ['objects.test.ts', 'counterObject(t,']],
  quota: [OBJECTS, ['objects.test.ts', 'quotaObject(t,']],
  limit: [OBJECTS, ['objects.test.ts', 'limitObject(t,']],
  'ct helper': [OBJECTS, ['objects.test.ts', 'ctHelperObject(t,']],
  'ct timeout': [OBJECTS, ['objects.test.ts', 'ctTimeoutObject(t,']],
  'ct expectation': [OBJECTS, ['objects.test.ts', 'ctExpectationObject(t,']],
  synproxy: [OBJECTS, ['objects.test.ts', 'synproxyObject(t,']],
  connlimit: [NO_WORDS, ['objects.test.ts', 'connlimitObject(more']],
  tunnel: [NO_WORDS, ['objects.test.ts', 'tunnelObject(other']],
  secmark: [['unsupported.test.ts', 'secmarkObject(inet'], NO_KERNEL],
};

function objects(): string {
  const rows = Object.entries(OBJECT_PROOFS).map(([kind, [equal, read]]) => {
    if (!Object.hasOwn(OBJECT_KINDS, kind)) throw new Error(`no object kind ${kind}`);
    return [kind, String(OBJECT_KINDS[kind as keyof typeof OBJECT_KINDS].type), YES, cell(read), cell(equal)];
  });
  const all = [...rows, ['any other', '', 'as bytes', 'as bytes', '']];
  return section('Stateful objects', ['object', 'NFT_OBJECT_*', 'written', 'read back', 'equal to nft'], all);
}

// Expressions.

function expressionsOf(cases: readonly ExpressionCase[]): readonly Expression[] {
  return cases.flatMap(
    ({ family, statements }) => rule(chain(table(family, 't'), 'c'), statements).expressions,
  );
}

const proven = expressionsOf(CASES);
const lacking = expressionsOf(LACKING);
const ranges = expressionsOf(RANGES);
const EQUAL: Proof = ['expressions.test.ts', "describe.each(FAMILIES)('family %s'"];
const NOT_HERE: Proof = ['unsupported.test.ts', "describe('expressions'"];
const SAME_TEXT =
  'not the same bytes: nft before 1.1 makes two comparisons of it; it lists ours in the same words';

/** What is neither compared with nft in expressions.test.ts nor lacking in this kernel. */
const EXPRESSION_PROOFS: Readonly<Record<string, readonly [equal: Proof | string, read: Proof | string]>> = {
  dynset: [
    ['dynamic-sets.test.ts', 'byte for byte'],
    ['dynamic-sets.test.ts', 'expressions.every(({ fields }) => fields !== undefined)'],
  ],
  objref: [
    ['objects.test.ts', 'objectNamed(object)'],
    ['objects.test.ts', "name: 'objref'"],
  ],
  last: [NO_WORDS, ['dynamic-sets.test.ts', 'elements remember when they were last used']],
  inner: [NO_WORDS, ['expressions.test.ts', 'a header inside a tunnel']],
  tunnel: [NO_WORDS, ['expressions.test.ts', 'what a tunnel says of a packet']],
  match: ['not compared: nft does not write it', ['expressions.test.ts', 'matches and targets of x_tables']],
  target: ['not compared: nft does not write it', ['expressions.test.ts', 'matches and targets of x_tables']],
  flow_offload: [['unsupported.test.ts', 'a rule puts connections into one'], NO_KERNEL],
};

function expressionRow(name: string): readonly string[] {
  const has = (list: readonly Expression[]) => list.some((each) => each.name === name);
  if (has(proven)) return [name, YES, cell(EQUAL), cell(EQUAL)];
  if (has(lacking)) return [name, YES, NO_KERNEL, cell(NOT_HERE)];
  if (has(ranges)) return [name, YES, cell(EQUAL), SAME_TEXT];
  const [equal, read] = EXPRESSION_PROOFS[name] ?? [];
  return [name, YES, cell(read), cell(equal)];
}

function expressions(): string {
  const names = [immediateKind.name, ...EXPRESSION_KINDS.keys()].sort();
  const rows = names.map(expressionRow);
  const other = [
    'any other, or one with an unknown attribute',
    'as bytes',
    cell(['expressions.test.ts', 'is kept as bytes']),
    '',
  ];
  return section('Expressions', ['expression', 'written', 'read back', 'equal to nft'], [...rows, other]);
}

/** The keys (libnftnl attribute `id`) that expressions of a name have. */
function keysOf(list: readonly Expression[], name: string, id: number): ReadonlySet<number> {
  const found = list
    .filter((each) => each.name === name)
    .flatMap(({ attributes }) => attributes.filter((attribute) => attribute.id === id));
  return new Set(found.map(({ bytes }) => bytes[0] ?? 0));
}

const META_PROOFS: Readonly<Record<string, string>> = { broute: NO_WORDS, ibrhwaddr: NO_WORDS };

function metaKeys(): string {
  const [here, notHere] = [keysOf(proven, 'meta', 1), keysOf(lacking, 'meta', 1)];
  const rows = Object.entries(META_KEYS).map(([name, key]) => {
    const proof = here.has(key) ? EQUAL : notHere.has(key) ? NOT_HERE : META_PROOFS[name];
    return [name, String(key), cell(proof)];
  });
  return section('Keys of `meta`', ['key', 'NFT_META_*', 'equal to nft'], rows);
}

// Tables, chains, sets.

const FEATURES: readonly (readonly [string, Proof | string])[] = [
  [
    'tables, chains, rules, sets, elements: comments',
    ['verbs.test.ts', 'comments of every kind are what nft shows'],
  ],
  ['tables: `dormant`, and waking', ['tables-and-chains.test.ts', 'a dormant table sleeps and wakes']],
  ['tables: `owner`, `persist`', ['tables-and-chains.test.ts', 'that persists waits for the next owner']],
  ['chains: every family, type and hook', ['tables-and-chains.test.ts', 'EACH_CHAIN']],
  ['chains: updates of the policy', ['tables-and-chains.test.ts', 'take another policy, and nothing else']],
  ['chains: devices added and deleted', ['tables-and-chains.test.ts', 'are added by adding the chain']],
  ['chains: `offload`', ['unsupported.test.ts', 'a chain of network cards']],
  ['rules: handles, position, insert, replace', RULES_ADDED],
  ['rules: compared with nft as a whole ruleset', ['ruleset.test.ts', 'byte for byte']],
  [
    'sets and maps: types, concatenations, timeouts, size, comments',
    ['ruleset.test.ts', 'has the same sets'],
  ],
  ['sets: intervals, ranges in concatenations, auto-merge, `*`', ['intervals.test.ts', 'byte for byte']],
  ['sets: dynamic, statements of elements', ['dynamic-sets.test.ts', 'byte for byte']],
  ['sets: sync, replace, look-up of one element', ['set-handle.test.ts', "describe('sync'"]],
  ['maps of objects', ['objects.test.ts', 'objectMap(']],
  ['sets without a name: sets', ['ruleset.test.ts', 'anonymousSet(']],
  [
    'sets without a name: maps, verdict maps, intervals',
    ['anonymous-sets.test.ts', 'is what nft sends, and reads back as nft lists it'],
  ],
  ['chains without a name (`jump { … }`)', ['anonymous-chains.test.ts', 'is what nft sends']],
  ['rules of iptables-nft', ['compat.test.ts', 'is copied, with the protocol']],
];

export function coverage(): string {
  const features = FEATURES.map(([what, proof]) => [what, cell(proof)]);
  return [
    '# What of nf_tables the library covers\n',
    'Made by `npm run docs:coverage` from the code and the tests; a test fails when this page is not what they say. "Equal to nft": the',
    'bytes in the kernel are those that nft 1.0.6 makes of the same words, on Linux 6.18. This kernel was built without flowtables, queues,',
    'security labels, metadata and rejects of bridges, and options of DCCP: there the bytes that are sent are compared with those that nft',
    'sends (`nft --debug=mnl`).\n',
    messages(),
    objects(),
    expressions(),
    metaKeys(),
    section('Tables, chains, rules and sets', ['what', 'proof'], features),
  ].join('\n');
}

if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(PAGE, coverage());
