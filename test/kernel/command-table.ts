import { readFileSync } from 'node:fs';

/** What docs/nft-commands.md says, as data: its tables are run by a test. */

/** A row: the commands of its first cell, the code of its second. */
export interface CommandRow {
  readonly section: string;
  /** Whether the first cell is a whole command, or part of a rule. */
  readonly kind: 'nft' | 'in a rule';
  readonly commands: readonly string[];
  readonly calls: readonly string[];
}

/** The page's blocks of code, by language, and its rows. */
export interface CommandPage {
  readonly ruleset: string;
  readonly descriptions: string;
  readonly rows: readonly CommandRow[];
}

const PAGE = new URL('../../docs/nft-commands.md', import.meta.url);

/** Reads the page. */
export function commandPage(): CommandPage {
  const text = readFileSync(PAGE, 'utf8');
  return { ruleset: block(text, 'nft'), descriptions: block(text, 'js'), rows: rowsOf(text) };
}

function block(text: string, language: string): string {
  const found = new RegExp(`^\`\`\`${language}\n([^]*?)^\`\`\`$`, 'm').exec(text)?.[1];
  if (found === undefined) throw new Error(`docs/nft-commands.md has no block of ${language}`);
  return found;
}

function rowsOf(text: string): readonly CommandRow[] {
  const rows: CommandRow[] = [];
  let section = '';
  let kind: string | undefined;
  for (const line of text.split('\n')) {
    if (line.startsWith('## ')) section = line.slice(3);
    if (!line.startsWith('|')) {
      kind = undefined;
      continue;
    }
    const [, left = '', right = ''] = line.split('|').map((cell) => cell.trim());
    if (kind === undefined) kind = `${left} → ${right}`;
    else if (!left.startsWith('---') && (kind === 'nft → nftlink' || kind === 'in a rule → nftlink')) {
      const of = kind === 'nft → nftlink' ? 'nft' : 'in a rule';
      rows.push({ section, kind: of, commands: codeIn(left), calls: codeIn(right) });
    }
  }
  return rows;
}

/** What stands in backquotes; but in brackets are remarks. */
function codeIn(cell: string): readonly string[] {
  const withoutRemarks = cell.replace(/ \((?:[^`()]|`[^`]*`)*\)$/, '');
  return [...withoutRemarks.matchAll(/`([^`]*)`/g)].map(([, code = '']) => code);
}
