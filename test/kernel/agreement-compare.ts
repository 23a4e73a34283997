import {
  type Chain,
  type Change,
  type MonitorEvent,
  type Nftables,
  type Table,
  TransactionError,
} from '../../src/index.ts';
import type { Step } from './agreement-step.ts';

/** What became of a transaction. */
interface Outcome {
  readonly outcome: unknown;
  readonly codes: readonly string[];
  /** How many generations it made. */
  readonly generations: number;
}

/** What a program sees of a transaction's end. */
export async function outcomeOf(nft: Nftables, all: readonly Step[]): Promise<Outcome> {
  const before = await nft.generation();
  const { rules } = await nft.snapshot({ expressions: false });
  const used = new Set<bigint>();
  const handleOf = (of: Chain, nth: number) => {
    const inChain = rules.filter(
      ({
        chain: {
          name,
          table: { family, name: tableName },
        },
      }) => {
        return name === of.name && family === of.table.family && tableName === of.table.name;
      },
    );
    const handle = inChain[nth]?.handle ?? 1_000_000n;
    // Nobody who replaces a rule means to delete it as well; the fake kernel does not know what became of its handle.
    if (used.has(handle)) return 1_000_000n;
    used.add(handle);
    return handle;
  };
  const transaction = nft.transaction();
  for (const { run } of all) run(transaction, handleOf);
  const outcome = await transaction.commit().then(
    () => 'committed' as const,
    (error: unknown) => {
      if (!(error instanceof TransactionError)) throw error;
      const { outcome: how, code, failures } = error;
      const each = failures.map(({ operation, code: of, field, element }) => ({
        operation,
        code: of,
        field,
        element,
      }));
      return { how, code, each };
    },
  );
  const codes = outcome === 'committed' ? [outcome] : outcome.each.map(({ code }) => code);
  return { outcome, codes, generations: (await nft.generation()) - before };
}

/** What a program sees of the ruleset, but for handles and the time that is left. */
export async function listingOf(nft: Nftables, hasFlowtables: boolean): Promise<unknown> {
  const snapshot = await nft.snapshot({ elements: true });
  return {
    tables: snapshot.tables,
    chains: snapshot.chains,
    sets: JSON.parse(JSON.stringify(snapshot.sets)),
    rules: snapshot.rules.map(({ handle: _, expressions, ...rest }) => ({
      ...rest,
      expressions: expressions.map(({ name, fields }) => ({ name, fields })),
    })),
    objects: await objectsOf(nft, snapshot.tables, hasFlowtables),
    elements: snapshot.elements?.map(({ set: { table: of, name }, elements }) => [
      of.family,
      of.name,
      name,
      elements
        .map(({ expiresMs, ...rest }) => JSON.stringify({ ...rest, expires: expiresMs !== undefined }))
        .sort(),
    ]),
  };
}

async function objectsOf(nft: Nftables, tables: readonly Table[], hasFlowtables: boolean): Promise<unknown> {
  const all: unknown[] = [];
  for (const each of tables) {
    const objects = await nft.listObjects(each);
    all.push([...objects].sort((a, b) => `${a.kind} ${a.name}`.localeCompare(`${b.kind} ${b.name}`)));
    if (hasFlowtables) all.push(await nft.listFlowtables(each));
  }
  return all;
}

/** What a program hears of a transaction, but for handles, and the order of elements that were changed together. */
export function heardOf(event: MonitorEvent | undefined): unknown {
  if (event?.kind !== 'transaction') return event?.kind;
  const heard: unknown[] = [];
  let elements: string[] = [];
  const flush = () => {
    heard.push(...elements.sort());
    elements = [];
  };
  for (const change of event.changes) {
    if (change.kind === 'element') {
      elements.push(textOfElement(change));
      continue;
    }
    flush();
    heard.push(
      change.kind === 'other' ? { kind: change.kind, message: change.message } : plainChange(change),
    );
  }
  flush();
  return heard;
}

type ElementChange = Extract<Change, { kind: 'element' }>;

function textOfElement({ verb, set, object }: ElementChange): string {
  const { expiresMs, ...rest } = object;
  return JSON.stringify({ verb, set: set.name, ...rest, expires: expiresMs !== undefined });
}

function plainChange(change: Exclude<Change, { kind: 'element' | 'other' }>): unknown {
  if (change.kind !== 'rule') return { ...change, object: JSON.parse(text(change.object)) };
  const { handle: _, ...object } = change.object;
  if (!('expressions' in object)) return { ...change, object: JSON.parse(text(object)) };
  const expressions = object.expressions.map(({ name, fields }) => ({ name, fields }));
  return { ...change, object: JSON.parse(text({ ...object, expressions })) };
}

const text = (value: unknown) =>
  JSON.stringify(value, (_, each) => (typeof each === 'bigint' ? String(each) : each));
