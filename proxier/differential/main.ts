import { parseArgs } from 'node:util';
import { KubeProxySide } from './kube-proxy-side.ts';
import { differenceText, exampleText } from './report.ts';
import { playRound, type RoundResult, roundOf } from './round.ts';
import { shrink } from './shrink.ts';
import type { Side } from './side.ts';

const USAGE = `npm run differential -- [--seed S] [--rounds N] [--self] [--no-shrink]
  Compares what becomes of packets under nft-proxier and under the real kube-proxy, both given the same random cluster.
  --seed S      the first round's seed; round n has the seed S + n (default: by the clock)
  --rounds N    (default 20)
  --self        kube-proxy against itself: shows what kube-proxy leaves to chance
  --no-shrink   print what differs as it was found
`;

const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    rounds: { type: 'string', default: '20' },
    self: { type: 'boolean', default: false },
    'no-shrink': { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

async function main(): Promise<number> {
  if (values.help) {
    process.stdout.write(USAGE);
    return 0;
  }
  const firstSeed = wholeNumber('seed', values.seed ?? String(Date.now() % 1_000_000));
  const rounds = wholeNumber('rounds', values.rounds);
  await using left = await KubeProxySide.open('diff-left');
  await using right = await KubeProxySide.open('diff-right');
  const sides = [left, right] as const;
  let tries = 0;
  const counter = () => tries++;
  const started = performance.now();
  let packets = 0;
  const failed: number[] = [];
  for (let seed = firstSeed; seed < firstSeed + rounds; seed += 1) {
    const result = await playRound(sides, roundOf(seed), counter);
    packets += result.packets;
    if (result.found === undefined) continue;
    failed.push(seed);
    await report(sides, result, counter);
  }
  const seconds = ((performance.now() - started) / 1000).toFixed(0);
  const outcome = failed.length === 0 ? 'no difference' : `differences with seeds ${failed.join(', ')}`;
  console.log(
    `${rounds} rounds from seed ${firstSeed}, ${packets} packets, ${tries} tries, ${seconds} s: ${outcome}`,
  );
  return failed.length === 0 ? 0 : 1;
}

async function report(
  sides: readonly [Side, Side],
  { round, found }: RoundResult,
  counter: () => number,
): Promise<void> {
  const [first] = found?.differences ?? [];
  if (found === undefined || first === undefined) return;
  const names = round.steps.slice(0, found.step + 1).map(({ name }) => name);
  console.log(`seed ${round.seed}, ${names.join(', then ')}: ${found.differences.length} packets differ`);
  for (const difference of found.differences.slice(0, 5)) console.log(differenceText(difference, sides));
  if (values['no-shrink']) return;
  const steps = round.steps.slice(0, found.step + 1);
  const { example, difference, attempts } = await shrink(
    sides,
    { node: round.node, steps, packet: first.packet },
    counter,
  );
  if (difference === undefined) {
    console.log('  the first of them does not show again when the steps are repeated');
    return;
  }
  console.log(`  the first of them, after ${attempts} attempts to make it smaller:`);
  console.log(`${differenceText(difference, sides)}\n${exampleText(example)}`);
}

function wholeNumber(option: string, text: string): number {
  const number = Number(text);
  if (!Number.isSafeInteger(number) || number < 0)
    throw new Error(`--${option} ${text}: expected a whole number`);
  return number;
}

process.exitCode = await main();
