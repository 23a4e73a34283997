import type { AnonymousChain } from './anonymous-chain.ts';
import type { Chain } from './chain.ts';

/** What becomes of a packet. The code is the kernel's: NF_* of linux/netfilter.h, NFT_* of nf_tables.h. */
export interface Verdict {
  readonly kind: 'verdict';
  /** nft's word. */
  readonly name: VerdictName;
  /** The kernel's number. */
  readonly code: number;
  /** Where a jump or goto leads. */
  readonly chain?: string;
  /** The same, for a chain without a name: only in rules. */
  readonly anonymousChain?: AnonymousChain;
}

/** nft's name of a verdict. */
export type VerdictName = 'drop' | 'accept' | 'continue' | 'jump' | 'goto' | 'return';

const CODES: Readonly<Record<VerdictName, number>> = {
  drop: 0,
  accept: 1,
  continue: -1,
  jump: -3,
  goto: -4,
  return: -5,
};

function verdict(name: VerdictName, chain?: Chain | AnonymousChain | string): Verdict {
  const code = CODES[name];
  if (typeof chain === 'object' && chain.kind === 'anonymous chain') {
    return Object.freeze({ kind: 'verdict', name, code, anonymousChain: chain });
  }
  const target = typeof chain === 'object' ? chain.name : chain;
  return Object.freeze(
    target === undefined ? { kind: 'verdict', name, code } : { kind: 'verdict', name, code, chain: target },
  );
}

/** Ends the chain's hook: the packet goes on, to base chains of a higher priority too. */
export const accept = verdict('accept');
/** Ends everything: the packet is gone. */
export const drop = verdict('drop');
/** Goes on with the next rule. */
export const continue_ = verdict('continue');
/** Goes back to the calling chain, or to the policy of a base chain. */
export const return_ = verdict('return');

/** Goes to another chain of the same table, or to rules that stand here (`anonymousChain`), and comes back. */
export function jump(chain: Chain | AnonymousChain | string): Verdict {
  return verdict('jump', chain);
}

/** Goes to another chain of the same table and does not come back. */
export function goto(chain: Chain | AnonymousChain | string): Verdict {
  return verdict('goto', chain);
}

/** The verdict of a code and chain that the kernel sent. */
export function verdictOf(code: number, chain: string | undefined): Verdict | undefined {
  const name = (Object.keys(CODES) as VerdictName[]).find((candidate) => CODES[candidate] === code);
  return name === undefined ? undefined : verdict(name, chain);
}
