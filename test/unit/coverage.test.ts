import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { allProofs, coverage } from '../../scripts/coverage.ts';
import { SECTIONS } from '../../scripts/coverage-rows.ts';
import { NFT_MSG } from '../../src/nft/pack/uapi.ts';

test('docs/coverage.md is what the code and the tests say: npm run docs:coverage', () => {
  const page = readFileSync(new URL('../../docs/coverage.md', import.meta.url), 'utf8');
  expect(page).toBe(coverage());
});

test('nothing is missing', () => {
  const gaps = SECTIONS.flatMap(({ title, rows }) =>
    rows.filter((row) => row.includes('**no**')).map(([what]) => `${title}: ${what}`),
  );
  expect(gaps).toEqual([]);
});

test('every message has its row, in the order of their numbers', () => {
  const [messages] = SECTIONS;
  expect(messages?.rows.map((row) => Number(row[1]))).toEqual(Array.from({ length: 34 }, (_, i) => i));
  const numbers = new Set(messages?.rows.map((row) => Number(row[1])));
  expect(Object.values(NFT_MSG).every((number) => numbers.has(number))).toBe(true);
});

test('proofs are tests of a kernel, but for what this one lacks', () => {
  const others = allProofs().filter(({ file }) => !file.startsWith('kernel/'));
  expect(others.map(({ test: name }) => name).sort()).toEqual([
    'expressions > flow_offload',
    'expressions > meta',
    'expressions > queue',
    'objects > one with an attribute that is not known here is read as bytes by the listing',
    'objects > secmark',
  ]);
});
