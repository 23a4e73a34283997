// Finds every element that the kernel refuses, where it names only the first of each message.
#pragma once

#include "batch.h"
#include "netlink_socket.h"
#include "outcome.h"

namespace nftlink {

/**
 * Sends an aborted transaction again when a message with several elements failed: one element a message, and without an
 * end, so that the kernel checks and never commits. Adds what that finds to the outcome's failures. Best effort: what
 * cannot be sent is left as it was. `batch` holds the probe afterwards. Throws std::bad_alloc.
 */
void nameEveryElement(NetlinkSocket& socket, Batch& batch, Bytes packed, Outcome& outcome);

}  // namespace nftlink
