#include "blame.h"

#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>

namespace nftlink {

AttributePath findAttribute(Bytes message, uint32_t offset) {
  AttributePath path;
  size_t at = sizeof(nlmsghdr) + sizeof(nfgenmsg);
  size_t end = message.size();
  uint16_t index = 0;
  while (at + sizeof(nlattr) <= end && at <= offset) {
    const auto header = load<nlattr>(message.data() + at);
    if (header.nla_len < sizeof(nlattr) || at + header.nla_len > end) break;
    const size_t next = at + align4(header.nla_len);
    if (offset >= next) {
      at = next;
      index++;
      continue;
    }
    path.push_back({static_cast<uint16_t>(header.nla_type & NLA_TYPE_MASK), index});
    if (offset == at || (header.nla_type & NLA_F_NESTED) == 0) return path;
    end = at + header.nla_len;
    at += sizeof(nlattr);
    index = 0;
  }
  return path;
}

}  // namespace nftlink
