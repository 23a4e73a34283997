import type { Expression } from '../src/nft/expression/expression.ts';
import { EXPRESSION_KINDS, immediateKind } from '../src/nft/expression/kinds.ts';
import { OBJECT_KINDS } from '../src/nft/object/kinds.ts';
import { NFT_MSG } from '../src/nft/pack/uapi.ts';
import { ANONYMOUS } from '../test/kernel/anonymous-cases.ts';
import { MESSAGE_CASES } from '../test/kernel/message-cases.ts';
import { type Cell, kernel, numberIn, type Proof, ruleWith, unit } from './coverage-proofs.ts';

/** A section of docs/coverage.md. */
export interface Section {
  readonly title: string;
  readonly head: readonly string[];
  readonly rows: readonly (readonly Cell[])[];
}

const NONE = '**no**';
const NO_WORDS = 'nft 1.0.6 has no words for it';
const HEARD = 'heard';
const ASKED = 'asked';
const REGISTERS = { equal: NONE, read: NONE } as const;

// Messages.

const LISTED = kernel('lists', 'what was added > is what is listed');
const TOLD = kernel('monitor', 'a transaction > is told with all that it changed, and by whom');
const NAMED = kernel('monitor', 'a transaction > of nft is told like our own; what was deleted is named');
const FLOWTABLES = kernel('unsupported', 'flowtables > are deleted by name');
const FLOWTABLES_READ = kernel('reading', 'a snapshot > has flowtables, on a kernel that has them');
const gone = (what: string) =>
  kernel(
    'verbs',
    `tables, chains, sets, maps and verdict maps > ${what}: destroyed, it is gone, and created anew`,
  );

/** NFT_MSG_* in the order of their numbers, and what proves that they are written and that they, or their answers, are read. */
const MESSAGES: readonly (readonly [name: keyof typeof NFT_MSG | 'trace', written: Cell, read: Cell])[] = [
  [
    'newTable',
    kernel(
      'verbs',
      'tables, chains, sets, maps and verdict maps > that were added are listed by nft and by us',
    ),
    LISTED,
  ],
  ['getTable', ASKED, LISTED],
  ['delTable', kernel('tables-and-chains', 'a dormant table sleeps and wakes'), NAMED],
  ['newChain', kernel('tables-and-chains', 'base chains > take another policy, and nothing else'), LISTED],
  ['getChain', ASKED, LISTED],
  [
    'delChain',
    kernel(
      'verbs',
      'tables, chains, sets, maps and verdict maps > in use are not deleted (EBUSY at the name)',
    ),
    NAMED,
  ],
  [
    'newRule',
    kernel('verbs', 'rules > go to the end, to the start, before another one, and into the place of one'),
    kernel('lists', 'what was added > rules: of a chain, of a table, in order, with handles that grow'),
  ],
  [
    'getRule',
    ASKED,
    kernel('lists', 'what was added > rules: of a chain, of a table, in order, with handles that grow'),
  ],
  ['delRule', kernel('verbs', 'rules > are deleted by handle, as listed or made from a number'), NAMED],
  ['newSet', kernel('ruleset', 'a ruleset that we write > is listed by nft as its authors know it'), LISTED],
  ['getSet', ASKED, LISTED],
  [
    'delSet',
    kernel(
      'verbs',
      'tables, chains, sets, maps and verdict maps > in use are not deleted (EBUSY at the name)',
    ),
    NAMED,
  ],
  [
    'newSetElem',
    kernel('verbs', 'elements > are added, added again, created, deleted, destroyed and flushed'),
    LISTED,
  ],
  [
    'getSetElem',
    ASKED,
    kernel('lists', '20,000 elements are listed, every one, also while the kernel makes room for them'),
  ],
  [
    'delSetElem',
    kernel('verbs', 'elements > are added, added again, created, deleted, destroyed and flushed'),
    TOLD,
  ],
  ['newGen', HEARD, TOLD],
  ['getGen', ASKED, kernel('lists', 'the generation grows with every commit')],
  ['trace', HEARD, kernel('trace', 'nft tells the same of the same packet')],
  [
    'newObj',
    kernel('objects', 'objects that nft knows > are listed by nft as their authors know them'),
    kernel('objects', 'objects that nft knows > are read back as they were described'),
  ],
  [
    'getObj',
    ASKED,
    kernel('objects', 'objects that nft knows > are listed by kind, with the types of that kind'),
  ],
  [
    'delObj',
    kernel('objects', 'state > an object in use is not deleted, and what is missing is named'),
    NAMED,
  ],
  ['getObjReset', ASKED, kernel('objects', 'state > no packet is lost between resets, while packets come')],
  [
    'newFlowtable',
    kernel(
      'unsupported',
      'flowtables > with interfaces by the start of their names, which nft 1.0.6 cannot say',
    ),
    FLOWTABLES_READ,
  ],
  ['getFlowtable', ASKED, FLOWTABLES_READ],
  ['delFlowtable', FLOWTABLES, FLOWTABLES],
  ['getRuleReset', ASKED, kernel('objects', 'a rule is read and set back in one moment')],
  ['destroyTable', gone('table'), NAMED],
  ['destroyChain', gone('chain'), NAMED],
  [
    'destroyRule',
    kernel('verbs', 'rules > that are missing: delete, insert before and replace are ENOENT; destroy is not'),
    NAMED,
  ],
  ['destroySet', gone('set'), NAMED],
  [
    'destroySetElem',
    kernel('verbs', 'elements > are added, added again, created, deleted, destroyed and flushed'),
    TOLD,
  ],
  [
    'destroyObj',
    kernel('objects', 'state > an object in use is not deleted, and what is missing is named'),
    NAMED,
  ],
  ['destroyFlowtable', FLOWTABLES, FLOWTABLES],
  [
    'getSetElemReset',
    ASKED,
    kernel(
      'reset-elements',
      'elements are read and set back > no packet is lost between resets, also while others change the set',
    ),
  ],
];
const TRACE = 17;

