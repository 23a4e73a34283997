import { constants } from 'node:os';

const NAMES: ReadonlyMap<number, string> = new Map(
  // Linux has two names for a few numbers; the first that Node lists is the usual one, but for EOPNOTSUPP.
  Object.entries(constants.errno)
    .reverse()
    .map(([name, number]) => [number, name === 'ENOTSUP' ? 'EOPNOTSUPP' : name]),
);

/** Numbers of asm-generic/errno.h that Node has no name for and nf_tables uses. */
const MORE: ReadonlyMap<number, string> = new Map([
  [85, 'ERESTART'],
  [97, 'EAFNOSUPPORT'],
]);

/** `17` → `'EEXIST'`. */
export function errnoName(errno: number): string {
  return MORE.get(errno) ?? NAMES.get(errno) ?? `errno ${errno}`;
}
