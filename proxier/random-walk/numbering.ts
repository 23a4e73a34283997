import { markOf } from '../src/layout/numbers.ts';
import { stickyNumberOf } from '../src/layout/sticky-chains.ts';
import type { KernelTable } from '../src/sync/kernel-table.ts';

/**
 * What the numbers that a proxy gives out stand for, in words that don't depend on when they were given out: classes by their chains,
 * sticky Service ports by their keys, slots and ids by the endpoints they lead to.
 */
export interface Numbering {
  /** `sticky-7` → `sticky-<ns/name:port>`; other chains keep their names. */
  readonly chain: (name: string) => string;
  /** A mark that a rule or an element has. */
  readonly mark: (mark: number) => string;
}

const STICKY = { first: 0x4b51_0000, last: 0x4b51_ffff };
const SLOTS = { first: 0x4c00_0000, last: 0x4fff_ffff };
const FIRST_ID = 0x5000_0000;
const CLASSES = { first: 0x4b50_0000, last: 0x4b50_ffff };

export function numberingOf(table: KernelTable): Numbering {
  const comments = new Map(table.chains.map(({ name, comment = '' }) => [name, comment]));
  const chain = (name: string): string => {
    const number = stickyNumberOf(name);
    return number === undefined ? name : name.replace(/\d+$/, `<${comments.get(name)}>`);
  };
  const classes = new Map<number, string>();
  for (const map of ['dispatch', 'dispatch-local']) {
    for (const [number, target] of table.elements.get(map)?.verdicts ?? [])
      classes.set(number, chain(target));
  }
  const stickies = new Map<number, string>();
  for (const [name, comment] of comments) {
    const number = stickyNumberOf(name);
    if (number !== undefined) stickies.set(number, comment);
  }
  const ids = idsOf(table);
  const mark = (value: number): string => {
    if (value > CLASSES.first && value <= CLASSES.last) return `class ${classes.get(value - CLASSES.first)}`;
    if (value >= STICKY.first && value <= STICKY.last) return `sticky ${stickies.get(value - STICKY.first)}`;
    if (value >= SLOTS.first && value <= SLOTS.last) return 'slot';
    if (value >= FIRST_ID) return `id of ${ids.get(value)}`;
    return `index ${value.toString(16)}`;
  };
  return { chain, mark };
}

function idsOf(table: KernelTable): ReadonlyMap<number, string> {
  const endpoints = table.elements.get('sticky-endpoints')?.packed ?? new Map<string, string>();
  return new Map([...endpoints].map(([id, endpoint]) => [markOf(id), hex(endpoint)]));
}

/** Bytes that are held in a string, in hexadecimal. */
export function hex(packed: string): string {
  return Buffer.from(packed, 'latin1').toString('hex');
}
