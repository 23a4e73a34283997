import { expect, test } from 'vitest';
import { killTest } from '../../kill-test/kill-test.ts';

test('killed at random moments and started again: no connection fails, and the tables end right', async () => {
  const { clients, differences } = await killTest(20_261_121, 8);
  expect(clients.flatMap(({ failures }) => Object.entries(failures))).toEqual([]);
  for (const { answered } of clients) expect(answered).toBeGreaterThan(20);
  expect(differences).toEqual([]);
}, 300_000);
