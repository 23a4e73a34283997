import { closeSync, openSync, readSync } from 'node:fs';

export type Libc = 'glibc' | 'musl';

/** The C library of this process: its program file names a loader. process.report knows too, but takes 5 ms. */
export function libc(): Libc {
  return libcNamedIn(startOf(process.execPath)) ?? libcReported();
}

/** What the loader's name says that stands near the start of a program file; undefined when there is none. */
export function libcNamedIn(program: string): Libc | undefined {
  const loader = /\/ld-(musl|linux)-/.exec(program)?.[1];
  if (loader === undefined) return undefined;
  return loader === 'musl' ? 'musl' : 'glibc';
}

const START_BYTES = 4096;

function startOf(path: string): string {
  try {
    const file = openSync(path, 'r');
    const start = Buffer.alloc(START_BYTES);
    const length = readSync(file, start);
    closeSync(file);
    return start.toString('latin1', 0, length);
  } catch {
    return '';
  }
}

/** Of a program that was patched, or started by naming the loader. */
function libcReported(): Libc {
  const { header } = process.report.getReport() as {
    readonly header: { readonly glibcVersionRuntime?: string };
  };
  return header.glibcVersionRuntime === undefined ? 'musl' : 'glibc';
}
