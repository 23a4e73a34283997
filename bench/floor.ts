import { fileURLToPath } from 'node:url';
import type { Host, Lab } from '../lab/lab.ts';

/** Milliseconds that a C program takes to dump a chain's rules or a set's elements and count the bytes (`reader.c`). */
export function bareReader(
  lab: Lab,
  host: Host,
  what: 'rules' | 'elements',
  name: string,
  table = 'bench',
): number {
  const program = fileURLToPath(new URL('out/reader', import.meta.url));
  return Number(lab.run(host, program, what, table, name, '1').split(' ')[0]) / 1e6;
}

/** Nanoseconds inside `sendmsg` of each timed batch in the file, replayed by a C program (`floor.c`). */
export function floor(lab: Lab, host: Host, file: string): readonly number[] {
  const program = fileURLToPath(new URL('out/floor', import.meta.url));
  return lab.run(host, program, file).trim().split('\n').map(Number);
}
