import { type Change, type MonitorEvent, Nftables } from 'nftlink';

/**
 * Prints what anybody changes, transaction by transaction, until SIGINT or SIGTERM. It begins with what is there, so that nothing falls
 * between. Works in the namespace at the path given, or in this one.
 */
const [path] = process.argv.slice(2);
await using nft = Nftables.open(path === undefined ? {} : { netns: { path } });

const end = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => end.abort());

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** `new element 10.0.0.1 of set inet t s`. */
function textOf(change: Change): string {
  switch (change.kind) {
    case 'other':
      return `message ${change.message}, which nftlink does not know`;
    case 'table':
      return `${change.verb} table ${change.object.family} ${change.object.name}`;
    case 'rule': {
      const { chain, handle } = change.object;
      return `${change.verb} rule ${handle} of chain ${chain.table.family} ${chain.table.name} ${chain.name}`;
    }
    case 'element': {
      const { set, object } = change;
      return `${change.verb} element ${String(object.key)} of ${set.kind} ${set.table.family} ${set.table.name} ${set.name}`;
    }
    default: {
      const { kind, table, name } = change.object;
      return `${change.verb} ${kind} ${table.family} ${table.name} ${name}`;
    }
  }
}

function show(event: MonitorEvent): void {
  if (event.kind === 'gap') {
    print('events were lost: a snapshot follows');
  } else if (event.kind === 'snapshot') {
    // At the start, and after a gap: how things stand.
    print(`generation ${event.generation}: ${event.tables.length} tables, ${event.rules.length} rules`);
  } else {
    print(`generation ${event.generation}, by ${event.processName} (${event.processId})`);
    for (const change of event.changes) print(`  ${textOf(change)}`);
  }
}

for await (const event of nft.monitor({ snapshot: true, signal: end.signal })) show(event);
