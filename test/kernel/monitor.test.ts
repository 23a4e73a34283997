import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { Lab } from '../../lab/lab.ts';
import { linesOf } from '../../lab/lines.ts';
import {
  accept,
  baseChain,
  type Change,
  type CommittedTransaction,
  chain,
  counter,
  type EventStream,
  goto,
  inetService,
  ipv4Addr,
  type MonitorEvent,
  map,
  mark,
  Nftables,
  rule,
  set,
  type Table,
  type TableChanges,
  table,
  verdictMap,
} from '../../src/index.ts';

/** Whatever anyone commits is heard of once, whole and in order; where the kernel drops events, how things stand. */

const lab = new Lab('nftlink-monitor');
const host = lab.host('host');
const nft = Nftables.open({ netns: { path: host.netnsPath } });

const inet = table('inet', 'firewall', { comment: 'a firewall' });
const input = baseChain(inet, 'input', { type: 'filter', hook: 'input', priority: 'filter', policy: 'drop' });
const ssh = chain(inet, 'ssh');
const blocked = set(inet, 'blocked', { key: ipv4Addr, timeouts: true });
const marks = map(inet, 'marks', { key: ipv4Addr, data: mark });
const decide = verdictMap(inet, 'decide', { key: inetService });

beforeEach(() => void lab.run(host, 'nft', 'flush', 'ruleset'));

afterAll(async () => {
  await nft.close();
  await lab.close();
});

async function nextTransaction(events: EventStream<MonitorEvent>): Promise<CommittedTransaction> {
  const { value } = await events.next();
  if (value?.kind !== 'transaction') throw new Error(`a transaction was expected, and came ${value?.kind}`);
  return value;
}

/** `new set blocked`. */
function nameOf(change: Change): string {
  if (change.kind === 'other') return `other ${change.message}`;
  const { verb, kind, object } = change;
  if (kind === 'element') return `${verb} element of ${change.set.name} ${String(change.object.key)}`;
  return `${verb} ${kind} ${'name' in object ? object.name : `of ${object.chain.name}`}`;
}

test('tableChanges() tells the tables of each transaction, and its generation', async () => {
  const other = table('ip', 'other');
  await using changes = nft.tableChanges();
  const before = await nft.generation();
  await nft.transaction().add(inet).add(ssh).add(other).commit();
  await nft.transaction().add(blocked).addElements(blocked, ['192.0.2.1', '192.0.2.2']).commit();
  lab.run(host, 'nft', 'delete', 'table', 'ip', 'other');
  const told = [await changes.next(), await changes.next(), await changes.next()].map(({ value }) => value);
  expect(told).toEqual([
    {
      generation: before + 1,
      tables: [
        { kind: 'table', family: 'inet', name: 'firewall' },
        { kind: 'table', family: 'ip', name: 'other' },
      ],
    },
    { generation: before + 2, tables: [{ kind: 'table', family: 'inet', name: 'firewall' }] },
    { generation: before + 3, tables: [{ kind: 'table', family: 'ip', name: 'other' }] },
  ]);
});