function messageRow([name, written, read]: (typeof MESSAGES)[number]): readonly Cell[] {
  const number = name === 'trace' ? TRACE : NFT_MSG[name];
  const compared = MESSAGE_CASES.find(({ message }) => message === name);
  const own = compared === undefined ? undefined : kernel('messages', compared.text);
  const without = name.startsWith('destroy') ? NO_WORDS : name === 'delFlowtable' ? FLOWTABLES : '';
  const upper = name.replaceAll(/Elem|Reset$/g, (part) => (part === 'Reset' ? '_RESET' : part)).toUpperCase();
  return [`\`NFT_MSG_${upper}\``, String(number), written, read, own ?? without];
}

const messages: Section = {
  title: 'Messages',
  head: ['message', 'number', 'written', 'read back, or its answer', 'equal to nft'],
  rows: MESSAGES.map(messageRow),
};

// Objects.

const OBJECTS_EQUAL = kernel(
  'objects',
  'objects that nft knows > are, byte for byte, what nft makes of that listing',
);
const OBJECTS_READ = kernel('objects', 'objects that nft knows > are read back as they were described');
const unlisted = (family: string) =>
  kernel('objects', `objects that nft 1.0.6 does not know are written and read back, family '${family}'`);
const SECMARK = kernel('unsupported', 'a security label, and a rule that sets it');
type ObjectProofs = readonly [written: Cell, read: Cell, equal: Cell];
const KNOWN: ObjectProofs = [OBJECTS_EQUAL, OBJECTS_READ, OBJECTS_EQUAL];
const OBJECT_PROOFS: Readonly<Record<string, ObjectProofs>> = {
  counter: KNOWN,
  quota: KNOWN,
  limit: KNOWN,
  'ct helper': KNOWN,
  'ct timeout': KNOWN,
  'ct expectation': KNOWN,
  synproxy: KNOWN,
  connlimit: [unlisted('inet'), unlisted('inet'), NO_WORDS],
  tunnel: [unlisted('netdev'), unlisted('netdev'), NO_WORDS],
  secmark: [SECMARK, unit('codecs', 'objects > secmark'), SECMARK],
};

const objects: Section = {
  title: 'Stateful objects',
  head: ['object', 'NFT_OBJECT_*', 'written', 'read back', 'equal to nft'],
  rows: [
    ...Object.entries(OBJECT_KINDS).map(([kind, { type }]) => [
      kind,
      String(type),
      ...(OBJECT_PROOFS[kind] ?? [NONE, NONE, NONE]),
    ]),
    [
      'any other',
      '',
      'as bytes',
      unit(
        'codecs',
        'objects > one with an attribute that is not known here is read as bytes by the listing',
      ),
      '',
    ],
  ],
};

