import * as exported from '../../src/index.ts';

/** Runs code of docs/nft-commands.md as a program that imports everything from nftlink would. */

type AsyncFunction = (...values: readonly unknown[]) => Promise<unknown>;
const AsyncFunction = (async () => undefined).constructor as new (...source: string[]) => AsyncFunction;

const EXPORTED = Object.entries(exported);
const NAMES = EXPORTED.map(([name]) => name);
const VALUES = EXPORTED.map(([, value]) => value);

/** The value of an expression, or undefined for statements; `descriptions` are declared before it. */
export function evaluateCall(
  descriptions: string,
  code: string,
  nft: exported.Nftables,
  tx: exported.Transaction,
): Promise<unknown> {
  const body = /^(?:const|for)\b/.test(code) ? code : `return ${code}`;
  return new AsyncFunction(...NAMES, 'nft', 'tx', `${descriptions}\n${body}`)(...VALUES, nft, tx);
}
