import { parseArgs } from 'node:util';
import { KubeProxySide } from './kube-proxy-side.ts';
import { OurSide } from './our-side.ts';
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
  await using left = values.self ? await KubeProxySide.open('diff-left') : await OurSide.open('diff-ours');
  await using right = await KubeProxySide.open('diff-right');
  const sides = [left, right] as const;
  let tries = 0;
  const counter = () => tries++;
  const started = performance.now();
  let packets = 0;
  const failed: number[] = [];
  let played = 0;
  // The round under way is played to its end: then namespaces and processes are taken away as always.
  let isStopped = false;
  const stop = () => {
    isStopped = true;
  };
  process.on('SIGTERM', stop).on('SIGINT', stop);
  for (let seed = firstSeed; seed < firstSeed + rounds && !isStopped; seed += 1) {
    played += 1;
    const result = await playRound(sides, roundOf(seed), counter).catch((error: unknown) => {
      // A terminal's signal goes to the programs of the lab, too.
      if (!isStopped) throw error;
    });
    if (result === undefined) break;
    packets += result.packets;
    if (played % 50 === 0) console.error(`${played} rounds, ${failed.length} with differences`);
    if (result.found === undefined) continue;
    failed.push(seed);
    await report(sides, result, counter);
  }
  const seconds = ((performance.now() - started) / 1000).toFixed(0);
  const outcome = failed.length === 0 ? 'no difference' : `differences with seeds ${failed.join(', ')}`;
  console.log(
    `${played} rounds from seed ${firstSeed}, ${packets} packets, ${tries} tries, ${seconds} s: ${outcome}`,
  );
  return failed.length === 0 && !isStopped ? 0 : 1;
}

async function report(
  sides: readonly [Side, Side],
  { round, found }: RoundResult,
  counter: () => number,
): Promise<void> {
  if (found === undefined) return;
  const { differences, unsteady } = found;
  const names = round.steps.slice(0, found.step + 1).map(({ name }) => name);
  const count = `${differences.length} packets differ, and ${unsteady.length} in session affinity`;
  console.log(`seed ${round.seed}, ${names.join(', then ')}: ${count}`);
  for (const difference of [...differences.slice(0, 5), ...unsteady.slice(0, 5)]) {
    console.log(differenceText(difference, sides));
  }
  const [first] = differences;
  if (first === undefined || values['no-shrink']) return;
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