// Expressions.

const DYNAMIC = 'sets that packets change > ';
const DYNAMIC_EQUAL = kernel('dynamic-sets', `${DYNAMIC}are, byte for byte, what nft makes of that listing`);
const DYNAMIC_READ = kernel(
  'dynamic-sets',
  `${DYNAMIC}are described by the kernel so that it would make them again`,
);
const ANONYMOUS_PROOF = (text: string) =>
  kernel('anonymous-sets', `${text} > is what nft sends, and reads back as nft lists it`);
const RULESET_READ = kernel(
  'ruleset',
  'a ruleset that we write > is read back field by field, and what was read makes the same expressions',
);
const RULESET_EQUAL = kernel(
  'ruleset',
  'a ruleset that we write > is, byte for byte, what nft makes of that listing',
);
const COMPAT = kernel(
  'compat',
  '-p tcp --dport 22 > is copied, with the protocol that the kernel does not list',
);
const TARGETS = kernel('compat', 'targets too');
const INNER = kernel('expressions', 'expressions past libnftnl > a header inside a tunnel');
const TUNNEL = kernel('expressions', 'expressions past libnftnl > what a tunnel says of a packet');
const LAST = kernel(
  'dynamic-sets',
  'elements remember when they were last used, out of the sight of nft 1.0.6, which would crash',
);
const NOT_NFTS = 'nft does not write it';

/** What is neither compared with nft one by one nor lacking in this kernel. */
const EXPRESSION_PROOFS: Readonly<Record<string, { readonly equal: Cell; readonly read: Cell }>> = {
  dynset: { equal: DYNAMIC_EQUAL, read: DYNAMIC_READ },
  lookup: { equal: RULESET_EQUAL, read: RULESET_READ },
  objref: {
    equal: kernel('objects', 'rules that use objects > counter name "c"'),
    read: kernel('objects', 'state > is counted by rules that name an object or find it in a map'),
  },
  last: { equal: NO_WORDS, read: LAST },
  inner: { equal: NO_WORDS, read: INNER },
  tunnel: { equal: NO_WORDS, read: TUNNEL },
  match: { equal: NOT_NFTS, read: COMPAT },
  target: { equal: NOT_NFTS, read: TARGETS },
  flow_offload: {
    equal: kernel('unsupported', 'flowtables > a rule puts connections into one'),
    read: unit('codecs', 'expressions > flow_offload'),
  },
};

function expressionRow(name: string): readonly Cell[] {
  const { equal, read } = EXPRESSION_PROOFS[name] ?? ruleWith((each) => each.name === name) ?? REGISTERS;
  return [name, typeof equal === 'string' ? read : equal, read, equal];
}

const expressions: Section = {
  title: 'Expressions',
  head: ['expression', 'written', 'read back', 'equal to nft'],
  rows: [
    ...[immediateKind.name, ...EXPRESSION_KINDS.keys()].sort().map(expressionRow),
    [
      'any other, or one with an unknown attribute',
      'as bytes',
      kernel(
        'expressions',
        'expressions past libnftnl > an attribute that nobody here knows is kept as bytes, and goes back',
      ),
      '',
    ],
  ],
};

// Keys of expressions: all numbers that linux/netfilter/nf_tables.h of 6.18 has.

interface KeyTable {
  readonly title: string;
  readonly prefix: string;
  readonly expression: string;
  /** libnftnl's number of the key. */
  readonly id: number;
  /** In the order of their numbers, from `first` on. */
  readonly names: readonly string[];
  readonly first?: number;
  /** Where nft cannot be compared with. */
  readonly others?: Readonly<Record<string, readonly [read: Cell, equal: Cell]>>;
}

const wordless = (name: string): readonly [Cell, Cell] => [
  kernel('messages', `keys that nft 1.0.6 has no words for > ${name}`),
  NO_WORDS,
];
const CGROUP = kernel('messages', 'the control group of a socket, by the inode of its folder');
const TUNNEL_KEY: readonly [Cell, Cell] = [TUNNEL, NO_WORDS];

