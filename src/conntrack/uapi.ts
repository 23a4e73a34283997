/** Numbers of linux/netfilter/nfnetlink_conntrack.h and nf_conntrack_common.h (6.18), as far as they are used here. */
export const IPCTNL_MSG_CT = { new: 0, get: 1, delete: 2 } as const;
export const NLM_F_DUMP = 0x300;
/** On the first event of a flow. */
export const NLM_F_CREATE = 0x400;

/** NFNLGRP_CONNTRACK_*, as bits. */
export const GROUP = { new: 1 << (1 - 1), update: 1 << (2 - 1), destroy: 1 << (3 - 1) } as const;

/** NFPROTO_*. */
export const FAMILY = { ip: 2, ip6: 10 } as const;

export const CTA = {
  tupleOriginal: 1,
  tupleReply: 2,
  status: 3,
  protoInfo: 4,
  help: 5,
  timeout: 7,
  mark: 8,
  countersOriginal: 9,
  countersReply: 10,
  use: 11,
  id: 12,
  tupleMaster: 14,
  zone: 18,
  timestamp: 20,
  markMask: 21,
  labels: 22,
  filter: 25,
  statusMask: 26,
} as const;
export const CTA_TUPLE = { ip: 1, proto: 2, zone: 3 } as const;
export const CTA_IP = { v4Source: 1, v4Destination: 2, v6Source: 3, v6Destination: 4 } as const;
export const CTA_PROTO = {
  number: 1,
  sourcePort: 2,
  destinationPort: 3,
  icmpId: 4,
  icmpType: 5,
  icmpCode: 6,
  icmp6Id: 7,
  icmp6Type: 8,
  icmp6Code: 9,
} as const;
export const CTA_COUNTERS = { packets: 1, bytes: 2 } as const;
export const CTA_TIMESTAMP = { start: 1, stop: 2 } as const;
export const CTA_PROTOINFO = { tcp: 1, sctp: 3 } as const;
/** In both CTA_PROTOINFO_TCP and CTA_PROTOINFO_SCTP. */
export const CTA_PROTOINFO_STATE = 1;
export const CTA_HELP_NAME = 1;
export const CTA_FILTER = { originalFlags: 1 } as const;

/** CTA_FILTER_F_* of net/netfilter/nf_internals.h: which parts of a tuple are compared. */
export const FILTER_FLAG = {
  source: 1 << 0,
  destination: 1 << 1,
  protocol: 1 << 3,
  sourcePort: 1 << 4,
  destinationPort: 1 << 5,
  icmpType: 1 << 6,
  icmpCode: 1 << 7,
  icmpId: 1 << 8,
  icmp6Type: 1 << 9,
  icmp6Code: 1 << 10,
  icmp6Id: 1 << 11,
} as const;

/** IPS_*. */
export const STATUS_BITS = {
  expected: 1 << 0,
  'seen-reply': 1 << 1,
  assured: 1 << 2,
  confirmed: 1 << 3,
  snat: 1 << 4,
  dnat: 1 << 5,
  'sequence-adjust': 1 << 6,
  'snat-done': 1 << 7,
  'dnat-done': 1 << 8,
  dying: 1 << 9,
  'fixed-timeout': 1 << 10,
  template: 1 << 11,
  'nat-clash': 1 << 12,
  helper: 1 << 13,
  offload: 1 << 14,
  'hardware-offload': 1 << 15,
} as const;

/** TCP_CONNTRACK_*, by number. */
export const TCP_STATES = [
  'none',
  'syn-sent',
  'syn-received',
  'established',
  'fin-wait',
  'close-wait',
  'last-ack',
  'time-wait',
  'close',
  'syn-sent2',
] as const;

/** SCTP_CONNTRACK_*, by number. */
export const SCTP_STATES = [
  'none',
  'closed',
  'cookie-wait',
  'cookie-echoed',
  'established',
  'shutdown-sent',
  'shutdown-received',
  'shutdown-ack-sent',
  'heartbeat-sent',
  'heartbeat-acked',
] as const;
