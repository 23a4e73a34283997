import { once } from 'node:events';
import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type Host, Lab } from '../../lab/lab.ts';
import { linesOf } from '../../lab/lines.ts';
import {
  type EventStream,
  type MonitorEvent,
  Nftables,
  type TraceEvent,
  Transaction,
} from '../../src/index.ts';
import { commandPage } from './command-table.ts';
import { evaluateCall } from './evaluate-call.ts';
import { kernelState } from './kernel-state.ts';
import { namedByNft, namedByUs } from './listed-identity.ts';
import { sentByNft, sentByUs } from './nft-debug.ts';

/** docs/nft-commands.md: what nft does and what the call beside it does are the same, row by row. */

const lab = new Lab('nftlink-commands');
const ours = lab.host('ours');
const theirs = lab.host('theirs');
const nft = Nftables.open({ netns: { path: ours.netnsPath } });
const { ruleset, descriptions, rows } = commandPage();

// What a kernel has is found out with tables that are not kept, but use up numbers: let it be the same ones on both sides.
beforeAll(async () => {
  await nft.features();
  await using other = Nftables.open({ netns: { path: theirs.netnsPath } });
  await other.features();
});

afterAll(async () => {
  await nft.close();
  await lab.close();
});

beforeEach(() => {
  for (const host of [ours, theirs]) lab.load(host, `flush ruleset\n${ruleset}`);
});

const inSection = (...sections: readonly string[]) =>
  rows
    .filter(({ section }) => sections.includes(section))
    .map((row) => [row.commands.join('; '), row] as const);

/** Evaluates a call and commits what it added. Gives what it resolved to, if that is not the transaction. */
async function call(code: string): Promise<unknown> {
  const transaction = nft.transaction();
  const result = await evaluateCall(descriptions, code, nft, transaction);
  await transaction.commit();
  return result instanceof Transaction ? undefined : result;
}

/** What nft 1.0.6 has no word for yet: the same by another one, or by nobody. */
function knownToNft(command: string): string {
  return command.replace(/^destroy /, 'delete ');
}

function runNft(host: Host, command: string): string {
  const [, flag, rest = ''] = /^(-\S+ )?(.*)$/.exec(command) ?? [];
  return lab.run(host, 'nft', ...(flag === undefined ? [] : [flag.trim()]), rest);
}

test('the descriptions are those of the ruleset', async () => {
  const described = await call('[c, other, nat, s, timed, nets, seen, counted, m, ports, v, hits, budget]');
  const listed = namedByNft(lab.run(ours, 'nft', '-j', 'list', 'ruleset'));
  const names = (lines: readonly string[]) =>
    lines.map((line) => line.split(' ').slice(0, 4).join(' ')).sort();
  const wanted = names(listed).filter((line) => !/^(?:rule|element|table) /.test(line));
  expect(names(await namedByUs(described))).toEqual(wanted);
});

describe.each(['Tables and chains', 'Rules', 'Sets, maps and their elements', 'Objects', 'Transactions'])(
  '%s',
  (section) => {
    test.each(inSection(section))('%s', async (_, row) => {
      const before = await kernelState(theirs);
      expect(await kernelState(ours)).toEqual(before);
      for (const command of row.commands) runNft(theirs, knownToNft(command));
      for (const code of row.calls) await call(code);
      const after = await kernelState(theirs);
      expect(await kernelState(ours)).toEqual(after);
      const changesNothing = row.commands.some((command) => /^(?:-c|get) /.test(command));
      if (!changesNothing) expect(after).not.toEqual(before);
    });
  },
);

/** nft 1.0.6 cannot say it; what it does is compared with what the listing said before. */
const UNKNOWN_TO_NFT = /^reset (?:rule|set|element) /;

describe('Listing and resetting', () => {
  const listing = inSection('Listing and resetting');

  test.each(listing.filter(([name]) => !UNKNOWN_TO_NFT.test(name)))('%s', async (_, row) => {
    const theirNames = row.commands.flatMap((command) => namedByNft(lab.run(theirs, 'nft', '-j', command)));
    const ourNames: string[] = [];
    for (const code of row.calls) ourNames.push(...(await namedByUs(await call(code))));
    const words = new Set(ourNames.map(wordOf));
    const wanted = theirNames.filter((name) => words.has(wordOf(name)) || words.size === 0);
    expect([...new Set(ourNames)].sort()).toEqual([...new Set(wanted)].sort());
    expect(await kernelState(ours)).toEqual(await kernelState(theirs));
  });

  test.each(listing.filter(([name]) => UNKNOWN_TO_NFT.test(name)))('%s', async (_, row) => {
    const before = lab.run(ours, 'nft', '-a', 'list', 'ruleset');
    const isRule = row.commands.some((command) => command.startsWith('reset rule'));
    const counted = isRule ? 'counter packets 7 bytes 588 accept' : '10.0.0.1 counter packets 9 bytes 756';
    const name = isRule ? 'rule inet t c 13' : 'element 10.0.0.1';
    expect(before.split(counted)).toHaveLength(2);
    for (const code of row.calls) expect(await namedByUs(await call(code))).toEqual([name]);
    const after = lab.run(ours, 'nft', '-a', 'list', 'ruleset');
    expect(after).toBe(before.replace(counted, counted.replace(/\d+ bytes \d+/, '0 bytes 0')));
  });
});

