/** What a fake kernel holds. Keys and data are kept as strings of one character a byte, like packed values. */
export interface FakeRuleset {
  /** By family and name, in the order in which they were made. */
  readonly tables: Map<string, FakeTable>;
  nextTableHandle: bigint;
  nextElement: number;
  /** Like the kernel's: 1 before the first commit. */
  generation: number;
}

/** Attributes that nothing here looks into, by the kernel's number: a listing gives them back. */
type RawAttributes = ReadonlyMap<number, Uint8Array>;

export interface FakeTable {
  readonly family: number;
  readonly name: string;
  readonly handle: bigint;
  flags: number;
  readonly userdata: Uint8Array | undefined;
  /** What is in a table gets its handles from the table. An abort does not give them back. */
  nextHandle: bigint;
  readonly chains: Map<string, FakeChain>;
  readonly sets: Map<string, FakeSet>;
  /** Stateful objects by type and name. */
  readonly objects: Map<string, FakeObject>;
  readonly flowtables: Map<string, FakeObject>;
}

export interface FakeChain {
  readonly name: string;
  readonly handle: bigint;
  base: FakeHook | undefined;
  /** It has no name of its own, and goes with the rule that leads to it. */
  readonly anonymous: boolean;
  readonly userdata: Uint8Array | undefined;
  /** Jumps and gotos that lead here, from rules and from elements of verdict maps. */
  uses: number;
  rules: readonly FakeRule[];
}

export interface FakeHook {
  readonly type: string;
  readonly hook: number;
  readonly priority: number;
  readonly policy: number;
  readonly devices: readonly string[];
}

export interface FakeRule {
  readonly handle: bigint;
  /** The expressions as a listing has them: what is inside NFTA_RULE_EXPRESSIONS. */
  readonly wire: Uint8Array;
  readonly userdata: Uint8Array | undefined;
  readonly references: References;
}

/** What a rule leads to. */
interface References {
  readonly chains: readonly FakeChain[];
  readonly sets: readonly FakeSet[];
  readonly objects: readonly FakeObject[];
}

export interface FakeSet {
  readonly name: string;
  readonly handle: bigint;
  readonly flags: number;
  readonly keyType: number;
  readonly keyLength: number;
  readonly dataType: number | undefined;
  readonly dataLength: number;
  /** NFT_OBJECT_*, of a map to objects. */
  readonly objectType: number | undefined;
  readonly userdata: Uint8Array | undefined;
  readonly raw: RawAttributes;
  /** Bytes of each field of the keys, in a set of concatenated ranges; otherwise empty. */
  readonly fields: readonly number[];
  /** In a set of simple ranges, what begins and ends them, the lowest first; at one key ends come before beginnings. */
  boundaries: FakeElement[] | undefined;
  /** Undefined: any number. */
  size: number | undefined;
  timeoutMs: bigint;
  /** Rules that look into it. */
  uses: number;
  readonly elements: Map<string, FakeElement>;
}

export interface FakeElement {
  /** What tells it from the set's others. */
  readonly identity: string;
  /** Later elements have higher ones. */
  readonly order: number;
  /** Deleted in a batch that is not committed yet. */
  isDeleted: boolean;
  readonly key: string;
  readonly keyEnd: string | undefined;
  /** NFT_SET_ELEM_*. */
  readonly flags: number;
  /** A map's data. */
  readonly data: string | undefined;
  /** A verdict map's verdict code, and the chain it leads to. */
  readonly verdict: number | undefined;
  readonly chain: FakeChain | undefined;
  /** Of a map to objects. */
  readonly object: FakeObject | undefined;
  readonly userdata: Uint8Array | undefined;
  /** Attributes behind the others: statements. */
  readonly more: Uint8Array;
  /** 0: it stays. */
  timeoutMs: bigint;
  /** By the fake kernel's clock. */
  expiresAtMs: number;
}

/** A stateful object or a flowtable: the attributes that it was made of. */
export interface FakeObject {
  readonly isFlowtable: boolean;
  readonly name: string;
  readonly handle: bigint;
  readonly type: number;
  raw: RawAttributes;
  uses: number;
}

/** NFT_SET_* of linux/netfilter/nf_tables.h, as far as they matter here. */
export const FAKE_SET_FLAG = {
  anonymous: 1,
  constant: 2,
  interval: 4,
  map: 8,
  timeout: 16,
  object: 64,
} as const;

export function tableKey(family: number, name: string): string {
  return `${family} ${name}`;
}

export function objectKey(type: number, name: string): string {
  return `${type} ${name}`;
}

/** Whether an element has left: to the kernel it is as if it were not there. */
export function isExpired(element: FakeElement, nowMs: number): boolean {
  return element.timeoutMs > 0n && element.expiresAtMs <= nowMs;
}
