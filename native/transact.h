// Sends a packed transaction and finds out what became of it.
#pragma once

#include "batch.h"
#include "netlink_socket.h"
#include "outcome.h"

namespace nftlink {

/** Blocks while the kernel commits. `batch` is scratch memory that is kept from one transaction to the next. */
Outcome transact(NetlinkSocket& socket, Batch& batch, Bytes packed) noexcept;

}  // namespace nftlink