const wordOf = (name: string) => name.split(' ')[0] ?? '';

describe('Flowtables', () => {
  test.each(inSection('Flowtables'))('%s', async (_, row) => {
    for (const [index, command] of row.commands.entries()) {
      const sent = await sentByUs((transaction) =>
        evaluateCall(descriptions, row.calls[index] ?? '', nft, transaction),
      );
      expect(sent.length).toBeGreaterThan(0);
      expect(sent).toEqual(sentByNft(theirs, command));
    }
  });
});

/** One pair for each part of a rule: nft's words, our code. */
const statements = (...sections: readonly string[]) =>
  rows
    .filter(({ section }) => sections.includes(section))
    .flatMap(({ commands, calls }) =>
      commands.length === 1
        ? [[commands[0] ?? '', calls.join(', ')] as const]
        : commands.map((command, index) => [command, calls[index] ?? ''] as const),
    );

/** Adds it on both sides. */
async function addRule(text: string, code: string): Promise<void> {
  const chain = /dnat|redirect/.test(text) ? 'nat' : 'c';
  runNft(theirs, `add rule inet t ${chain} ${text}`);
  await call(`tx.add(rule(${chain}, [${code}]))`);
}

describe('What a rule says', () => {
  test.each(statements('What a rule says'))('%s', async (text, code) => {
    const before = await kernelState(ours);
    await addRule(text, code);
    const after = await kernelState(theirs);
    expect(await kernelState(ours)).toEqual(after);
    expect(after).not.toEqual(before);
  });
});

/** nft lists a block in several lines, without semicolons. */
const inOneLine = (text: string) => text.replaceAll(/ # handle \d+|;/g, '').replaceAll(/\s+/g, ' ');

describe('The same in other bytes', () => {
  test.each(statements('The same in other bytes'))('%s', async (text, code) => {
    await addRule(text, code);
    const listing = lab.run(theirs, 'nft', '-a', 'list', 'ruleset');
    expect(inOneLine(listing)).toContain(inOneLine(text));
    expect(lab.run(ours, 'nft', '-a', 'list', 'ruleset')).toBe(listing);
  });
});

test('every row is in a section that is run', () => {
  const run = [
    'Tables and chains',
    'Rules',
    'Sets, maps and their elements',
    'Objects',
    'Listing and resetting',
    'Flowtables',
    'Transactions',
    'Listening',
    'What a rule says',
    'The same in other bytes',
  ];
  expect([...new Set(rows.map(({ section }) => section))]).toEqual(run);
});

describe('Listening', () => {
  test.each(inSection('Listening'))('%s', async (name, row) => {
    lab.run(ours, 'nft', 'add chain inet t traced { type filter hook output priority 0; }');
    lab.run(ours, 'nft', 'add rule inet t traced meta nftrace set 1');
    const stream = (await call(row.calls[0] ?? '')) as EventStream<MonitorEvent | TraceEvent>;
    const theirs = await heardByNft(name.split(' '));
    const missing = new Set(theirs);
    for await (const event of stream) {
      for (const heard of heardIn(event)) missing.delete(heard);
      if (missing.size === 0) break;
    }
    expect([...missing]).toEqual([]);
  });
});

const SEND = `import socket; socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", ("127.0.0.1", 9))`;

/** What nft hears. It says nothing when it begins to listen: so things happen until it has heard something. */
async function heardByNft(args: readonly string[]): Promise<readonly string[]> {
  const monitor = lab.start(ours, 'nft', ...args);
  const heard: string[] = [];
  const lines = linesOf(monitor).on('line', (line) => {
    const [, element, packet] =
      /^add element inet t s \{ (\S+) \}|^trace id (\S+) inet t traced rule/.exec(line) ?? [];
    if (element !== undefined) heard.push(`element ${element}`);
    if (packet !== undefined) heard.push(`packet ${Number.parseInt(packet, 16)}`);
  });
  for (let i = 1; heard.length === 0; i++) {
    lab.run(ours, 'nft', `add element inet t s { 10.1.0.${i} }`);
    lab.run(ours, 'python3', '-c', SEND);
    await setTimeout(20);
  }
  monitor.kill();
  await once(lines, 'close');
  return heard;
}

/** The same of ours. */
function heardIn(event: MonitorEvent | TraceEvent): readonly string[] {
  if (event.kind === 'trace') return [`packet ${event.id}`];
  if (event.kind !== 'transaction') throw new Error(`there is a ${event.kind} among the events`);
  return event.changes.flatMap((change) =>
    change.kind === 'element' ? [`element ${String(change.object.key)}`] : [],
  );
}