const KEY_TABLES: readonly KeyTable[] = [
  {
    title: 'meta',
    prefix: 'NFT_META_',
    expression: 'meta',
    id: 1,
    names: [
      ...['LEN', 'PROTOCOL', 'PRIORITY', 'MARK', 'IIF', 'OIF', 'IIFNAME', 'OIFNAME', 'IFTYPE', 'OIFTYPE'],
      ...['SKUID', 'SKGID', 'NFTRACE', 'RTCLASSID', 'SECMARK', 'NFPROTO', 'L4PROTO', 'BRI_IIFNAME'],
      ...['BRI_OIFNAME', 'PKTTYPE', 'CPU', 'IIFGROUP', 'OIFGROUP', 'CGROUP', 'PRANDOM', 'SECPATH', 'IIFKIND'],
      ...['OIFKIND', 'BRI_IIFPVID', 'BRI_IIFVPROTO', 'TIME_NS', 'TIME_DAY', 'TIME_HOUR', 'SDIF', 'SDIFNAME'],
      ...['BRI_BROUTE', '(IIFTYPE)', 'BRI_IIFHWADDR'],
    ],
    others: {
      BRI_BROUTE: wordless('meta NFT_META_BRI_BROUTE'),
      '(IIFTYPE)': ['another number of IFTYPE', ''],
      BRI_IIFHWADDR: wordless('meta NFT_META_BRI_IIFHWADDR'),
    },
  },
  {
    title: 'ct',
    prefix: 'NFT_CT_',
    expression: 'ct',
    id: 2,
    names: [
      ...[
        'STATE',
        'DIRECTION',
        'STATUS',
        'MARK',
        'SECMARK',
        'EXPIRATION',
        'HELPER',
        'L3PROTOCOL',
        'SRC',
        'DST',
      ],
      ...['PROTOCOL', 'PROTO_SRC', 'PROTO_DST', 'LABELS', 'PKTS', 'BYTES', 'AVGPKT', 'ZONE', 'EVENTMASK'],
      ...['SRC_IP', 'DST_IP', 'SRC_IP6', 'DST_IP6', 'ID'],
    ],
    others: { SRC: wordless('ct NFT_CT_SRC'), DST: wordless('ct NFT_CT_DST') },
  },
  {
    title: 'rt',
    prefix: 'NFT_RT_',
    expression: 'rt',
    id: 1,
    names: ['CLASSID', 'NEXTHOP4', 'NEXTHOP6', 'TCPMSS', 'XFRM'],
  },
  {
    title: 'socket',
    prefix: 'NFT_SOCKET_',
    expression: 'socket',
    id: 1,
    names: ['TRANSPARENT', 'MARK', 'WILDCARD', 'CGROUPV2'],
    others: { CGROUPV2: [CGROUP, CGROUP] },
  },
  {
    title: 'ipsec',
    prefix: 'NFT_XFRM_KEY_',
    expression: 'xfrm',
    id: 3,
    names: ['DADDR_IP4', 'DADDR_IP6', 'SADDR_IP4', 'SADDR_IP6', 'REQID', 'SPI'],
    first: 1,
  },
  {
    title: 'fib',
    prefix: 'NFT_FIB_RESULT_',
    expression: 'fib',
    id: 2,
    names: ['OIF', 'OIFNAME', 'ADDRTYPE'],
    first: 1,
  },
  {
    title: 'tunnel',
    prefix: 'NFT_TUNNEL_',
    expression: 'tunnel',
    id: 1,
    names: ['PATH', 'ID'],
    others: { PATH: TUNNEL_KEY, ID: TUNNEL_KEY },
  },
];

function keySection({ title, prefix, expression, id, names, first = 0, others = {} }: KeyTable): Section {
  return {
    title: `Keys of \`${title}\``,
    head: ['key', 'number', 'read back', 'equal to nft'],
    rows: names.map((name, place) => {
      const number = first + place;
      const has = (each: Expression) => each.name === expression && numberIn(each, id) === number;
      const { read, equal } = ruleWith(has) ?? REGISTERS;
      return [`\`${prefix}${name}\``, String(number), ...(others[name] ?? [read, equal])];
    }),
  };
}

// Sets.

