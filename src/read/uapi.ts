/** NFTA_* attribute numbers of linux/netfilter/nf_tables.h (6.12), as far as they are read here. */
export const NFTA_TABLE = { name: 1, flags: 2, userdata: 6 } as const;
export const NFTA_CHAIN = {
  table: 1,
  handle: 2,
  name: 3,
  hook: 4,
  policy: 5,
  type: 7,
  flags: 10,
  userdata: 12,
} as const;
export const NFTA_HOOK = { hooknum: 1, priority: 2, dev: 3, devs: 4 } as const;
export const NFTA_RULE = { table: 1, chain: 2, handle: 3, expressions: 4, userdata: 7 } as const;
export const NFTA_EXPR = { name: 1, data: 2 } as const;
export const NFTA_SET = {
  table: 1,
  name: 2,
  flags: 3,
  keyType: 4,
  keyLen: 5,
  dataType: 6,
  dataLen: 7,
  policy: 8,
  desc: 9,
  timeout: 11,
  gcInterval: 12,
  userdata: 13,
  objType: 15,
  expression: 17,
  expressions: 18,
} as const;
export const NFTA_SET_DESC_SIZE = 1;
export const NFTA_SET_ELEM_LIST = { table: 1, set: 2, elements: 3 } as const;
export const NFTA_SET_ELEM = {
  key: 1,
  data: 2,
  flags: 3,
  timeout: 4,
  expiration: 5,
  userdata: 6,
  object: 9,
  expression: 7,
  keyEnd: 10,
  expressions: 11,
} as const;
/** NFT_SET_ELEM_INTERVAL_END. */
export const ELEMENT_INTERVAL_END = 1;
export const NFTA_DATA = { value: 1, verdict: 2 } as const;
export const NFTA_VERDICT = { code: 1, chain: 2, chainId: 3 } as const;
export const NFTA_GEN_ID = 1;
