import type { OwnSet } from '../layout/set-names.ts';

/** What an expression of a rule found out or did. */
export type Fact = Lookup | NetworkMatch | InterfaceMatch | LocalMatch | Effect;

/** A set or map was asked for a key. */
export interface Lookup {
  readonly kind: 'lookup';
  /** The kernel's name. */
  readonly set: string;
  /** Which of our sets it is; undefined: none, or one without a name. */
  readonly role: OwnSet | undefined;
  /** nft's text of the key. */
  readonly key: string;
  readonly found: boolean;
  /** nft's text of the data. */
  readonly value?: string;
  /** The chain that a verdict leads to. */
  readonly chain?: string;
  /** The key as a number, where it is a class id. */
  readonly mark?: number;
  /** The packet's priority came from a lookup just before: this one must succeed. */
  readonly isLedTo: boolean;
  /** Time that is left, where the element has one. */
  readonly expiresMs?: number;
}

/** An address was compared with a network. */
interface NetworkMatch {
  readonly kind: 'network';
  readonly field: 'source' | 'destination';
  readonly network: string;
  readonly inside: boolean;
}

/** The interface that the packet came in by was compared with a name, or with the beginning of one (`veth*`). */
interface InterfaceMatch {
  readonly kind: 'interface';
  readonly name: string;
  readonly matches: boolean;
}

/** The kernel was asked whether an address is one of the node's own (`fib … type local`). */
interface LocalMatch {
  readonly kind: 'local';
  readonly field: 'source' | 'destination';
  readonly address: string;
  readonly isLocal: boolean;
}

/** Something was done. */
type Effect =
  | { readonly kind: 'masquerade mark' }
  | { readonly kind: 'choice'; readonly count: number; readonly chosen: number }
  | { readonly kind: 'remember'; readonly timeoutMs: number }
  | { readonly kind: 'dnat'; readonly address: string; readonly port: number }
  | { readonly kind: 'masquerade' }
  | { readonly kind: 'reject' }
  | { readonly kind: 'drop' }
  /** Only where something is wrong: a chain that decides nothing, or is not there. */
  | { readonly kind: 'lost'; readonly text: string };

/** A fact, and the rule that it comes from. */
export interface Placed {
  /** The kernel's name of the chain. */
  readonly chain: string;
  /** 1 for the first rule; 0: the chain as a whole. */
  readonly rule: number;
  readonly comment?: string;
  readonly fact: Fact;
}

/** The rules cannot be followed: they hold what this program does not know. The message is a whole sentence. */
export class CannotTellError extends Error {
  override readonly name = 'CannotTellError';
  readonly what: string;

  /** `where`: the rule, once it is known. */
  constructor(what: string, where = 'the table') {
    super(`the rules cannot be followed: ${where} has ${what}, which nft-proxier does not write`);
    this.what = what;
  }
}
