import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { Lab } from '../../lab/lab.ts';
import { Nftables } from '../../src/index.ts';
import { FakeKernel } from '../../src/testing/index.ts';
import { heardOf, listingOf, outcomeOf } from './agreement-compare.ts';
import { anyStep, scene } from './agreement-steps.ts';

/** The same random transactions on the fake kernel and on a real one: the same outcome, errors, listings and events. */

const SEED = Number(process.env['NFTLINK_SEED'] ?? 20_261_121);
const RUNS = Number(process.env['NFTLINK_RUNS'] ?? 250);

const lab = new Lab('nftlink-agreement');
const host = lab.host('host');
const real = Nftables.open({ netns: { path: host.netnsPath } });

afterAll(async () => {
  await real.close();
  await lab.close();
});

async function startAnew(): Promise<void> {
  const transaction = real.transaction();
  for (const there of await real.listTables()) transaction.delete(there);
  await transaction.commit();
}

describe('the fake kernel and the real one agree', () => {
  test(`on ${RUNS} runs of random transactions (seed ${SEED})`, async () => {
    const seen = new Map<string, number>();
    const { flowtable: hasFlowtables } = (await real.features()).has;
    const steps = anyStep(hasFlowtables);
    // Most are short: with every step it is likelier that one is refused, and with it all.
    const transaction = fc.oneof(
      { weight: 3, arbitrary: fc.array(steps, { minLength: 1, maxLength: 2 }) },
      { weight: 2, arbitrary: fc.array(steps, { minLength: 3, maxLength: 7 }) },
    );
    await fc.assert(
      fc.asyncProperty(fc.array(transaction, { minLength: 2, maxLength: 14 }), async (transactions) => {
        await startAnew();
        const fake = new Nftables(new FakeKernel());
        await using heardReal = real.monitor();
        await using heardFake = fake.monitor();
        const history: string[] = [];
        for (const each of [[scene], ...transactions]) {
          const [expected, outcome] = await Promise.all([outcomeOf(real, each), outcomeOf(fake, each)]);
          history.push(each.map((one, i) => `  ${i} ${one.text}`).join('\n'));
          const text = history.join('\n\n');
          expect(outcome, text).toEqual(expected);
          expect(await listingOf(fake, hasFlowtables), text).toEqual(await listingOf(real, hasFlowtables));
          if (expected.generations > 0) {
            const [theirs, ours] = [await heardReal.next(), await heardFake.next()];
            expect(heardOf(ours.value), text).toEqual(heardOf(theirs.value));
            count(seen, 'events');
          }
          for (const code of expected.codes) count(seen, code);
        }
      }),
      { numRuns: RUNS, seed: SEED, endOnFailure: process.env['NFTLINK_SHRINK'] === undefined },
    );
    // The test is worth something only if it comes to these.
    for (const code of [
      'committed',
      'events',
      'EEXIST',
      'ENOENT',
      'EBUSY',
      'ENFILE',
      'EOPNOTSUPP',
      'EMLINK',
    ]) {
      expect(seen.get(code) ?? 0, code).toBeGreaterThan(0);
    }
  }, 600_000);
});

function count(seen: Map<string, number>, what: string): void {
  seen.set(what, (seen.get(what) ?? 0) + 1);
}
