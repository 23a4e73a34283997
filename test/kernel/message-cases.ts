import {
  accept,
  baseChain,
  chain,
  counterObject,
  eq,
  flowtable,
  inetService,
  ipv4Addr,
  map,
  mark,
  objectMap,
  rule,
  ruleHandle,
  set,
  type Transaction,
  table,
  tcp,
  verdictMap,
} from '../../src/index.ts';
import type { NFT_MSG } from '../../src/nft/pack/uapi.ts';

/** What changes something, in nft's words and in ours: what is sent must be the same, attribute by attribute. */
export interface MessageCase {
  readonly message: keyof typeof NFT_MSG;
  readonly text: string;
  readonly fill: (transaction: Transaction) => Transaction;
}

const t = table('inet', 't');
const c = chain(t, 'c');
const n = counterObject(t, 'n');
const s = set(t, 's', { key: ipv4Addr });
const m = map(t, 'm', { key: ipv4Addr, data: mark });
const v = verdictMap(t, 'v', { key: inetService });
const o = objectMap(t, 'o', { key: ipv4Addr, object: 'counter' });
const r = set(t, 'r', { key: ipv4Addr, intervals: true });
const f = flowtable(t, 'f', { priority: 'filter', devices: ['lo'] });

/** Adds what must be there before: nft looks before it speaks. */
export function addScene(transaction: Transaction): Transaction {
  for (const each of [t, c, n, s, m, v, o, r]) transaction.add(each);
  // Into an empty set nft would put an end without a beginning first.
  return transaction.addElements(r, ['1.1.1.1']);
}

export const MESSAGE_CASES: readonly MessageCase[] = [
  {
    message: 'newTable',
    text: 'add table ip new { comment "ours"; }',
    fill: (tx) => tx.add(table('ip', 'new', { comment: 'ours' })),
  },
  { message: 'delTable', text: 'delete table inet t', fill: (tx) => tx.delete(t) },
  {
    message: 'newChain',
    text: 'add chain inet t new { type filter hook input priority 5; policy drop; }',
    fill: (tx) => tx.add(baseChain(t, 'new', { type: 'filter', hook: 'input', priority: 5, policy: 'drop' })),
  },
  { message: 'delChain', text: 'delete chain inet t c', fill: (tx) => tx.delete(c) },
  {
    message: 'newRule',
    text: 'add rule inet t c tcp dport 22 accept comment "shell"',
    fill: (tx) => tx.add(rule(c, [eq(tcp.dport, 22), accept], { comment: 'shell' })),
  },
  { message: 'delRule', text: 'delete rule inet t c handle 99', fill: (tx) => tx.delete(ruleHandle(c, 99n)) },
  { message: 'delRule', text: 'flush chain inet t c', fill: (tx) => tx.flush(c) },
  {
    message: 'newSet',
    text: 'add set inet t new { type ipv4_addr; flags timeout; timeout 60s; size 10; gc-interval 5s; policy memory; comment "ours"; }',
    fill: (tx) =>
      tx.add(
        set(t, 'new', {
          key: ipv4Addr,
          timeoutMs: 60_000,
          size: 10,
          gcIntervalMs: 5000,
          policy: 'memory',
          comment: 'ours',
        }),
      ),
  },
  {
    message: 'newSet',
    text: 'add map inet t new { type ipv4_addr : counter; }',
    fill: (tx) => tx.add(objectMap(t, 'new', { key: ipv4Addr, object: 'counter', autoSize: false })),
  },
  { message: 'delSet', text: 'delete set inet t s', fill: (tx) => tx.delete(s) },
  {
    message: 'newSetElem',
    text: 'add element inet t s { 10.0.0.1 comment "one", 10.0.0.2 }',
    fill: (tx) => tx.addElements(s, [{ key: '10.0.0.1', comment: 'one' }, '10.0.0.2']),
  },
  {
    message: 'newSetElem',
    text: 'add element inet t m { 10.0.0.1 : 5 }',
    fill: (tx) => tx.addElements(m, [['10.0.0.1', 5]]),
  },
  {
    message: 'newSetElem',
    text: 'add element inet t v { 22 : accept }',
    fill: (tx) => tx.addElements(v, [[22, accept]]),
  },
  {
    message: 'newSetElem',
    text: 'add element inet t o { 10.0.0.1 : "n" }',
    fill: (tx) => tx.addElements(o, [['10.0.0.1', n]]),
  },
  {
    message: 'newSetElem',
    text: 'add element inet t r { 10.0.0.0/8, 192.168.1.1-192.168.1.9 }',
    fill: (tx) => tx.addElements(r, ['10.0.0.0/8', { from: '192.168.1.1', to: '192.168.1.9' }]),
  },
  {
    message: 'delSetElem',
    text: 'delete element inet t s { 10.0.0.1 }',
    fill: (tx) => tx.deleteElements(s, ['10.0.0.1']),
  },
  { message: 'delSetElem', text: 'flush set inet t s', fill: (tx) => tx.flush(s) },
  {
    message: 'newObj',
    text: 'add counter inet t new { comment "ours"; }',
    fill: (tx) => tx.add(counterObject(t, 'new', { comment: 'ours' })),
  },
  { message: 'delObj', text: 'delete counter inet t n', fill: (tx) => tx.delete(n) },
  {
    message: 'newFlowtable',
    text: 'add flowtable inet t f { hook ingress priority filter; devices = { lo }; }',
    fill: (tx) => tx.add(f),
  },
];
