// From the offset that the kernel names to the attribute of the message that was sent.
#pragma once

#include <vector>

#include "bytes.h"

namespace nftlink {

struct PathEntry {
  uint16_t attribute;
  uint16_t index;  // among the attributes of its nest
};
using AttributePath = std::vector<PathEntry>;

/** The way from the outermost attribute to the one at `offset` (from nlmsghdr on); empty when there is none. */
AttributePath findAttribute(Bytes message, uint32_t offset);

}  // namespace nftlink
