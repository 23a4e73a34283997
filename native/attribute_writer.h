// Netlink attributes without libmnl: no call and no look at the room for each of a million elements.
#pragma once

#include <netinet/in.h>

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netlink.h>

#include "bytes.h"

namespace nftlink {

/** Writes attributes into room that the caller has made. */
class AttributeWriter {
 public:
  static constexpr size_t kHeader = sizeof(nlattr);

  explicit AttributeWriter(uint8_t* at) : at_(at) {}
  uint8_t* at() const { return at_; }

  void header(uint16_t type, size_t length) {
    const nlattr attribute{static_cast<uint16_t>(length), type};
    std::memcpy(at_, &attribute, kHeader);
    at_ += kHeader;
  }

  void nest(uint16_t type, size_t length) { header(type | NLA_F_NESTED, length); }

  void value(uint16_t type, const uint8_t* bytes, size_t length) {
    header(type, kHeader + length);
    padded(bytes, length);
  }

  /** `valueBE` is in network order, as every integer of nf_tables. */
  template <typename T>
  void integer(uint16_t type, T valueBE) {
    header(type, kHeader + sizeof valueBE);
    std::memcpy(at_, &valueBE, sizeof valueBE);
    at_ += sizeof valueBE;
  }

  /** A text, to which the final zero is added. */
  void text(uint16_t type, Bytes text) {
    header(type, kHeader + text.size() + 1);
    std::memcpy(at_, text.data(), text.size());
    const size_t padding = align4(text.size() + 1) - text.size();
    std::memset(at_ + text.size(), 0, padding);
    at_ += text.size() + padding;
  }

  /** Attributes that are complete, with their padding. */
  void attributes(Bytes bytes) {
    if (bytes.empty()) return;
    std::memcpy(at_, bytes.data(), bytes.size());
    at_ += bytes.size();
  }

  /** Begins a nest whose length is not known yet; gives its place for `close`. */
  uint8_t* open() {
    uint8_t* const start = at_;
    at_ += kHeader;
    return start;
  }

  /** A nest of more than 16 bits of length is the caller's to refuse. */
  void close(uint8_t* start, uint16_t type) { AttributeWriter(start).nest(type, static_cast<size_t>(at_ - start)); }

  /** A nest of nothing but an NFTA_DATA_VALUE. */
  void nestedValue(uint16_t type, const uint8_t* bytes, size_t length) {
    nest(type, 2 * kHeader + align4(length));
    value(NFTA_DATA_VALUE, bytes, length);
  }

 private:
  void padded(const uint8_t* bytes, size_t length) {
    // The last word first: its padding is zero, the bytes go over the rest.
    std::memset(at_ + align4(length) - 4, 0, 4);
    std::memcpy(at_, bytes, length);
    at_ += align4(length);
  }

  uint8_t* at_;
};

}  // namespace nftlink
