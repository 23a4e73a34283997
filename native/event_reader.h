// What the kernel sends to multicast groups, read into one buffer.
#pragma once

#include "byte_buffer.h"

namespace nftlink {

/** What is read in one go before it is handed over; the last datagram may go beyond it. */
constexpr size_t kEventBatchBytes = 1 << 20;

/**
 * Appends the datagrams that wait on a socket, up to the size of a batch. Where something was lost stands an
 * NLMSG_OVERRUN; where reading failed for good, an NLMSG_ERROR, and then the result is false. Throws std::bad_alloc.
 */
bool readEvents(int fd, ByteBuffer& read);

/** Appends such a message of netlink's own: a nlmsghdr and four bytes, zero or the negative errno. */
void appendControl(ByteBuffer& read, uint16_t type, int32_t value);

}  // namespace nftlink
