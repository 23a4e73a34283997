import { existsSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Cell, Proof } from './coverage-proofs.ts';
import { SECTIONS, type Section } from './coverage-rows.ts';

/**
 * Writes docs/coverage.md: `npm run docs:coverage`. What the library knows comes from its code. What is proven comes from tests, each
 * named by its file and name: test/proofs.ts makes a run of that file fail when there is no such test, or it did not pass.
 */

const ROOT = new URL('..', import.meta.url);
const PAGE = new URL('docs/coverage.md', ROOT);

/** Every proof that the page names, once. */
export function allProofs(): readonly Proof[] {
  const proofs = SECTIONS.flatMap(({ rows }) => rows.flat()).filter((cell) => typeof cell !== 'string');
  return [...new Map(proofs.map((proof) => [`${proof.file} ${proof.test}`, proof])).values()];
}

function cellText(cell: Cell): string {
  if (typeof cell === 'string') return cell;
  const { file, test } = cell;
  if (!existsSync(new URL(`test/${file}`, ROOT))) throw new Error(`there is no test/${file}`);
  const title = test.replaceAll('"', "'").replaceAll('|', '\\|');
  return `[${file.replace(/^kernel\/|\.test\.ts$/g, '').replace('.test.ts', '')}](../test/${file} "${title}")`;
}

function sectionText({ title, head, rows }: Section): string {
  const lines = [head, head.map(() => '---'), ...rows.map((row) => row.map(cellText))].map(
    (row) => `| ${row.join(' | ')} |`,
  );
  return `## ${title}\n\n${lines.join('\n')}\n`;
}

export function coverage(): string {
  return [
    '# What of nf_tables the library covers\n',
    "Made by `npm run docs:coverage`. Each cell names a test by its file (the link) and its name (the link's title); a run of that file fails when",
    'the test is not there or does not pass. "Equal to nft": what is sent, or what is then in the kernel, is byte for byte what nft 1.0.6',
    'makes of the same words, on Linux 6.18. This kernel was built without flowtables, queues, security labels, metadata and rejects of',
    'bridges, and options of DCCP: there the bytes that are sent are compared with those that nft sends (`nft --debug=mnl`), and reading is',
    'proven without a kernel.\n',
    ...SECTIONS.map(sectionText),
    '## What is not here, because nft has none either\n',
    '`autoMerge` of maps and of ranges in concatenations: nft 1.0.6 refuses `auto-merge` in maps, accepts and ignores it in concatenations. Chains',
    'without a name inside one another: kernels refuse them since 6.4. Meters (dynamic sets without a name): nft gives them names since 1.1,',
    'and programs describe them by `set(…, { dynamic: true })`.\n',
  ].join('\n');
}

if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(PAGE, coverage());
