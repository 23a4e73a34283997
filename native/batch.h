// One transaction as netlink messages, and where each of them came from.
#pragma once

#include <vector>

#include "byte_buffer.h"

struct nlmsghdr;

namespace nftlink {

/** Where a message came from. `operation` is kNone for the batch's begin and end. */
struct MessageOrigin {
  uint32_t operation;
  uint32_t firstElement;
  uint32_t elements;
  size_t offset;
};

class Batch {
 public:
  /** Empties the batch and writes its begin, which takes the first sequence number. */
  void begin(uint32_t firstSequence, uint32_t generation);
  /** Writes the batch's end, without which the kernel checks everything and commits nothing. */
  void end();

  /** Starts a message; what is appended to `buffer` until `closeMessage` is its payload. */
  void openMessage(uint16_t message, uint16_t flags, uint8_t family, uint32_t operation);
  void closeMessage();
  /** Says which elements the open message carries. */
  void setElements(uint32_t first, uint32_t count);
  nlmsghdr* openHeader();

  ByteBuffer& buffer() { return buffer_; }
  Bytes bytes() const { return buffer_.view(); }
  size_t messages() const { return origins_.size(); }
  const std::vector<MessageOrigin>& origins() const { return origins_; }
  uint32_t firstSequence() const { return firstSequence_; }

  /** The message with a sequence number, or nullptr when it is not one of this batch. */
  const MessageOrigin* find(uint32_t sequence) const;
  /** The bytes of a message, from its header on. */
  Bytes messageBytes(const MessageOrigin& origin) const;

 private:
  void putHeader(uint16_t type, uint16_t flags, uint8_t family, uint16_t resourceBE, uint32_t operation);

  ByteBuffer buffer_;
  std::vector<MessageOrigin> origins_;
  uint32_t firstSequence_ = 1;
};

}  // namespace nftlink
