import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { coverage } from '../../scripts/coverage.ts';

test('docs/coverage.md is what the code and the tests say: npm run docs:coverage', () => {
  const page = readFileSync(new URL('../../docs/coverage.md', import.meta.url), 'utf8');
  expect(page).toBe(coverage());
});

test('what is missing is this, and no more', () => {
  const gaps = coverage()
    .split('\n')
    .filter((line) => line.startsWith('|') && /\*\*no\*\*|not yet/.test(line))
    .map((line) => line.split('|')[1]?.trim());
  expect(gaps).toEqual([]);
});
