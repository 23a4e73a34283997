import { fileURLToPath } from 'node:url';
import type { Host, Lab } from '../lab/lab.ts';

/** Milliseconds that google/nftables takes for the work (`peers/google-nftables`). */
export function googleNftables(lab: Lab, host: Host, ...work: readonly (string | number)[]): number {
  const program = fileURLToPath(new URL('out/google-nftables', import.meta.url));
  return Number(lab.run(host, program, ...work.map(String)));
}
