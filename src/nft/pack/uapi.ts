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
  destroyTable: 26,
  destroyChain: 27,
  destroyRule: 28,
  destroySet: 29,
  destroySetElem: 30,
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
  userdata: 15,
} as const;
export const NFTNL_RULE = { table: 1, chain: 2, handle: 3, position: 6, userdata: 7 } as const;
export const NFTNL_SET = {
  table: 0,
  name: 1,
  flags: 2,
  keyType: 3,
  keyLen: 4,
  dataType: 5,
  dataLen: 6,
  id: 8,
  descSize: 10,
  timeout: 11,
  userdata: 13,
} as const;
/** The columns' numbers: the packed format's own, one above libnftnl's NFTNL_SET_ELEM_*. */
export const ELEMENT_COLUMN = {
  key: 2,
  verdict: 3,
  chain: 4,
  data: 5,
  timeout: 6,
  userdata: 8,
} as const;
export const NFTNL_EXPR_LOOKUP = { set: 3, setId: 4 } as const;

/** `NFT_DATA_VERDICT`: the data type of a verdict map. */
export const VERDICT_DATA_TYPE = 0xffffff00;
export const NFT_TABLE_F_DORMANT = 1;
