import { fileURLToPath } from 'node:url';
import type { Host, Lab } from '../lab/lab.ts';

/** Nanoseconds inside `sendmsg` of each timed batch in the file, replayed by a C program (`floor.c`). */
export function floor(lab: Lab, host: Host, file: string): readonly number[] {
  const program = fileURLToPath(new URL('out/floor', import.meta.url));
  return lab.run(host, program, file).trim().split('\n').map(Number);
}
