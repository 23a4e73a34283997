// Dumps and single questions.
#pragma once

#include "byte_buffer.h"
#include "netlink_socket.h"

namespace nftlink {

struct Request {
  uint8_t subsystem;  // NFNL_SUBSYS_*
  uint8_t message;
  uint16_t flags;  // NLM_F_* besides REQUEST
  uint8_t family;
  Bytes attributes;  // as they go on the wire
};

/** Sends one message and collects its replies as docs/packed-format.md has it ("Request"). Throws std::bad_alloc. */
ByteBuffer request(NetlinkSocket& socket, const Request& question);

}  // namespace nftlink