const INTERVALS = 'sets with intervals > ';
const INTERVALS_EQUAL = kernel('intervals', `${INTERVALS}are, byte for byte, what nft makes of that listing`);
const INTERVALS_READ = kernel('intervals', `${INTERVALS}are read back as they were given`);
const INTERVALS_SAME = kernel('intervals', `${INTERVALS}are described by the kernel as they were`);
const SETS_EQUAL = kernel(
  'ruleset',
  'a ruleset that we write > has the same sets, with the userdata that nft gives its own',
);
const COUNTED = kernel('dynamic-sets', `${DYNAMIC}are read back with what their elements have counted`);
const OBJECT_MAP = kernel('messages', 'add map inet t new { type ipv4_addr : counter; }');
const OBJECT_ELEMENT = kernel('messages', 'add element inet t o { 10.0.0.1 : "n" }');
const OBJECT_MAP_READ = kernel(
  'objects',
  'state > is counted by rules that name an object or find it in a map',
);
const NEW_SET = kernel(
  'messages',
  'add set inet t new { type ipv4_addr; flags timeout; timeout 60s; size 10; gc-interval 5s; policy memory; comment "ours"; }',
);
const anonymous = (start: string): Proof => {
  const found = ANONYMOUS.find(({ text }) => text.startsWith(start));
  if (found === undefined) throw new Error(`no case ${start}`);
  return ANONYMOUS_PROOF(found.text);
};
const both = (what: string, proof: Proof): readonly Cell[] => [what, proof, proof];

const SETS: readonly (readonly Cell[])[] = [
  ['sets', LISTED, SETS_EQUAL],
  ['maps (`NFT_SET_MAP`)', LISTED, SETS_EQUAL],
  ['verdict maps', LISTED, SETS_EQUAL],
  ['maps of objects (`NFT_SET_OBJECT`)', OBJECT_MAP_READ, OBJECT_MAP],
  ['`constant` (`NFT_SET_CONSTANT`)', LISTED, DYNAMIC_EQUAL],
  ['`intervals` (`NFT_SET_INTERVAL`)', INTERVALS_SAME, INTERVALS_EQUAL],
  ['`timeouts` (`NFT_SET_TIMEOUT`)', LISTED, SETS_EQUAL],
  ['`dynamic` (`NFT_SET_EVAL`)', DYNAMIC_READ, DYNAMIC_EQUAL],
  ['ranges in concatenations (`NFT_SET_CONCAT`)', INTERVALS_READ, INTERVALS_EQUAL],
  ['`statements` (`NFT_SET_EXPR`, one or two)', DYNAMIC_READ, DYNAMIC_EQUAL],
  ['types: concatenations', LISTED, SETS_EQUAL],
  ['`timeoutMs`, `size`, `gcIntervalMs`, `policy`, comment', DYNAMIC_READ, NEW_SET],
  [
    '`size` changed',
    kernel(
      'set-handle',
      'a set whose size the library chose > grows when elements are added, replaced or compared',
    ),
    '',
  ],
  [
    '`autoMerge`',
    kernel('set-handle', 'a set that merges > takes in what touches what is there, and says so'),
    INTERVALS_EQUAL,
  ],
  ['elements: key, data, verdict', LISTED, RULESET_EQUAL],
  ['elements: object', OBJECT_MAP_READ, OBJECT_ELEMENT],
  ['elements: ends of ranges, open ranges (`NFT_SET_ELEM_INTERVAL_END`)', INTERVALS_READ, INTERVALS_EQUAL],
  ['elements: last key of a range (`NFTA_SET_ELEM_KEY_END`)', INTERVALS_READ, INTERVALS_EQUAL],
  ['elements: `*` (`NFT_SET_ELEM_CATCHALL`)', INTERVALS_READ, INTERVALS_EQUAL],
  ['elements: `timeoutMs`, `expiresMs`, comment', COUNTED, DYNAMIC_EQUAL],
  ['elements: `statements`', COUNTED, DYNAMIC_EQUAL],
  ['one element asked for', kernel('set-handle', 'has and get > ask the kernel for one element'), ''],
  ['a range asked for', kernel('set-handle', 'has and get > find keys and ranges within ranges'), ''],
  [
    'compared and changed: `sync`',
    kernel('set-handle', 'sync > sends what differs and says what it did'),
    '',
  ],
  both('without a name: sets', anonymous('tcp dport { 443')),
  both('without a name: sets of networks and ranges', anonymous('ip saddr { 192.168')),
  both('without a name: ranges in concatenations', anonymous('ip saddr . tcp dport { 10')),
  both('without a name: verdict maps', anonymous('tcp dport vmap')),
  both(
    'without a name: verdict maps of networks, `*`',
    anonymous('ip saddr vmap { 10.0.0.0/8 : accept, 9.0.0.0/8 : drop, *'),
  ),
  both('without a name: maps', anonymous('meta mark set ip saddr map { 10.0.0.2')),
  both('without a name: maps of ranges', anonymous('meta mark set ip saddr map { 10.0.0.0/8')),
  both('without a name: maps of objects', anonymous('counter name')),
];

