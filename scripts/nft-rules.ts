import { readFileSync } from 'node:fs';
import { argv, exit, stdout } from 'node:process';
import type { Family } from '../src/index.ts';
import type { Message } from '../src/netlink/message.ts';
import { encode, METER, messagesOf, Reading } from './wire-reading.ts';
import { type CompareOptions, comparable } from './wire-text.ts';

/**
 * Reads what nft sends for the rules of its own test-suite, makes it again from what was read, and compares attribute by attribute:
 * `npx tsx scripts/nft-rules.ts FOLDER`, where FOLDER has nft-rules.json.
 */

interface Wire {
  readonly wire: readonly string[];
}
interface NftRule {
  readonly family: Family;
  readonly table: string;
  readonly rule: string;
  readonly ok: boolean;
  readonly expected?: Readonly<Record<string, Wire>>;
}

type Result = 'equal' | 'equal but for the set size' | string;

async function check(each: NftRule, wire: Wire): Promise<Result> {
  const theirs = messagesOf(wire.wire);
  let ours: readonly Message[];
  try {
    ours = await encode(new Reading(each.family, each.table, theirs), each.family, each.table);
  } catch (error) {
    const [text] = (error as Error).message.split('\n');
    return text === METER ? METER : `not made again: ${text}`;
  }
  const same = (options: CompareOptions) =>
    String(comparable(ours, options)) === String(comparable(theirs, options));
  if (same({ withoutSize: false })) return 'equal';
  if (same({ withoutSize: true })) return 'equal but for the set size';
  return `differs:\n    nft:  ${comparable(theirs, { withoutSize: true }).join('\n          ')}\n    ours: ${comparable(ours, { withoutSize: true }).join('\n          ')}`;
}

const [, , folder] = argv;
if (folder === undefined) throw new Error('the folder that has nft-rules.json');
const files = JSON.parse(readFileSync(`${folder}/nft-rules.json`, 'utf8')) as readonly {
  readonly file: string;
  readonly rules: readonly NftRule[];
}[];
const counts = new Map<string, Map<string, number>>();
const failures: string[] = [];
for (const { file, rules } of files) {
  for (const each of rules) {
    for (const [version, wire] of Object.entries(each.expected ?? {})) {
      const result = await check(each, wire);
      const isEqual = result.startsWith('equal') || result === METER;
      const kind = isEqual ? result : (result.split(':')[0] ?? '');
      const of = counts.get(version) ?? new Map<string, number>();
      counts.set(version, of.set(kind, (of.get(kind) ?? 0) + 1));
      if (!isEqual) failures.push(`${file} (${version}) ${each.family}: ${each.rule}\n  ${result}`);
    }
  }
}
for (const failure of failures) stdout.write(`${failure}\n`);
for (const [version, of] of counts) {
  const total = [...of.values()].reduce((sum, count) => sum + count, 0);
  const parts = [...of].map(([kind, count]) => `${count} ${kind}`);
  stdout.write(`nft ${version}: ${total} rules, ${parts.join(', ')}\n`);
}
exit(failures.length === 0 ? 0 : 1);
