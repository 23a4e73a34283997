#include "netlink_reply.h"

#include <linux/netlink.h>

#include <cerrno>

namespace nftlink {

namespace {

/** MAX_ERRNO of linux/err.h. */
constexpr int32_t kMaxErrno = 4095;

struct Attribute {
  uint16_t type;
  Bytes value;
};

bool nextAttribute(Bytes& attributes, Attribute& attribute) {
  if (attributes.size() < sizeof(nlattr)) return false;
  const auto header = load<nlattr>(attributes.data());
  if (header.nla_len < sizeof(nlattr) || header.nla_len > attributes.size()) return false;
  attribute.type = header.nla_type & NLA_TYPE_MASK;
  attribute.value = attributes.subspan(sizeof(nlattr), header.nla_len - sizeof(nlattr));
  const size_t padded = align4(header.nla_len);
  attributes = padded < attributes.size() ? attributes.subspan(padded) : Bytes{};
  return true;
}

void readExtended(Bytes attributes, KernelError& error) {
  Attribute attribute{};
  while (nextAttribute(attributes, attribute)) {
    if (attribute.type == NLMSGERR_ATTR_OFFS && attribute.value.size() == sizeof(uint32_t)) {
      error.offset = load<uint32_t>(attribute.value.data());
    } else if (attribute.type == NLMSGERR_ATTR_MSG && !attribute.value.empty()) {
      const auto* text = reinterpret_cast<const char*>(attribute.value.data());
      error.text = std::string_view(text, strnlen(text, attribute.value.size()));
    }
  }
}

}  // namespace

bool nextReply(Bytes& datagram, Reply& reply) {
  if (datagram.size() < sizeof(nlmsghdr)) return false;
  const auto header = load<nlmsghdr>(datagram.data());
  if (header.nlmsg_len < sizeof(nlmsghdr) || header.nlmsg_len > datagram.size()) return false;
  reply = {header.nlmsg_type, header.nlmsg_flags, header.nlmsg_seq, datagram.first(header.nlmsg_len)};
  const size_t padded = align4(header.nlmsg_len);
  datagram = padded < datagram.size() ? datagram.subspan(padded) : Bytes{};
  return true;
}

int errnoOf(int32_t value) { return value > 0 || value < -kMaxErrno ? EPROTO : -value; }

bool readError(const Reply& reply, KernelError& error) {
  if (reply.bytes.size() < sizeof(nlmsghdr) + sizeof(nlmsgerr)) return false;
  const auto payload = load<nlmsgerr>(reply.bytes.data() + sizeof(nlmsghdr));
  error = {};
  error.error = errnoOf(payload.error);
  if ((reply.flags & NLM_F_ACK_TLVS) == 0) return true;
  size_t start = sizeof(nlmsghdr) + sizeof(nlmsgerr);
  if ((reply.flags & NLM_F_CAPPED) == 0 && payload.msg.nlmsg_len > sizeof(nlmsghdr)) {
    start += align4(payload.msg.nlmsg_len - sizeof(nlmsghdr));
  }
  if (start < reply.bytes.size()) readExtended(reply.bytes.subspan(start), error);
  return true;
}

}  // namespace nftlink
