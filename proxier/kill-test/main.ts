import { parseArgs } from 'node:util';
import { killTest } from './kill-test.ts';

const USAGE = `npm run kill-test -- [--seed S] [--kills N]
  Kills nft-proxier (SIGKILL, at random moments) and starts it again while four clients keep opening connections and endpoints
  come and go. No connection may fail, and the tables must end as a build from nothing makes them.
  --seed S   default: by the clock
  --kills N  default: 20
`;

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    kills: { type: 'string', default: '20' },
    help: { type: 'boolean', default: false },
  },
});
const [seed, kills] = [Number(values.seed), Number(values.kills)];

if (values.help || !Number.isSafeInteger(seed) || !Number.isSafeInteger(kills)) {
  process.stdout.write(USAGE);
  process.exit(values.help ? 0 : 2);
}
const startedMs = performance.now();
const { clients, differences } = await killTest(seed, kills);
const answered = clients.reduce((sum, client) => sum + client.answered, 0);
const failures = clients.flatMap((client) => Object.entries(client.failures));
const failed = failures.reduce((sum, [, count]) => sum + count, 0);
for (const [what, count] of failures) console.log(`  ${count} × ${what}`);
for (const difference of differences) console.log(`  ${difference}`);
const seconds = ((performance.now() - startedMs) / 1000).toFixed(0);
const end = differences.length === 0 ? 'the tables are right' : 'the tables are wrong';
console.log(
  `seed ${seed}, ${kills} kills, ${seconds} s: ${answered} connections answered, ${failed} failed; ${end}`,
);
process.exitCode = failed === 0 && differences.length === 0 && answered > 0 ? 0 : 1;
