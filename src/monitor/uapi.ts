/** NFTA_* attribute numbers of linux/netfilter/nf_tables.h (6.18) that only events have, and their multicast groups. */
export const NFTA_GEN = { id: 1, processId: 2, processName: 3 } as const;
export const NFTA_TRACE = {
  table: 1,
  chain: 2,
  ruleHandle: 3,
  type: 4,
  verdict: 5,
  id: 6,
  linkHeader: 7,
  networkHeader: 8,
  transportHeader: 9,
  inputIndex: 10,
  inputType: 11,
  outputIndex: 12,
  outputType: 13,
  mark: 14,
  protocolFamily: 15,
  policy: 16,
  ctId: 18,
  ctDirection: 19,
  ctStatus: 20,
  ctState: 21,
} as const;
/** NFT_MSG_TRACE. */
export const MESSAGE_TRACE = 17;
/** NFNLGRP_NFTABLES and NFNLGRP_NFTRACE of linux/netfilter/nfnetlink.h, as bits. */
export const GROUP = { nftables: 1 << (7 - 1), nftrace: 1 << (9 - 1) } as const;
