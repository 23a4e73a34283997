// What must hold for any input.
#pragma once

#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>

#include <cstdio>
#include <cstdlib>

#include "batch.h"

namespace nftlink {

/** Ends the process: libFuzzer keeps the input. */
inline void require(bool condition, const char* what) {
  if (condition) return;
  std::fprintf(stderr, "%s\n", what);
  std::abort();
}

/** Attributes fill their nest to the last byte, so many levels deep: raw ones are the caller's own from some level on. */
inline void requireAttributes(Bytes attributes, int levels) {
  while (!attributes.empty()) {
    require(attributes.size() >= sizeof(nlattr), "a cut-off attribute");
    const auto header = load<nlattr>(attributes.data());
    require(header.nla_len >= sizeof(nlattr) && header.nla_len <= attributes.size(), "an attribute's length");
    const Bytes value = attributes.subspan(sizeof(nlattr), header.nla_len - sizeof(nlattr));
    if (levels > 1 && (header.nla_type & NLA_F_NESTED) != 0) requireAttributes(value, levels - 1);
    const size_t padded = align4(header.nla_len);
    attributes = padded < attributes.size() ? attributes.subspan(padded) : Bytes{};
  }
}

/** A batch is messages side by side, each with its number and well-formed attributes. */
inline void requireBatch(const Batch& batch, int levels) {
  size_t at = 0;
  uint32_t sequence = batch.firstSequence();
  for (const MessageOrigin& origin : batch.origins()) {
    require(origin.offset == at, "a message that does not begin where the last one ended");
    const Bytes message = batch.messageBytes(origin);
    require(message.size() >= sizeof(nlmsghdr) + sizeof(nfgenmsg) && message.size() % 4 == 0, "a message's length");
    require(load<nlmsghdr>(message.data()).nlmsg_seq == sequence, "a message's number");
    require(batch.find(sequence) == &origin, "a number that leads elsewhere");
    requireAttributes(message.subspan(sizeof(nlmsghdr) + sizeof(nfgenmsg)), levels);
    at += message.size();
    sequence++;
  }
  require(at == batch.bytes().size(), "bytes behind the last message");
}

}  // namespace nftlink
