import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { coverage } from '../../scripts/coverage.ts';

test('docs/coverage.md is what the code and the tests say: npm run docs:coverage', () => {
  const page = readFileSync(new URL('../../docs/coverage.md', import.meta.url), 'utf8');
  expect(page).toBe(coverage());
});

test('every expression is covered', () => {
  expect(coverage()).not.toContain('**no**\n');
  const expressions = coverage().split('## Expressions')[1]?.split('## ')[0] ?? '';
  expect(expressions).not.toContain('**no**');
});
