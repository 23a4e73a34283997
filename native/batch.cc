#include "batch.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>

namespace nftlink {

namespace {

/** Memory kept from one commit to the next. */
constexpr size_t kKeptBytes = 1 << 20;
constexpr size_t kKeptOrigins = 16384;

// linux/netfilter/nfnetlink.h: enum nfnl_batch_attributes.
constexpr uint16_t kBatchGenerationId = 1;

}  // namespace

void Batch::begin(uint32_t firstSequence, uint32_t generation) {
  buffer_.clear(kKeptBytes);
  if (origins_.capacity() > kKeptOrigins) origins_ = {};
  origins_.clear();
  firstSequence_ = firstSequence;
  putHeader(NFNL_MSG_BATCH_BEGIN, NLM_F_REQUEST, AF_UNSPEC, htons(NFNL_SUBSYS_NFTABLES), kNone);
  if (generation != 0) {
    const nlattr attribute{sizeof(nlattr) + sizeof(uint32_t), kBatchGenerationId};
    buffer_.appendValue(attribute);
    buffer_.appendValue(htonl(generation));
  }
  closeMessage();
}

void Batch::end() {
  putHeader(NFNL_MSG_BATCH_END, NLM_F_REQUEST, AF_UNSPEC, htons(NFNL_SUBSYS_NFTABLES), kNone);
  closeMessage();
}

void Batch::openMessage(uint16_t message, uint16_t flags, uint8_t family, uint32_t operation) {
  const auto type = static_cast<uint16_t>(NFNL_SUBSYS_NFTABLES << 8 | message);
  putHeader(type, static_cast<uint16_t>(NLM_F_REQUEST | flags), family, 0, operation);
}

void Batch::putHeader(uint16_t type, uint16_t flags, uint8_t family, uint16_t resourceBE, uint32_t operation) {
  const auto sequence = static_cast<uint32_t>(firstSequence_ + origins_.size());
  origins_.push_back({operation, kNone, 0, buffer_.size()});
  buffer_.reserve(sizeof(nlmsghdr) + sizeof(nfgenmsg));
  const nlmsghdr header{sizeof(nlmsghdr) + sizeof(nfgenmsg), type, flags, sequence, 0};
  buffer_.appendValue(header);
  const nfgenmsg general{family, NFNETLINK_V0, resourceBE};
  buffer_.appendValue(general);
}

nlmsghdr* Batch::openHeader() {
  return reinterpret_cast<nlmsghdr*>(buffer_.data() + origins_.back().offset);
}

void Batch::closeMessage() {
  openHeader()->nlmsg_len = static_cast<uint32_t>(buffer_.size() - origins_.back().offset);
}

void Batch::setElements(uint32_t first, uint32_t count) {
  origins_.back().firstElement = first;
  origins_.back().elements = count;
}

const MessageOrigin* Batch::find(uint32_t sequence) const {
  const uint32_t index = sequence - firstSequence_;  // wraps together with the numbers
  return index < origins_.size() ? &origins_[index] : nullptr;
}

Bytes Batch::messageBytes(const MessageOrigin& origin) const {
  const Bytes rest = bytes().subspan(origin.offset);
  return rest.first(load<uint32_t>(rest.data()));
}

}  // namespace nftlink
