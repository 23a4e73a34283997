import { parseArgs } from 'node:util';
import { playRound } from './round.ts';

/** `npm run model-check -- [--seed S] [--rounds N]`: random clusters under the real proxier, packets compared with the packet model. */
const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    rounds: { type: 'string', default: '20' },
  },
});
const [firstSeed, rounds] = [Number(values.seed), Number(values.rounds)];
if (!Number.isSafeInteger(firstSeed) || !Number.isSafeInteger(rounds))
  throw new Error('--seed and --rounds take whole numbers');

// Ending by `exit` deletes the namespaces.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(130));

const failed: number[] = [];
let packets = 0;
for (let seed = firstSeed; seed < firstSeed + rounds; seed++) {
  const result = await playRound(seed);
  packets += result.packets;
  if (result.found === undefined) continue;
  failed.push(seed);
  process.stdout.write(`seed ${seed}, ${result.found.steps.join(', then ')}\n`);
  for (const { packet, source, allowed, seen } of result.found.contradictions) {
    const { name, origin, protocol, destination, port } = packet;
    const what = `${name}: ${protocol} from ${source} (${origin}) to ${destination} port ${port}`;
    process.stdout.write(`  ${what}\n    allowed: ${allowed.join('; ')}\n    seen: ${seen.join('; ')}\n`);
  }
}
const outcome = failed.length === 0 ? 'no contradiction' : `contradictions with seeds ${failed.join(', ')}`;
process.stdout.write(`${rounds} rounds from seed ${firstSeed}, ${packets} packets: ${outcome}\n`);
process.exitCode = failed.length === 0 ? 0 : 1;
