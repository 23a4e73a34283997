import { parseArgs } from 'node:util';
import { packetText } from '../differential/report.ts';
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
    const texts = [`allowed to ${source}: ${allowed.join('; ')}`, `seen: ${seen.join('; ')}`];
    process.stdout.write(`  ${packetText(packet)}\n${texts.map((text) => `    ${text}\n`).join('')}`);
  }
}
const outcome = failed.length === 0 ? 'no contradiction' : `contradictions with seeds ${failed.join(', ')}`;
process.stdout.write(`${rounds} rounds from seed ${firstSeed}, ${packets} packets: ${outcome}\n`);
process.exitCode = failed.length === 0 ? 0 : 1;
