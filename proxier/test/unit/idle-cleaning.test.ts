import { setTimeout as sleep } from 'node:timers/promises';
import { Nftables, packValue } from 'nftlink';
import { expect, test } from 'vitest';
import { eachClusterSet } from '../../src/layout/set-names.ts';
import { familySets } from '../../src/layout/sets.ts';
import { FamilyProgram } from '../../src/sync/family-program.ts';
import { SyncLoop } from '../../src/sync/sync-loop.ts';
import { RecordingKernel } from '../packets/table.ts';
import { PROGRAM_OPTIONS, stateOf, UNDISTURBED } from '../states.ts';

const FIRST = { epoch: 1, size: 1 };
const sets = familySets('ip', { ...eachClusterSet(() => FIRST), affinity: FIRST });
const PERIOD_MS = 500;

test('a change that comes while cleaning waits for its period leaves the class that it empties in place', async () => {
  const kernel = new RecordingKernel('ip', () => performance.now());
  const loop = new SyncLoop(
    new Nftables(kernel),
    [new FamilyProgram('ip', PROGRAM_OPTIONS)],
    { ...UNDISTURBED },
    { minSyncPeriodMs: PERIOD_MS },
  );
  const servers = ['10.1.0.1', '10.1.0.2', '10.1.0.3'];
  const apply = (count: number) => loop.apply([stateOf('a/s', '10.96.0.1', servers.slice(0, count))]);
  const key = packValue(sets.services.key, ['10.96.0.1', 'tcp', 80]);
  const classAt = (moment = -1) => kernel.moments.at(moment)?.sets.get('services')?.elements.get(key);
  apply(3);
  await loop.settled();
  apply(1);
  const before = kernel.moments.length;
  while (kernel.moments.length === before) await sleep(5);
  const single = classAt();
  // Idle for long enough, the loop waits for its period now.
  await sleep(PERIOD_MS / 3);
  apply(2);
  await loop.settled();
  await loop.stop();
  const changed = kernel.moments.findIndex(
    ({ sets: now }, i) => i > before && now.get('services')?.elements.get(key) !== single,
  );
  const dispatch = kernel.moments[changed]?.sets.get('dispatch')?.elements;
  expect(single).toBeDefined();
  expect(dispatch?.get(single ?? '')).toBe('pick-1');
  expect(kernel.moments.at(-1)?.sets.get('dispatch')?.elements.size).toBe(1);
});
