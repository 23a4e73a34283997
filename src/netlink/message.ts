/** One netlink message of the netfilter family. */
export interface Message {
  /** NFNL_SUBSYS_*; 0: netlink's own. */
  readonly subsystem: number;
  /** The type within its subsystem (NFT_MSG_*). */
  readonly type: number;
  /** NLM_F_*. */
  readonly flags: number;
  readonly family: number;
  /** Low sixteen bits of the ruleset's generation. */
  readonly generation16: number;
  readonly attributes: Uint8Array;
}

const NLMSGHDR_BYTES = 16;
const NFGENMSG_BYTES = 4;

/** The messages in a buffer of replies. */
export function* messages(bytes: Uint8Array): Generator<Message> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  while (at + NLMSGHDR_BYTES + NFGENMSG_BYTES <= bytes.length) {
    const length = view.getUint32(at, true);
    if (length < NLMSGHDR_BYTES + NFGENMSG_BYTES || at + length > bytes.length) return;
    yield {
      subsystem: view.getUint8(at + 5),
      type: view.getUint8(at + 4),
      flags: view.getUint16(at + 6, true),
      family: view.getUint8(at + NLMSGHDR_BYTES),
      generation16: view.getUint16(at + NLMSGHDR_BYTES + 2),
      attributes: bytes.subarray(at + NLMSGHDR_BYTES + NFGENMSG_BYTES, at + length),
    };
    at += (length + 3) & ~3;
  }
}

/** The message as it came, from its nlmsghdr on. */
export function wholeMessage({ attributes }: Message): Uint8Array {
  const header = NLMSGHDR_BYTES + NFGENMSG_BYTES;
  return new Uint8Array(attributes.buffer, attributes.byteOffset - header, attributes.length + header);
}
