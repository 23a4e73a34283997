// Messages that are no transaction: each succeeds or fails by itself.
#pragma once

#include "byte_buffer.h"
#include "netlink_socket.h"

namespace nftlink {

/**
 * Sends whole netlink messages, as many at a time as the buffers take, and gives what became of each
 * (docs/packed-format.md, "Messages"). Writes sequence numbers and NLM_F_ACK into them. Throws std::bad_alloc.
 */
ByteBuffer sendMessages(NetlinkSocket& socket, ByteBuffer& messages);

}  // namespace nftlink
