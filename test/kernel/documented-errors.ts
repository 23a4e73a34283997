import { readFileSync } from 'node:fs';

const PAGE = new URL('../../docs/troubleshooting.md', import.meta.url);

/** What docs/troubleshooting.md says is printed, by heading. */
export function documentedErrors(): ReadonlyMap<string, string> {
  const page = readFileSync(PAGE, 'utf8');
  const entries = page.matchAll(/^### (.+)\n\n```text\n([\s\S]*?)\n```$/gm);
  return new Map([...entries].map(([, heading = '', message = '']) => [heading, message]));
}

/** The headings of all entries, with a message or without. */
export function documentedHeadings(): readonly string[] {
  return [...readFileSync(PAGE, 'utf8').matchAll(/^### (.+)$/gm)].map(([, heading = '']) => heading);
}

/** A pattern for exactly this text, where `…` is anything within a line. */
export function patternOf(message: string): RegExp {
  return new RegExp(`^${message.split('…').map(escaped).join('.+')}$`);
}

function escaped(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
}