describe('a transaction', () => {
  test('is told with all that it changed, and by whom', async () => {
    await using events = nft.monitor();
    const generation = await nft.generation();
    await nft
      .transaction()
      .add(inet)
      .add(input)
      .add(ssh)
      .add(blocked)
      .add(marks)
      .add(decide)
      .addElements(blocked, [{ key: '192.0.2.1', timeoutMs: 60_000, comment: 'for a minute' }])
      .addElements(marks, [['192.0.2.2', 7]])
      .addElements(decide, [[22, goto(ssh)]])
      .add(rule(input, [counter, accept], { comment: 'all' }))
      .commit();
    const transaction = await nextTransaction(events);
    expect(transaction).toMatchObject({
      generation: generation + 1,
      processId: expect.any(Number),
      changes: [
        { verb: 'new', kind: 'table', object: inet },
        { verb: 'new', kind: 'chain', object: { ...input, table: { name: 'firewall' } } },
        { verb: 'new', kind: 'chain', object: { name: 'ssh', table: { family: 'inet', name: 'firewall' } } },
        { verb: 'new', kind: 'set', object: { kind: 'set', name: 'blocked', timeouts: true } },
        { verb: 'new', kind: 'set', object: { kind: 'map', name: 'marks' } },
        { verb: 'new', kind: 'set', object: { kind: 'verdict map', name: 'decide' } },
        {
          verb: 'new',
          kind: 'element',
          set: { name: 'blocked' },
          object: { key: '192.0.2.1', timeoutMs: 60_000, comment: 'for a minute' },
        },
        { verb: 'new', kind: 'element', set: { name: 'marks' }, object: { key: '192.0.2.2', value: 7 } },
        { verb: 'new', kind: 'element', set: { name: 'decide' }, object: { key: 22, value: goto('ssh') } },
        {
          verb: 'new',
          kind: 'rule',
          object: {
            comment: 'all',
            chain: { name: 'input' },
            expressions: [{ name: 'counter' }, { name: 'immediate' }],
          },
        },
      ],
    });
    expect(readdirSync('/proc/self/task')).toContain(String(transaction.processId));
  });

  test('of nft is told like our own; what was deleted is named', async () => {
    await nft.transaction().add(inet).add(ssh).add(blocked).addElements(blocked, ['192.0.2.1']).commit();
    const [{ handle } = { handle: 0n }] = (await nft
      .transaction()
      .add(rule(ssh, [accept]))
      .commit()
      .then(() => nft.listRules(ssh))) as readonly { handle: bigint }[];
    await using events = nft.monitor();
    lab.run(host, 'nft', 'add counter inet firewall hits');
    lab.run(host, 'nft', 'delete element inet firewall blocked { 192.0.2.1 }');
    lab.run(host, 'nft', 'delete rule inet firewall ssh handle', String(handle));
    lab.run(host, 'nft', 'delete table inet firewall');
    const transactions = [];
    for (let i = 0; i < 4; i++) transactions.push(await nextTransaction(events));
    expect(transactions.map(({ processName }) => processName)).toEqual(['nft', 'nft', 'nft', 'nft']);
    expect(transactions.map(({ changes }) => changes.map(nameOf))).toEqual([
      ['new object hits'],
      ['delete element of blocked 192.0.2.1'],
      ['delete rule of ssh'],
      ['delete set blocked', 'delete object hits', 'delete chain ssh', 'delete table firewall'],
    ]);
    expect(transactions[2]?.changes[0]).toMatchObject({ object: { kind: 'rule handle', handle } });
    const generations = transactions.map(({ generation }) => generation);
    expect(generations.map((each) => each - (generations[0] ?? 0))).toEqual([0, 1, 2, 3]);
  });

  test('hears what nft monitor hears', async () => {
    const monitor = lab.start(host, 'nft', 'monitor');
    const heard: string[] = [];
    linesOf(monitor).on('line', (line) => heard.push(line));
    // It says nothing when it begins to listen.
    while (heard.length === 0) {
      lab.run(host, 'nft', 'add table ip probe; delete table ip probe');
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    await using events = nft.monitor();
    await nft.transaction().add(inet).add(ssh).add(blocked).addElements(blocked, ['192.0.2.7']).commit();
    await nft.transaction().delete(blocked).delete(inet).commit();
    const ours = [await nextTransaction(events), await nextTransaction(events)];
    while (!heard.at(-1)?.includes(`new generation ${ours[1]?.generation}`))
      await once(linesOf(monitor), 'line');
    const start = heard.findIndex((line) => line.includes(`new generation ${ours[0]?.generation}`)) - 4;
    const verbs = heard
      .slice(start)
      .map((line) => line.split(' ').slice(0, 2).join(' ').replace('add', 'new'));
    const expected = ours.flatMap(({ changes }) => [...changes.map(verbAndKind), '# new']);
    expect(verbs).toEqual(expected);
    monitor.kill();
    await once(monitor, 'exit');
  });

  test('with what has no description has its bytes', async () => {
    lab.load(host, 'table inet firewall {\nset s {\ntype ipv4_addr\n}\n}\n');
    await using events = nft.monitor();
    lab.run(host, 'nft', 'add element inet firewall s { * }');
    const { changes } = await nextTransaction(events);
    expect(changes.map(nameOf)).toEqual(['other 12']);
    expect(changes[0]).toMatchObject({ bytes: expect.any(Uint8Array) });
  });

  test('of 50,000 elements is told in one piece', async () => {
    await nft.transaction().add(inet).add(blocked).commit();
    await using events = nft.monitor({ receiveBufferBytes: 64 << 20 });
    const keys = Array.from({ length: 50_000 }, (_, i) => `10.0.${i >> 8}.${i & 255}`);
    await nft.transaction().addElements(blocked, keys).commit();
    const { changes } = await nextTransaction(events);
    expect(changes.length).toBe(50_000);
    expect(new Set(changes.map(nameOf)).size).toBe(50_000);
  });
});

function verbAndKind(change: Change): string {
  return change.kind === 'other' ? 'other' : `${change.verb} ${change.kind}`;
}

describe('a snapshot', () => {
  test('comes first when asked for, and what follows is newer', async () => {
    await nft
      .transaction()
      .add(inet)
      .add(ssh)
      .add(blocked)
      .add(rule(ssh, [accept]))
      .commit();
    await using events = nft.monitor({ snapshot: true });
    await nft.transaction().add(input).commit();
    const { value: snapshot } = await events.next();
    if (snapshot?.kind !== 'snapshot') throw new Error('a snapshot comes first');
    expect(snapshot.tables.map(({ name }) => name)).toEqual(['firewall']);
    expect(snapshot.sets.map(({ name }) => name)).toEqual(['blocked']);
    expect(snapshot.rules.length).toBe(1);
    // The change was made before or after the snapshot: it is told once.
    if (!snapshot.chains.some(({ name }) => name === 'input')) {
      expect((await nextTransaction(events)).changes.map(nameOf)).toEqual(['new chain input']);
    }
    await nft.transaction().delete(blocked).commit();
    expect((await nextTransaction(events)).changes.map(nameOf)).toEqual(['delete set blocked']);
  });
});

/** The chains that there are, by the events alone, until there is one of a name. */
async function follow(events: EventStream<MonitorEvent>, last: string) {
  let chains = new Set<string>();
  let gaps = 0;
  let generation = 0;
  for await (const event of events) {
    if (event.kind === 'gap') {
      gaps++;
      continue;
    }
    // Nothing that a snapshot tells of is told again, and nothing goes backwards.
    expect(event.generation).toBeGreaterThan(generation);
    generation = event.generation;
    if (event.kind === 'snapshot') chains = new Set(event.chains.map(({ name }) => name));
    else for (const change of event.changes) apply(change, chains);
    if (chains.has(last)) break;
  }
  return { chains, gaps };
}

function apply(change: Change, chains: Set<string>): void {
  if (change.kind !== 'chain') return;
  if (change.verb === 'new') chains.add(change.object.name);
  else chains.delete(change.object.name);
}

describe('a full buffer', () => {
  test('is a gap, then a snapshot, then what is newer; the state is right in the end', async () => {
    await nft.transaction().add(inet).commit();
    await using events = nft.monitor({ receiveBufferBytes: 4096, snapshot: true });
    const done = follow(events, 'last');
    const COMMITS = 60;
    for (let i = 0; i < COMMITS; i++) {
      const transaction = nft.transaction();
      for (let k = 0; k < 300; k++) transaction.add(chain(inet, `c${i}-${k}`));
      await transaction.commit();
      const deletion = nft.transaction();
      for (let k = 1; k < 300; k++) deletion.delete(chain(inet, `c${i}-${k}`));
      await deletion.commit();
    }
    await nft.transaction().add(chain(inet, 'last')).commit();
    const { chains, gaps } = await done;
    expect(gaps).toBeGreaterThan(0);
    expect([...chains].sort()).toEqual(
      [...Array.from({ length: COMMITS }, (_, i) => `c${i}-0`), 'last'].sort(),
    );
  });
});

describe('tableChanges', () => {
  const other = table('ip6', 'other');
  const nameOfTable = ({ family, name }: Table) => `${family} ${name}`;

  test('are by transaction, family and name, whoever commits, and whatever changes', async () => {
    await nft.transaction().add(inet).add(ssh).add(blocked).commit();
    await using events = nft.tableChanges();
    const changes: readonly (readonly [change: () => unknown, tables: readonly Table[]])[] = [
      [() => nft.transaction().add(other).add(input).add(chain(other, 'c')).commit(), [other, inet]],
      [() => nft.transaction().addElements(blocked, ['192.0.2.1']).commit(), [inet]],
      [() => lab.run(host, 'nft', 'add', 'rule', 'inet', 'firewall', 'ssh', 'accept'), [inet]],
      [() => lab.run(host, 'nft', 'flush', 'chain', 'inet', 'firewall', 'ssh'), [inet]],
      [() => nft.transaction().delete(other).commit(), [other]],
      [() => nft.transaction().delete(inet).commit(), [inet]],
    ];
    for (const [change, tables] of changes) {
      const before = await nft.generation();
      await change();
      const { value } = await events.next();
      expect(value?.generation).toBe(before + 1);
      expect(value?.tables.map(nameOfTable)).toEqual(tables.map(nameOfTable));
    }
  });

  /** Reads on until it is told of something. */
  async function until(events: EventStream<TableChanges>, isIt: (changes: TableChanges) => boolean) {
    for (;;) {
      const { value } = await events.next();
      if (value === undefined) throw new Error('the stream has ended');
      if (isIt(value)) return value;
    }
  }

  test('go on after a full buffer, and say that there may be more', async () => {
    await nft.transaction().add(inet).commit();
    await using events = nft.tableChanges({ receiveBufferBytes: 4096 });
    let isFull = false;
    const gap = until(events, ({ generation }) => generation === undefined).then(() => {
      isFull = true;
    });
    // How much it takes is a matter of who is faster.
    for (let i = 0; !isFull; i++) {
      const transaction = nft.transaction();
      for (let k = 0; k < 2000; k++) transaction.add(chain(inet, `c${i}-${k}`));
      await transaction.commit();
    }
    await gap;
    await nft.transaction().add(other).commit();
    const last = await until(events, ({ tables }) => tables.some(({ name }) => name === 'other'));
    expect(last.tables.map(nameOfTable)).toContain('ip6 other');
  });
});

describe('a monitor ends', () => {
  const waitingMonitor = (signal?: AbortSignal) => {
    const events = nft.monitor(signal === undefined ? {} : { signal });
    return { events, next: events.next() };
  };

  test('when its signal is aborted, before, while waiting and between events', async () => {
    expect(await nft.monitor({ signal: AbortSignal.abort() }).next()).toEqual({
      done: true,
      value: undefined,
    });
    const controller = new AbortController();
    const { events, next } = waitingMonitor(controller.signal);
    setTimeout(() => controller.abort(), 20);
    expect(await next).toEqual({ done: true, value: undefined });
    await events.closed;
    const second = new AbortController();
    const seen: string[] = [];
    await nft.transaction().add(inet).commit();
    const stream = nft.monitor({ signal: second.signal });
    await nft.transaction().add(ssh).commit();
    await nft.transaction().add(blocked).commit();
    for await (const event of stream) {
      seen.push(event.kind);
      second.abort();
    }
    expect(seen).toEqual(['transaction']);
  });

  test('by close, by leaving the loop, and with the socket that it is of', async () => {
    const { events, next } = waitingMonitor();
    await events.close();
    await events.close();
    expect(await next).toEqual({ done: true, value: undefined });
    expect(await events.next()).toEqual({ done: true, value: undefined });

    const left = nft.monitor();
    await nft.transaction().add(inet).commit();
    for await (const _ of left) break;
    expect((await left.next()).done).toBe(true);

    const other = Nftables.open({ netns: { path: host.netnsPath } });
    const its = other.monitor();
    const waiting = its.next();
    await other.close();
    expect((await waiting).done).toBe(true);
  });

  test('answers several that wait, in order', async () => {
    await using events = nft.monitor();
    const waiting = [events.next(), events.next()];
    await nft.transaction().add(inet).commit();
    await nft.transaction().add(ssh).commit();
    const kinds = (await Promise.all(waiting)).map(({ value }) =>
      value?.kind === 'transaction' ? value.changes.map(nameOf) : undefined,
    );
    expect(kinds).toEqual([['new table firewall'], ['new chain ssh']]);
  });

  test('is refused where it cannot listen', async () => {
    expect(() => nft.monitor({ receiveBufferBytes: -1 })).toThrow('receiveBufferBytes');
    const gone = Nftables.open({ netns: { path: host.netnsPath } });
    await gone.close();
    await expect(gone.monitor().next()).rejects.toThrow('closed');
  });
});
