/** Numbers of linux/netlink.h, linux/netfilter/nf_tables.h (6.12) and libnftnl 1.2.4, as far as they are used here. */

export const NLM_F = {
  nonrec: 0x100,
  replace: 0x100,
  excl: 0x200,
  dump: 0x300,
  create: 0x400,
  append: 0x800,
} as const;

export const NFT_MSG = {
  newTable: 0,
  getTable: 1,
  delTable: 2,
  newChain: 3,
  getChain: 4,
  delChain: 5,
  newRule: 6,
  getRule: 7,
  delRule: 8,
  newSet: 9,
  getSet: 10,
  delSet: 11,
  newSetElem: 12,
  getSetElem: 13,
  delSetElem: 14,
  newGen: 15,
  getGen: 16,
  newObj: 18,
  getObj: 19,
  delObj: 20,
  getObjReset: 21,
  newFlowtable: 22,
  getFlowtable: 23,
  delFlowtable: 24,
  getRuleReset: 25,
  destroyTable: 26,
  destroyChain: 27,
  destroyRule: 28,
  destroySet: 29,
  destroySetElem: 30,
  destroyObj: 31,
  destroyFlowtable: 32,
  getSetElemReset: 33,
} as const;

/** libnftnl's attribute numbers: what the packed format carries. */
export const NFTNL_TABLE = { name: 0, flags: 2, userdata: 5 } as const;
export const NFTNL_CHAIN = {
  name: 0,
  table: 2,
  hooknum: 3,
  prio: 4,
  policy: 5,
  type: 10,
  dev: 11,
  devices: 12,
  flags: 13,
  id: 14,
  userdata: 15,
} as const;
export const NFTNL_RULE = {
  table: 1,
  chain: 2,
  handle: 3,
  compatProto: 4,
  compatFlags: 5,
  position: 6,
  userdata: 7,
} as const;
export const NFTNL_SET = {
  table: 0,
  name: 1,
  flags: 2,
  keyType: 3,
  keyLen: 4,
  dataType: 5,
  dataLen: 6,
  id: 8,
  policy: 9,
  descSize: 10,
  timeout: 11,
  gcInterval: 12,
  userdata: 13,
  objType: 14,
  descConcat: 16,
} as const;
/** The columns' numbers: the packed format's own, one above libnftnl's NFTNL_SET_ELEM_*. */
export const ELEMENT_COLUMN = {
  flags: 1,
  key: 2,
  verdict: 3,
  chain: 4,
  data: 5,
  timeout: 6,
  expiration: 7,
  userdata: 8,
  object: 10,
  keyEnd: 11,
  /** Attributes behind the others: the element's statements. */
  statements: 12,
} as const;
/** NFTA_SET_*, NFTA_SET_ELEM_*: what libnftnl 1.2.4 writes in a way of its own. */
export const NFTA_SET = { expression: 17, expressions: 18 } as const;
export const NFTA_SET_ELEM = { expression: 7, expressions: 11 } as const;
/** NFT_SET_ELEM_*. */
export const ELEMENT_FLAG = { intervalEnd: 1, catchAll: 2 } as const;
export const NFTNL_EXPR_LOOKUP = { set: 3, setId: 4 } as const;
export const NFTNL_EXPR_IMM_CHAIN_ID = 5;
export const NFTNL_EXPR_OBJREF = { set: 4, setId: 5 } as const;

/** `NFT_DATA_VERDICT`: the data type of a verdict map. */
export const VERDICT_DATA_TYPE = 0xffffff00;
/** NFT_TABLE_F_*. */
export const TABLE_FLAGS = { dormant: 1, owner: 2, persist: 4 } as const;
/** NFT_CHAIN_*: its interfaces do the work; it has no name of its own. */
export const CHAIN_HW_OFFLOAD = 2;
export const CHAIN_BINDING = 4;
/** NFT_RULE_COMPAT_F_INV. */
export const COMPAT_INVERTED = 2;
/** In place of the chain's name: its number in the transaction. */
export const NFTA_RULE_CHAIN_ID = 11;

/** The kernel's own attribute numbers, of what is written without libnftnl. */
export const NFTA_OBJ = { table: 1, name: 2, type: 3, data: 4, userdata: 8 } as const;
export const NFTA_FLOWTABLE = { table: 1, name: 2, hook: 3, flags: 7 } as const;
export const NFTA_FLOWTABLE_HOOK = { num: 1, priority: 2, devs: 3 } as const;
