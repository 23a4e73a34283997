import { execFileSync } from 'node:child_process';

let made = 0;

/** A network namespace of a test's own. */
export interface TestNamespace {
  readonly name: string;
  /** For `open`. */
  readonly path: string;
  /** What `nft …` prints in the namespace. */
  nft(...args: readonly string[]): string;
  remove(): void;
}

export function makeNamespace(): TestNamespace {
  const name = `nftlink-test-${process.pid}-${made++}`;
  execFileSync('ip', ['netns', 'add', name]);
  return {
    name,
    path: `/run/netns/${name}`,
    nft: (...args) => execFileSync('ip', ['netns', 'exec', name, 'nft', ...args], { encoding: 'utf8' }),
    remove: () => {
      execFileSync('ip', ['netns', 'del', name]);
    },
  };
}
