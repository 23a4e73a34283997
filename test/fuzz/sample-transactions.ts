import type { NativeOutcome } from '../../src/native/contract.ts';
import type { Transport } from '../../src/netlink/transport.ts';
import { baseChain, chain } from '../../src/nft/chain.ts';
import type { ExpressionKind } from '../../src/nft/expression/define.ts';
import type { Expression } from '../../src/nft/expression/expression.ts';
import { immediateKind } from '../../src/nft/expression/immediate.ts';
import { EXPRESSION_KINDS } from '../../src/nft/expression/kinds.ts';
import { rule } from '../../src/nft/rule.ts';
import { map, set, verdictMap } from '../../src/nft/set.ts';
import { table } from '../../src/nft/table.ts';
import { Transaction } from '../../src/nft/transaction.ts';
import { ipv4Addr } from '../../src/nft/type/address.ts';
import { concatType } from '../../src/nft/type/concat.ts';
import { inetService } from '../../src/nft/type/integer.ts';
import { ifname } from '../../src/nft/type/text.ts';
import { drop, jump } from '../../src/nft/verdict.ts';

/** Small transactions with something of every kind, for fuzzers to start from. */

export const SAMPLE_TABLE = table('inet', 'sample', { comment: 'a table' });
const REGULAR = chain(SAMPLE_TABLE, 'regular', { comment: 'a chain' });
const BASE = baseChain(SAMPLE_TABLE, 'base', {
  type: 'filter',
  hook: 'ingress',
  priority: -5,
  policy: 'drop',
  devices: ['lo', 'eth0'],
});

export const SAMPLE_SETS = {
  addresses: set(SAMPLE_TABLE, 'addresses', { key: ipv4Addr, timeouts: true, comment: 'a set', size: 9 }),
  pairs: map(SAMPLE_TABLE, 'pairs', { key: concatType(ipv4Addr, inetService), data: ifname }),
  verdicts: verdictMap(SAMPLE_TABLE, 'verdicts', { key: inetService }),
};

/** A value for each kind of field: the first that the field takes. */
const VALUES: readonly unknown[] = [1, 1n, 'x', Uint8Array.of(1, 2, 3, 4), [1]];

function sampleExpression(kind: ExpressionKind): Expression {
  const values: Record<string, unknown> = {};
  for (const key of Object.keys(kind.fields)) {
    values[key] = VALUES.find((value) => takes(kind, { [key]: value }));
  }
  return kind.make(values as never);
}

function takes(kind: ExpressionKind, values: Record<string, unknown>): boolean {
  try {
    kind.make(values as never);
    return true;
  } catch {
    return false;
  }
}

/** Each as a packed transaction of its own, by name. */
export function sampleTransactions(): ReadonlyMap<string, Uint8Array> {
  const expressions = [...EXPRESSION_KINDS.values()]
    .filter((kind) => kind.name !== immediateKind.name)
    .map((kind) => [kind.name, sampleExpression(kind)] as const);
  const immediates = [
    immediateKind.make({ dreg: 8, data: Uint8Array.of(1, 2, 3, 4) }),
    immediateKind.make({ verdict: jump('regular') }),
  ];
  const { addresses, pairs, verdicts } = SAMPLE_SETS;
  return new Map([
    ['objects', pack((t) => t.add(SAMPLE_TABLE).add(REGULAR).add(BASE))],
    ['sets', pack((t) => t.add(addresses).add(pairs).add(verdicts))],
    ['deletions', pack((t) => t.delete(REGULAR).destroy(addresses).flush(pairs).delete(SAMPLE_TABLE))],
    ['immediates', pack((t) => t.add(rule(REGULAR, immediates, { comment: 'a rule' })))],
    ...expressions.map(
      ([name, expression]) =>
        [`expression-${name}`, pack((t) => t.add(rule(REGULAR, [expression])))] as const,
    ),
    [
      'elements',
      pack((t) =>
        t
          .addElements(addresses, ['10.0.0.1', { key: '10.0.0.2', timeoutMs: 5000, comment: 'an element' }])
          .addElements(pairs, [[['10.0.0.1', 80], 'lo']])
          .addElements(verdicts, [
            [80, jump('regular')],
            [81, drop],
          ])
          .deleteElements(addresses, ['10.0.0.1']),
      ),
    ],
  ]);
}

/** What a transaction would send. */
function pack(fill: (transaction: Transaction) => unknown): Uint8Array {
  let sent = new Uint8Array(0);
  const transactSync = (packed: Uint8Array): NativeOutcome => {
    sent = Uint8Array.from(packed);
    return 1;
  };
  const transport = { transactSync } as Transport;
  const transaction = new Transaction(transport);
  fill(transaction);
  transaction.commitSync();
  return sent;
}
