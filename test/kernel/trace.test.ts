import { once } from 'node:events';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Lab } from '../../lab/lab.ts';
import { lineOf, linesOf } from '../../lab/lines.ts';
import {
  accept,
  baseChain,
  chain,
  constant,
  drop,
  eq,
  jump,
  mark,
  Nftables,
  rule,
  setMeta,
  type TraceStep,
  table,
  udp,
} from '../../src/index.ts';

/** The way of real packets through rules that we know. */

const lab = new Lab('nftlink-trace');
const client = lab.host('client');
const server = lab.host('server');
const nft = Nftables.open({ netns: { path: server.netnsPath } });
const inet = table('inet', 't');
const first = baseChain(inet, 'first', { type: 'filter', hook: 'prerouting', priority: 'raw' });
const input = baseChain(inet, 'input', { type: 'filter', hook: 'input', priority: 'filter', policy: 'drop' });
const sub = chain(inet, 'sub');

beforeAll(async () => {
  lab.connect(client, server, { host: '10.7.0.2/24', router: '10.7.0.1/24' });
  await nft
    .transaction()
    .add(inet)
    .add(first)
    .add(input)
    .add(sub)
    .add(rule(first, [eq(udp.dport, 9000), setMeta('nftrace', true)]))
    .add(rule(first, [eq(udp.dport, 9001), setMeta('nftrace', true)]))
    .add(rule(input, [eq(udp.dport, 9000), setMeta('mark', constant(mark, 0x2a))]))
    .add(rule(input, [jump(sub)]))
    .add(rule(sub, [eq(udp.dport, 9001), drop]))
    .commit();
});

afterAll(async () => {
  await nft.close();
  await lab.close();
});

const send = (port: number) =>
  lab.run(
    client,
    'python3',
    '-c',
    `import socket; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.sendto(b"hello", ("10.7.0.1", ${port}))`,
  );

async function stepsUntil(steps: AsyncIterable<unknown>, isLast: (step: TraceStep) => boolean) {
  const seen: TraceStep[] = [];
  for await (const event of steps as AsyncIterable<TraceStep>) {
    expect(event.kind).toBe('trace');
    seen.push(event);
    if (isLast(event)) return seen;
  }
  throw new Error('the trace ended');
}

test('a packet is told rule by rule, up to the policy', async () => {
  const steps = nft.trace();
  send(9000);
  const seen = await stepsUntil(steps, ({ type, policy }) => type === 'policy' && policy === 'drop');
  const rules = new Map([...(await nft.listRules(inet))].map((listed) => [listed.handle, listed.chain.name]));
  expect(new Set(seen.map(({ id }) => id)).size).toBe(1);
  expect(seen.map(({ type, chain: at, verdict, policy }) => [type, at.name, verdict?.name, policy])).toEqual([
    ['rule', 'first', 'continue', undefined],
    ['end', 'first', 'continue', undefined],
    ['policy', 'first', undefined, 'accept'],
    ['rule', 'input', 'continue', undefined],
    ['rule', 'input', 'jump', undefined],
    ['end', 'sub', 'continue', undefined],
    ['end', 'input', 'continue', undefined],
    ['policy', 'input', undefined, 'drop'],
  ]);
  for (const { rule: matched, chain: at } of seen) {
    if (matched !== undefined) expect(rules.get(matched.handle)).toBe(at.name);
  }
  expect(seen[4]?.verdict?.chain).toBe('sub');
  const [start] = seen;
  expect(start).toMatchObject({ protocolFamily: 'ipv4', input: { type: 1 } });
  expect(start?.input?.index).toBeGreaterThan(0);
  // An IPv4 header to 10.7.0.1, and the UDP header's destination port.
  expect([...(start?.networkHeader?.subarray(16, 20) ?? [])]).toEqual([10, 7, 0, 1]);
  expect([...(start?.transportHeader?.subarray(2, 4) ?? [])]).toEqual([9000 >> 8, 9000 & 255]);
  expect(start?.linkHeader?.length).toBe(14);
  expect(seen.at(-1)?.mark).toBe(0x2a);
});

test('nft tells the same of the same packet', async () => {
  const monitor = lab.start(server, 'nft', 'monitor', 'trace');
  const printed: string[] = [];
  linesOf(monitor).on('line', (line) => printed.push(line));
  const started = lineOf(monitor, /trace id .* packet/);
  // It says nothing when it begins to listen.
  const timer = setInterval(() => send(9000), 50);
  await started;
  clearInterval(timer);
  await using steps = nft.trace();
  send(9001);
  const seen = await stepsUntil(steps, ({ verdict }) => verdict?.name === 'drop');
  const id = (seen.at(-1)?.id ?? 0).toString(16).padStart(8, '0');
  const ours = seen.filter(({ id: its, type }) => its === seen.at(-1)?.id && type !== 'end');
  while (!printed.some((line) => line.includes(id) && line.includes('verdict drop'))) {
    await once(linesOf(monitor), 'line');
  }
  monitor.kill();
  await once(monitor, 'exit');
  const theirs = printed.filter((line) => line.startsWith(`trace id ${id}`) && !/ packet: /.test(line));
  expect(theirs.length).toBe(ours.length);
  for (const [index, step] of ours.entries()) {
    expect(theirs[index]).toContain(
      ` inet t ${step.chain.name} ${step.type === 'policy' ? 'policy' : step.type}`,
    );
    if (step.verdict !== undefined && step.type === 'rule') {
      expect(theirs[index]).toContain(
        `(verdict ${[step.verdict.name, step.verdict.chain].filter(Boolean).join(' ')})`,
      );
    }
  }
});

test('the statement is the one that nft writes', () => {
  const listing = lab.run(server, 'nft', 'list', 'chain', 'inet', 't', 'first');
  expect(listing).toContain('udp dport 9000 meta nftrace set 1');
});

test('a trace ends with its signal, and a rule may accept what it traces', async () => {
  const controller = new AbortController();
  const steps = nft.trace({ signal: controller.signal });
  const next = steps.next();
  controller.abort();
  expect(await next).toEqual({ done: true, value: undefined });
  expect(rule(first, [setMeta('nftrace', false), accept]).expressions.length).toBe(3);
});
