import { fork } from 'node:child_process';
import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { type WalkResult, walk } from './walk.ts';

const USAGE = `npm run random-walk -- [--seed S] [--steps N] [--walks W] [--packets-every K]
  Changes clusters at random. After every step the kernel must equal a fresh build of the same cluster.
  --seed S           the first walk's seed; walk n has the seed S + n (default: by the clock)
  --steps N          of all walks together (default 1000)
  --walks W          walks, each with a cluster and namespaces of its own (default: 2 a core)
  --packets-every K  after how many steps packets are compared with the packet model (default 10)
`;

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    steps: { type: 'string', default: '1000' },
    walks: { type: 'string', default: String(2 * availableParallelism()) },
    'packets-every': { type: 'string', default: '10' },
    /** Runs this one walk here and sends the result to the parent. */
    only: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

async function main(): Promise<number> {
  if (values.help) {
    process.stdout.write(USAGE);
    return 0;
  }
  const [seed, steps, walks, packetsEvery] = (['seed', 'steps', 'walks', 'packets-every'] as const).map(
    wholeNumber,
  );
  if (seed === undefined || !steps || !walks || !packetsEvery) throw new Error(USAGE);
  if (values.only) {
    const stop = new AbortController();
    process.on('SIGTERM', () => stop.abort()).on('disconnect', () => stop.abort());
    // The terminal's interrupt goes to the children, too.
    process.on('SIGINT', () => stop.abort());
    process.send?.(await walk({ seed, steps, packetsEvery, signal: stop.signal }));
    return 0;
  }
  const started = performance.now();
  const share = Math.ceil(steps / walks);
  const results = await Promise.all(
    Array.from({ length: walks }, async (_, n) => {
      const result = await inChild(seed + n, share, packetsEvery);
      if (result.misstep !== undefined) print(result.misstep);
      return result;
    }),
  );
  const sum = (count: (result: WalkResult) => number) =>
    results.reduce((total, result) => total + count(result), 0);
  const wrong = sum(({ misstep }) => (misstep === undefined ? 0 : 1));
  const seconds = ((performance.now() - started) / 1000).toFixed(0);
  const done = `${sum((result) => result.steps)} steps in ${walks} walks from seed ${seed}, ${sum(({ packets }) => packets)} packets`;
  console.log(`${done}, ${seconds} s: ${wrong === 0 ? 'no difference' : `${wrong} walks went wrong`}`);
  return wrong === 0 && sum((result) => result.steps) >= steps ? 0 : 1;
}

/** Each walk has a process: the time goes into JavaScript, and there are several cores. */
async function inChild(seed: number, steps: number, packetsEvery: number): Promise<WalkResult> {
  const options = ['--seed', seed, '--steps', steps, '--packets-every', packetsEvery].map(String);
  const child = fork(fileURLToPath(import.meta.url), [...options, '--only']);
  const stop = () => child.kill('SIGTERM');
  process.on('SIGTERM', stop).on('SIGINT', stop);
  const exited = once(child, 'exit');
  const [result] = await Promise.race([
    once(child, 'message') as Promise<[WalkResult]>,
    exited.then(([status]) => {
      throw new Error(`the walk with seed ${seed} ended with status ${status}`);
    }),
  ]);
  process.off('SIGTERM', stop).off('SIGINT', stop);
  if (child.connected) child.disconnect();
  await exited;
  return result;
}

function print({ seed, step, changes, problems }: NonNullable<WalkResult['misstep']>): void {
  console.log(`seed ${seed}, step ${step}, after ${changes.join(', then ')}:`);
  for (const problem of problems.slice(0, 12)) console.log(`  ${problem.slice(0, 600)}`);
  if (problems.length > 12) console.log(`  and ${problems.length - 12} more`);
}

function wholeNumber(option: 'seed' | 'steps' | 'walks' | 'packets-every'): number {
  const number = Number(values[option]);
  if (Number.isSafeInteger(number) && number >= 0) return number;
  throw new Error(`--${option} ${values[option]}: expected a whole number`);
}

process.exitCode = await main();
