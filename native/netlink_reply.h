// The kernel's error messages.
#pragma once

#include <string_view>

#include "bytes.h"

namespace nftlink {

struct Reply {
  uint16_t type = 0;
  uint16_t flags = 0;
  uint32_t sequence = 0;
  Bytes bytes;  // from nlmsghdr on
};

/** Takes the first message off a datagram; false when none is left, or it is cut off. */
bool nextReply(Bytes& datagram, Reply& reply);

/** The errno that a reply carries, which the kernel writes negative; EPROTO for what cannot be one. */
int errnoOf(int32_t value);

/** What an NLMSG_ERROR says. */
struct KernelError {
  int error = 0;            // positive errno; 0 is an acknowledgement
  uint32_t offset = 0;      // of the attribute to blame, from nlmsghdr on; 0: none was named
  std::string_view text;    // the extended acknowledgement's message
};
/** False when the message is too short to be one. */
bool readError(const Reply& reply, KernelError& error);

}  // namespace nftlink
