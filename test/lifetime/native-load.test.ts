import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { libcNamedIn } from '../../src/native/libc.ts';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'nftlink-load-'));
  vi.resetModules();
});

afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
});

/** The error of loading the addon from a path, in a module that has loaded nothing yet. */
async function failure(path: string) {
  vi.stubEnv('NFTLINK_ADDON', path);
  const { AddonLoadError, loadNative } = await import('../../src/native/load.ts');
  try {
    loadNative();
  } catch (error) {
    if (error instanceof AddonLoadError) return error;
    throw error;
  }
  throw new Error('it was loaded');
}

describe('loadNative', () => {
  it('loads the addon once', async () => {
    const { loadNative } = await import('../../src/native/load.ts');
    const native = loadNative();
    expect(native.abi).toBe(1);
    expect(native.libnftnlVersion).toMatch(/^\d+\.\d+\.\d+$/);
    expect(loadNative()).toBe(native);
  });

  it('names the machine, the path and the command when nothing was built', async () => {
    const path = join(folder, 'nftlink.node');
    const error = await failure(path);
    expect(error.code).toBe('ERR_NFTLINK_ADDON');
    expect(error.attempts).toEqual([{ path, reason: 'there is no such file' }]);
    expect(error.message).toContain(
      `${process.platform} ${process.arch} (glibc), Node.js ${process.version}`,
    );
    expect(error.message).toContain('npm run build:addon');
  });

  it('names the package of a missing library', async () => {
    const path = join(folder, 'nftlink.cjs');
    const text = 'libnftnl.so.11: cannot open shared object file: No such file or directory';
    writeFileSync(path, `throw Object.assign(new Error('${text}'), { code: 'ERR_DLOPEN_FAILED' });`);
    const error = await failure(path);
    expect(error.attempts).toEqual([{ path, reason: text }]);
    expect(error.message).toContain('libnftnl.so.11 is missing');
    expect(error.message).toContain('apt-get install libnftnl11 libmnl0');
  });

  it('names the reason of the loader when the file is no addon', async () => {
    const path = join(folder, 'nftlink.node');
    writeFileSync(path, 'not an addon');
    const error = await failure(path);
    expect(error.message).toMatch(/file too short|invalid ELF header/);
    expect(error.message).toContain('Build it anew');
  });

  it('refuses an addon that reads another version of the packed format', async () => {
    const path = join(folder, 'nftlink.cjs');
    writeFileSync(path, 'module.exports = { abi: 99 };');
    expect((await failure(path)).message).toContain('it reads version 99 of the packed format');
  });
});

describe('the C library', () => {
  it.each([
    ['/lib64/ld-linux-x86-64.so.2', 'glibc'],
    ['/lib/ld-linux-aarch64.so.1', 'glibc'],
    ['/nix/store/hash-glibc-2.38/lib/ld-linux-x86-64.so.2', 'glibc'],
    ['/lib/ld-musl-x86_64.so.1', 'musl'],
    ['/lib/ld-musl-aarch64.so.1', 'musl'],
    ['#!/usr/bin/env node', undefined],
  ])('of a program with %s', (loader, expected) => {
    expect(libcNamedIn(`\x7fELF\0\0${loader}\0`)).toBe(expected);
  });
});