// Tables, chains and rules.

const COMMENTS = kernel('verbs', 'comments of every kind are what nft shows and what we list');
const FEATURES: readonly (readonly [what: string, Proof])[] = [
  ['tables, chains, rules, sets, elements: comments', COMMENTS],
  ['tables: `dormant`, and waking', kernel('tables-and-chains', 'a dormant table sleeps and wakes')],
  [
    'tables: `owner`',
    kernel('tables-and-chains', 'a table with an owner > is changed by its owner and by nobody else'),
  ],
  [
    'tables: `persist`',
    kernel('tables-and-chains', 'a table with an owner > that persists waits for the next owner'),
  ],
  ...(['ip', 'ip6', 'inet', 'arp', 'bridge', 'netdev'] as const).map(
    (family) =>
      [
        `chains: every hook of family ${family}, a policy, a priority`,
        family === 'netdev'
          ? kernel('tables-and-chains', 'base chains > of family netdev, type filter, at ingress')
          : kernel('verbs', `base chains > family ${family}: every hook, a policy, a priority`),
      ] as const,
  ),
  ['chains: type nat', kernel('tables-and-chains', 'base chains > of family inet, type nat, at prerouting')],
  ['chains: type route', kernel('tables-and-chains', 'base chains > of family ip, type route, at output')],
  [
    'chains: updates of the policy',
    kernel('tables-and-chains', 'base chains > take another policy, and nothing else'),
  ],
  [
    'chains: devices added and deleted',
    kernel('tables-and-chains', 'devices of a chain > are added by adding the chain, and deleted one by one'),
  ],
  [
    'chains: `eth*` (`NFTA_DEVICE_PREFIX`)',
    kernel(
      'tables-and-chains',
      'devices of a chain > are meant by the start of their names, those to come too',
    ),
  ],
  [
    'flowtables: `eth*`',
    kernel(
      'unsupported',
      'flowtables > with interfaces by the start of their names, which nft 1.0.6 cannot say',
    ),
  ],
  ['chains: `offload`', kernel('unsupported', 'a chain of network cards, where there are none')],
  [
    'chains without a name, `jump { … }` (`NFT_CHAIN_BINDING`): equal to nft',
    kernel('anonymous-chains', 'tcp sport 7 jump { counter drop; } > is what nft sends'),
  ],
  [
    'chains without a name: read back, gone with their rule',
    kernel(
      'anonymous-chains',
      'tcp sport 7 jump { counter drop; } > is listed by nft in the same words, read back, and gone with its rule',
    ),
  ],
  [
    'rules: handles, position, insert, replace',
    kernel('verbs', 'rules > go to the end, to the start, before another one, and into the place of one'),
  ],
  ['rules: compared with nft as a whole ruleset', RULESET_EQUAL],
  [
    'rules of iptables-nft (`NFTA_RULE_COMPAT`)',
    kernel('compat', '-p tcp --dport 22 > is sent with its protocol, and listed as bytes and fields'),
  ],
  ['rules of iptables-nft, copied', COMPAT],
  [
    'snapshots: tables, chains, sets, rules',
    kernel(
      'reading',
      'a snapshot > has tables, chains, sets and rules as the lists have them, and its generation',
    ),
  ],
  [
    'snapshots: objects',
    kernel('reading', 'a snapshot > has objects with what they have counted, of all tables'),
  ],
  ['snapshots: flowtables', FLOWTABLES_READ],
];

export const SECTIONS: readonly Section[] = [
  messages,
  objects,
  expressions,
  ...KEY_TABLES.map(keySection),
  { title: 'Sets, maps and elements', head: ['what', 'written and read back', 'equal to nft'], rows: SETS },
  { title: 'Tables, chains, rules', head: ['what', 'proof'], rows: FEATURES },
];
